/* buf.c - text that grows. */
/* SPDX-License-Identifier: MIT */
#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { FIRST_ROOM = 256, FORMAT_GUESS = 128, DECIMAL_SIZE = 32 };

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

    reserve(b, FORMAT_GUESS);
    va_start(args, format);
    va_copy(again, args);
    int len = vsnprintf(b->at + b->len, FORMAT_GUESS, format, args);
    va_end(args);
    if (len >= FORMAT_GUESS) {
        reserve(b, (size_t)len + 1);
        vsnprintf(b->at + b->len, (size_t)len + 1, format, again);
    }
    va_end(again);
    b->len += len > 0 ? (size_t)len : 0;
}

void buf_put_decimal(struct buf *b, uint64_t units, unsigned decimals)
{
    char text[DECIMAL_SIZE], *at = text + sizeof(text);
    unsigned digits = 0;

    do {
        if (decimals && digits == decimals)
            *--at = '.';
        *--at = (char)('0' + units % 10);
        units /= 10;
        digits++;
    } while (units || digits <= decimals);
    buf_put(b, at, (size_t)(text + sizeof(text) - at));
}

void buf_put_hex(struct buf *b, uint64_t number)
{
    static const char digits[] = "0123456789abcdef";
    char *to = buf_extend(b, 16);

    for (int i = 15; i >= 0; i--, number >>= 4)
        to[i] = digits[number & 15];
}

static bool is_plain(unsigned char c)
{
    return c >= 0x20 && c != '"' && c != '\\' && c != 0x7F;
}

static void put_json_char(struct buf *b, unsigned char c)
{
    static const char *const short_form[] = {
        ['\b'] = "\\b", ['\f'] = "\\f", ['\n'] = "\\n", ['\r'] = "\\r", ['\t'] = "\\t"};

    if (c == '"' || c == '\\')
        buf_put(b, (char[]){'\\', (char)c}, 2);
    else if (c <= '\r' && short_form[c])
        buf_put(b, short_form[c], 2);
    else
        buf_format(b, "\\u%04x", c);
}

void buf_put_json(struct buf *b, struct str s)
{
    buf_put(b, "\"", 1);
    while (s.len) {
        size_t valid = str_utf8_prefix(s);

        for (size_t i = 0, run = 0; i < valid; run = ++i) {
            while (i < valid && is_plain((unsigned char)s.at[i]))
                i++;
            buf_put(b, s.at + run, i - run);
            if (i < valid)
                put_json_char(b, (unsigned char)s.at[i]);
        }
        s = (struct str){s.at + valid, s.len - valid};
        if (s.len) {
            buf_put_str(b, STR("\xEF\xBF\xBD"));
            s = (struct str){s.at + 1, s.len - 1};
        }
    }
    buf_put(b, "\"", 1);
}
