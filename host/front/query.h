/* query.h - values of a request's query that several routes take. */
/* SPDX-License-Identifier: MIT */
#pragma once

#include "front/exchange.h"

/* `otherwise` where there is none.
 *
 *   fails   ERR_BAD_REQUEST: it is no whole number from 1 to `most`
 */
bool query_number(const struct exchange *ex, struct str name, int64_t otherwise, int64_t most,
                  int64_t *value, struct err *err);

/* start=cold or start=warm; CALL_UNSTARTED where it says neither.
 *
 *   fails   ERR_BAD_REQUEST
 */
bool query_start(const struct exchange *ex, enum call_start *start, struct err *err);
