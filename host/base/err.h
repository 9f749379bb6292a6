/* err.h - what went wrong: one list gives each error its code, HTTP status and word. */
/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

/* X(name, HTTP status, word for programs). The words are the HTTP contract: never renamed.
 * The numbers cross the rings between processes, which always run the same build. */
#define ERR_LIST(X)                                                                                \
    X(BAD_JSON, 400, "bad_json")                                                                   \
    X(BAD_PARAMS, 400, "bad_params")                                                               \
    X(BAD_REQUEST, 400, "bad_request")                                                             \
    X(UNAUTHORIZED, 401, "unauthorized")                                                           \
    X(FORBIDDEN, 403, "forbidden")                                                                 \
    X(UNKNOWN_FUNCTION, 404, "unknown_function")                                                   \
    X(NOT_FOUND, 404, "not_found")                                                                 \
    X(METHOD_NOT_ALLOWED, 405, "method_not_allowed")                                               \
    X(TOO_LARGE, 413, "too_large")                                                                 \
    X(FUNCTION_BUSY, 429, "function_busy")                                                         \
    X(FUNCTION_ERROR, 500, "function_error")                                                       \
    X(MEMORY_LIMIT, 500, "memory_limit")                                                           \
    X(BAD_RESULT, 500, "bad_result")                                                               \
    X(INTERNAL, 500, "internal")                                                                   \
    X(CANCELLED, 500, "cancelled") /* its client left: nobody reads this, but metrics count it */  \
    X(WORKER_CRASHED, 502, "worker_crashed")                                                       \
    X(QUEUE_FULL, 503, "queue_full")                                                               \
    X(QUEUE_TIMEOUT, 503, "queue_timeout")                                                         \
    X(DRAINING, 503, "draining")                                                                   \
    X(FUNCTION_BROKEN, 503, "function_broken")                                                     \
    X(DEADLINE, 504, "deadline")

enum err_code {
    ERR_NONE = 0,
#define X(name, status, word) ERR_##name,
    ERR_LIST(X)
#undef X
        ERR_COUNT
};

/* Filled where the failure happened; the text is one sentence for a person, cut to fit. */
struct err {
    enum err_code code;
    char text[512];
    unsigned retry_s; /* of a 429 or 503: when to try again, in seconds; 0: soon */
};

/* Fills `err` and returns false, so that a failing function can end with it. */
bool err_set(struct err *err, enum err_code code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* As err_set, with strerror(errno) after the text. */
bool err_set_errno(struct err *err, const char *what);

/* A function may choose these for its own errors: a word of [a-z][a-z0-9_]{0,63}, and a status. */
enum { ERR_WORD_MAX = 64, ERR_STATUS_LEAST = 400, ERR_STATUS_MOST = 599 };
bool err_word_is_valid(struct str word);
bool err_status_is_valid(int status);

int err_status(enum err_code code);       /* HTTP status; 200 for ERR_NONE */
const char *err_word(enum err_code code); /* "ok" for ERR_NONE */
