/* tokens.c - keeping tokens, and forgetting them. */
/* SPDX-License-Identifier: MIT */
#include "base/tokens.h"

#include <stdlib.h>

static const char *const names[TOKEN_COUNT] = {
#define X(name, env) env,
    TOKENS_LIST(X)
#undef X
};

static char kept[TOKEN_COUNT][TOKEN_LEN_MAX + 1];

bool tokens_set(enum token token, const char *name, struct str text, struct err *err)
{
    explicit_bzero(kept[token], sizeof(kept[token]));
    if (text.len == 0)
        return true;
    if (text.len < TOKEN_LEN_MIN || text.len > TOKEN_LEN_MAX || !str_is_visible(text))
        return err_set(err, ERR_BAD_REQUEST,
                       "%s must have %d to %d visible ASCII characters; `openssl rand -hex 32` "
                       "makes one",
                       name, TOKEN_LEN_MIN, TOKEN_LEN_MAX);
    memcpy(kept[token], text.at, text.len);
    return true;
}

bool tokens_read(struct err *err)
{
    for (enum token i = 0; i < TOKEN_COUNT; i++)
        if (!tokens_set(i, names[i], str_of(getenv(names[i])), err))
            return false;
    return true;
}

bool tokens_has(enum token token)
{
    return kept[token][0] != '\0';
}

const char *tokens_padded(enum token token)
{
    return kept[token];
}

void tokens_wipe(void)
{
    explicit_bzero(kept, sizeof(kept));
    for (enum token i = 0; i < TOKEN_COUNT; i++) {
        char *text = getenv(names[i]);

        if (text)
            explicit_bzero(text, strlen(text));
        unsetenv(names[i]);
    }
}
