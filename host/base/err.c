/* err.c - filling errors, and what their codes mean. */
/* SPDX-License-Identifier: MIT */
#include "base/err.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

static const struct {
    int status;
    const char *word;
} codes[] = {{200, "ok"},
#define X(name, status, word) {status, word},
             ERR_LIST(X)
#undef X
};

bool err_set(struct err *err, enum err_code code, const char *format, ...)
{
    va_list args;

    err->code = code;
    err->retry_s = 0;
    va_start(args, format);
    vsnprintf(err->text, sizeof(err->text), format, args);
    va_end(args);
    return false;
}

bool err_set_errno(struct err *err, const char *what)
{
    return err_set(err, ERR_INTERNAL, "%s: %s", what, strerror(errno));
}

int err_status(enum err_code code)
{
    assert(code < ERR_COUNT);
    return codes[code].status;
}

const char *err_word(enum err_code code)
{
    assert(code < ERR_COUNT);
    return codes[code].word;
}

bool err_word_is_valid(struct str word)
{
    if (word.len == 0 || word.len > ERR_WORD_MAX)
        return false;
    for (size_t i = 0; i < word.len; i++) {
        char c = word.at[i];

        if (!(c >= 'a' && c <= 'z') && (i == 0 || !((c >= '0' && c <= '9') || c == '_')))
            return false;
    }
    return true;
}

bool err_status_is_valid(int status)
{
    return status >= ERR_STATUS_LEAST && status <= ERR_STATUS_MOST;
}
