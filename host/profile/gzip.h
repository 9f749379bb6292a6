/* gzip.h - bytes made smaller on their way out. */
/* SPDX-License-Identifier: MIT */
#pragma once

#include "base/buf.h"

struct err;

/* Puts `bytes`, as gzip of level 1, into the empty `body`. Fails with ERR_INTERNAL. */
bool gzip_put(struct str bytes, struct buf *body, struct err *err);
