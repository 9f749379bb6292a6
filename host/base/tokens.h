/* tokens.h - the secrets that requests may have to show. */
/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/str.h"

enum { TOKEN_LEN_MIN = 32, TOKEN_LEN_MAX = 255 };

/* X(name, environment variable) */
#define TOKENS_LIST(X)                                                                             \
    X(ADMIN, "FAAS_ADMIN_TOKEN")                                                                   \
    X(INVOKE, "FAAS_INVOKE_TOKEN")

enum token {
#define X(name, env) TOKEN_##name,
    TOKENS_LIST(X)
#undef X
        TOKEN_COUNT
};

/* Sets a token; `name` is what the user called it. An empty text sets none.
 *
 *   owns    the text is copied into memory of this module, one for the process
 *   fails   ERR_BAD_REQUEST, with a sentence that does not show the text
 */
bool tokens_set(enum token token, const char *name, struct str text, struct err *err);

/* Sets those that the environment has, and unsets the others. */
bool tokens_read(struct err *err);

bool tokens_has(enum token token);

/* TOKEN_LEN_MAX + 1 bytes, zero behind the text, so that a comparison need not know its length. */
const char *tokens_padded(enum token token);

/* Forgets them, here and in the environment: for a process that runs other people's code. */
void tokens_wipe(void);
