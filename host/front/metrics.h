/* metrics.h - the server's figures in Prometheus' text format, version 0.0.4. */
/* SPDX-License-Identifier: MIT */
#pragma once

#include "base/buf.h"

void metrics_put(struct buf *b);
