/* push_secrets.c - secrets of the environment, checked and forgotten. */
/* SPDX-License-Identifier: MIT */
#include "base/push_secrets.h"

#include <stdlib.h>
#include <string.h>

static const struct {
    const char *env;
    size_t most;
} secrets[PUSH_SECRET_COUNT] = {
#define X(name, env, most) {env, most},
    PUSH_SECRETS_LIST(X)
#undef X
};

const char *push_secrets_get(enum push_secret secret)
{
    const char *text = getenv(secrets[secret].env);

    return text && *text ? text : NULL;
}

/* A header's value; of the user, what is before its colon. */
static bool is_fit(const char *text, enum push_secret secret)
{
    for (const char *c = text; *c; c++)
        if (*c < (secret == PUSH_PASSWORD ? ' ' : '!') || *c > '~' ||
            (secret == PUSH_USER && *c == ':'))
            return false;
    return strlen(text) <= secrets[secret].most;
}

bool push_secrets_check(struct err *err)
{
    for (enum push_secret i = 0; i < PUSH_SECRET_COUNT; i++) {
        const char *text = push_secrets_get(i);

        if (text && !is_fit(text, i))
            return err_set(err, ERR_BAD_REQUEST,
                           "%s must have up to %zu visible ASCII characters%s", secrets[i].env,
                           secrets[i].most, i == PUSH_USER ? ", none of them a colon" : "");
    }
    if (!push_secrets_get(PUSH_USER) != !push_secrets_get(PUSH_PASSWORD))
        return err_set(err, ERR_BAD_REQUEST, "%s and %s come together", secrets[PUSH_USER].env,
                       secrets[PUSH_PASSWORD].env);
    if (push_secrets_get(PUSH_TOKEN) && push_secrets_get(PUSH_USER))
        return err_set(err, ERR_BAD_REQUEST, "%s and %s are both set, but one of them is shown",
                       secrets[PUSH_TOKEN].env, secrets[PUSH_USER].env);
    return true;
}

void push_secrets_wipe(void)
{
    for (enum push_secret i = 0; i < PUSH_SECRET_COUNT; i++) {
        char *text = getenv(secrets[i].env);

        if (text)
            explicit_bzero(text, strlen(text));
        unsetenv(secrets[i].env);
    }
}
