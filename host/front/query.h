/* query.h - values of a request's query: one table says how they are checked, and is told of. */
/* SPDX-License-Identifier: MIT */
#pragma once

#include "base/settings.h"
#include "front/exchange.h"

enum query {
    QUERY_NONE,
    QUERY_START,
    QUERY_COUNT,
    QUERY_SIZE,
    QUERY_SECONDS,
    QUERY_FUNCTION,
    QUERY_TAIL,
    QUERY_TYPE,
    QUERY_LAST,
    QUERIES
};

struct query_spec {
    const char *name, *words;
    const char *const *choices; /* ended by NULL; NULL: it is none of some words */
    int64_t most;               /* it is a number from 1 to this; 0: it is none */
    int64_t otherwise;          /* what it is where it is not given; 0: nothing */
};

void query_init(const struct settings *settings);

const struct query_spec *query_spec_of(enum query query);

/*   fails   ERR_BAD_REQUEST: it is no whole number of its range */
bool query_number(const struct exchange *ex, enum query query, int64_t *value, struct err *err);

/* Which of its choices, from 0 on; their number where it is none.
 *
 *   fails   ERR_BAD_REQUEST
 */
bool query_choice(const struct exchange *ex, enum query query, int *choice, struct err *err);

/* CALL_UNSTARTED where it says neither.
 *
 *   fails   ERR_BAD_REQUEST
 */
bool query_start(const struct exchange *ex, enum call_start *start, struct err *err);

/* NULL where it names none.
 *
 *   fails   ERR_UNKNOWN_FUNCTION
 */
bool query_function(const struct exchange *ex, struct func **func, struct err *err);
