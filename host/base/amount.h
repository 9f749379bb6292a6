/* amount.h - numbers with a unit behind them: 512k, 10ms. */
/* SPDX-License-Identifier: MIT */
#pragma once

#include "base/str.h"

/* Bytes: none or b, k, m, g, of 1024 each, also as kb, mb, gb. Time: none or ns, us, ms, s, also as
 * n, u, m. Upper or lower case. */
enum amount { AMOUNT_BYTES, AMOUNT_NS };

/* False when it is none, or more than `most`. */
bool amount_parse(struct str text, enum amount unit, int64_t most, int64_t *value);
