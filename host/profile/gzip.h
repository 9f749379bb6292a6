/* gzip.h - bytes made smaller on their way out. */
/* SPDX-License-Identifier: MIT */
#pragma once

#include "base/buf.h"

struct err;

/* GZIP_STORED: the form alone, for what is small already. */
enum gzip_level { GZIP_STORED, GZIP_FAST };

/* Puts `bytes`, as gzip, into the empty `body`. Fails with ERR_INTERNAL. */
bool gzip_put(struct str bytes, enum gzip_level level, struct buf *body, struct err *err);
