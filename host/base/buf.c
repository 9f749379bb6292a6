/* buf.c - text that grows. */
/* SPDX-License-Identifier: MIT */
#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { FIRST_ROOM = 256 };

static void reserve(struct buf *b, size_t more)
{
    size_t need = b->len + more;
    size_t room = b->room ? b->room : FIRST_ROOM;

    if (need <= b->room)
        return;
    while (room < need)
        room *= 2;
    b->at = realloc(b->at, room);
    if (!b->at) {
        fputs("out of memory\n", stderr);
        abort();
    }
    b->room = room;
}

void buf_fini(struct buf *b)
{
    free(b->at);
    *b = (struct buf){0};
}

void buf_clear(struct buf *b)
{
    b->len = 0;
}

char *buf_extend(struct buf *b, size_t len)
{
    reserve(b, len);
    b->len += len;
    return b->at + b->len - len;
}

void buf_put(struct buf *b, const void *bytes, size_t len)
{
    if (len)
        memcpy(buf_extend(b, len), bytes, len);
}

void buf_put_str(struct buf *b, struct str s)
{
    buf_put(b, s.at, s.len);
}

void buf_format(struct buf *b, const char *format, ...)
{
    va_list args, again;

    va_start(args, format);
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (len > 0) {
        reserve(b, (size_t)len + 1);
        vsnprintf(b->at + b->len, (size_t)len + 1, format, again);
        b->len += (size_t)len;
    }
    va_end(again);
}

static void put_json_char(struct buf *b, unsigned char c)
{
    static const char *const short_form[] = {
        ['\b'] = "\\b", ['\f'] = "\\f", ['\n'] = "\\n", ['\r'] = "\\r", ['\t'] = "\\t"};

    if (c == '"' || c == '\\')
        buf_put(b, (char[]){'\\', (char)c}, 2);
    else if (c <= '\r' && short_form[c])
        buf_put(b, short_form[c], 2);
    else if (c < 0x20 || c == 0x7F)
        buf_format(b, "\\u%04x", c);
    else
        buf_put(b, &c, 1);
}

void buf_put_json(struct buf *b, struct str s)
{
    buf_put(b, "\"", 1);
    while (s.len) {
        size_t valid = str_utf8_prefix(s);

        for (size_t i = 0; i < valid; i++)
            put_json_char(b, (unsigned char)s.at[i]);
        s = (struct str){s.at + valid, s.len - valid};
        if (s.len) {
            buf_put_str(b, STR("\xEF\xBF\xBD"));
            s = (struct str){s.at + 1, s.len - 1};
        }
    }
    buf_put(b, "\"", 1);
}
