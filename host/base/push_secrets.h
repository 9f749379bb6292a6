/* push_secrets.h - what Pyroscope, or a proxy before it, wants to be shown. */
/* SPDX-License-Identifier: MIT */
#pragma once

#include "base/err.h"

enum { PUSH_TOKEN_MAX = 8192 };

/* X(name, environment variable, most characters) */
#define PUSH_SECRETS_LIST(X)                                                                       \
    X(TOKEN, "PYROSCOPE_AUTH_TOKEN", PUSH_TOKEN_MAX)                                               \
    X(USER, "PYROSCOPE_BASIC_AUTH_USER", 255)                                                      \
    X(PASSWORD, "PYROSCOPE_BASIC_AUTH_PASSWORD", 4096)

enum push_secret {
#define X(name, env, most) PUSH_##name,
    PUSH_SECRETS_LIST(X)
#undef X
        PUSH_SECRET_COUNT
};

/* They stay where they are, in the environment, and are looked at there.
 *
 *   fails   ERR_BAD_REQUEST, with a sentence that shows none
 */
bool push_secrets_check(struct err *err);

/* NULL: none. */
const char *push_secrets_get(enum push_secret secret);

/* Forgets them: for every process but the one that shows them. */
void push_secrets_wipe(void);
