/* json_text.h - JSON text under construction, counted in the heap of the vm that it is made for. */
/* SPDX-License-Identifier: MIT */
#pragma once

#include <string.h>

#include "base/str.h"

struct heap;

/* Short text lies in a buffer of the process, of which there is one: a text is finished before the
 * next is begun. Longer text moves to the heap. */
struct json_text {
    struct heap *heap;
    char *at;
    size_t len, room, max;
};

void json_text_init(struct json_text *text, struct heap *heap, size_t max);
void json_text_fini(struct json_text *text);

/* More room than there is, for `more` bytes. False when the text is longer than `max`. */
bool json_text_grow(struct json_text *text, size_t more);

/* Where `more` bytes may be written, which the caller then adds to `len`. NULL: too long. */
static inline char *json_text_room(struct json_text *text, size_t more)
{
    if (text->room - text->len < more && !json_text_grow(text, more))
        return NULL;
    return text->at + text->len;
}

static inline bool json_text_put(struct json_text *text, const char *bytes, size_t len)
{
    char *to = json_text_room(text, len);

    if (!to)
        return false;
    memcpy(to, bytes, len);
    text->len += len;
    return true;
}

enum json_string { JSON_STRING_PUT, JSON_STRING_TOO_LONG, JSON_STRING_NOT_UTF8 };

/* Puts `s` with its quotes. `slash`: "/" and DEL are escaped too. */
enum json_string json_text_put_string(struct json_text *text, struct str s, bool slash);
