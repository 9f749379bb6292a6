/* failure.c - reading what a worker says of a call that failed. */
/* SPDX-License-Identifier: MIT */
#include "front/failure.h"

#include <jansson.h>

enum { CHILD_MAX = 64, TRACEBACK_MAX = 16 << 10 };

static bool is_json(struct str text)
{
    json_t *value = json_loadb(text.at, text.len,
                               JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL | JSON_DECODE_ANY, NULL);

    json_decref(value);
    return value != NULL;
}

/* Only what a function raised or returned has what a function chooses. */
static bool is_sound(const struct failure *f, uint32_t code)
{
    bool is_chosen = f->status || f->code.len || f->child.len || f->details.len;

    return (!is_chosen || code == ERR_FUNCTION_ERROR) &&
           (f->status == 0 || err_status_is_valid(f->status)) &&
           (f->code.len == 0 || err_word_is_valid(f->code)) && f->child.len <= CHILD_MAX &&
           f->traceback.len <= TRACEBACK_MAX && (f->details.len == 0 || is_json(f->details));
}

bool failure_read(struct failure *failure, const struct message *m, const struct str *texts)
{
    *failure =
        (struct failure){.status = m->done.status <= ERR_STATUS_MOST ? (int)m->done.status : -1,
                         .traceback = texts[MESSAGE_TRACEBACK],
                         .details = texts[MESSAGE_DETAILS],
                         .code = texts[MESSAGE_WORD],
                         .child = texts[MESSAGE_CHILD]};
    if (is_sound(failure, m->code))
        return true;
    *failure = (struct failure){0};
    return false;
}

int failure_status(const struct failure *failure, const struct err *err)
{
    return failure && failure->status ? failure->status : err_status(err->code);
}

struct str failure_code(const struct failure *failure, const struct err *err)
{
    return failure && failure->code.len ? failure->code : str_of(err_word(err->code));
}
