/* json_text.c - JSON text under construction. */
/* SPDX-License-Identifier: MIT */
#include "worker/json_text.h"

#include "native.h"
#include "worker/heap.h"
#include "worker/safepoint.h"

enum { SHORT_BYTES = 8 << 10, DOUBLE_UP_TO = 64 << 10, SLICE = 4 << 10, ESCAPE_MAX = 6 };

static char short_text[SHORT_BYTES];

/* -- Room ------------------------------------------------------------------------------------ */

void json_text_init(struct json_text *text, struct heap *heap, size_t max)
{
    *text = (struct json_text){heap, short_text, 0, SHORT_BYTES, max};
}

void json_text_fini(struct json_text *text)
{
    if (text->at != short_text)
        heap_alloc(text->heap, text->at, text->room, 0);
    text->at = short_text;
}

/* Large text grows by a quarter: in most cases where it lies, and else it is held twice. */
bool json_text_grow(struct json_text *text, size_t more)
{
    size_t room = text->room + (text->room < DOUBLE_UP_TO ? text->room : text->room / 4);

    if (text->len > text->max)
        return false;
    if (room < text->len + more)
        room = text->len + more;
    if (text->at == short_text) {
        text->at = heap_alloc(text->heap, NULL, 0, room);
        memcpy(text->at, short_text, text->len);
    } else {
        text->at = heap_alloc(text->heap, text->at, text->room, room);
    }
    text->room = room;
    return true;
}

/* -- Strings --------------------------------------------------------------------------------- */

static const uint64_t EACH_BYTE = 0x0101010101010101, HIGH_BITS = 0x8080808080808080;

static uint64_t zero_bytes(uint64_t word)
{
    return (word - EACH_BYTE) & ~word & HIGH_BITS;
}

/* Eight characters that stand for themselves: ASCII, no controls, no quote, no backslash. */
static bool are_plain(uint64_t word)
{
    uint64_t control = (word - EACH_BYTE * 0x20) & ~word;

    return ((word | control) & HIGH_BITS) == 0 && zero_bytes(word ^ EACH_BYTE * '"') == 0 &&
           zero_bytes(word ^ EACH_BYTE * '\\') == 0;
}

static bool is_plain(unsigned char c, bool slash)
{
    if (c < 0x20 || c >= 0x7F || c == '"' || c == '\\' || c == '/')
        return (c == '/' || c == 0x7F) && !slash;
    return true;
}

static char *put_escape(char *to, unsigned char c)
{
    static const char digits[] = "0123456789ABCDEF";
    static const char letters[] = {
        ['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f', ['\r'] = 'r'};
    char letter = c == '"' || c == '\\' || c == '/' ? (char)c : c <= '\r' ? letters[c] : '\0';

    *to++ = '\\';
    if (letter) {
        *to++ = letter;
        return to;
    }
    to[0] = 'u';
    to[1] = to[2] = '0';
    to[3] = digits[c >> 4];
    to[4] = digits[c & 15];
    return to + 5;
}

/* The bytes of the character at the start of `s`, which is not ASCII; 0: it is not UTF-8. */
static size_t utf8_bytes(struct str s)
{
    unsigned char lead = (unsigned char)s.at[0];
    size_t bytes = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;

    if (bytes > s.len || str_utf8_prefix((struct str){s.at, bytes}) != bytes)
        return 0;
    return bytes;
}

/* Moves SLICE bytes of `rest`, or a little more for a whole character. NULL: it is not UTF-8. */
static char *put_slice(char *to, struct str *rest, bool slash)
{
    const char *at = rest->at, *end = at + rest->len;
    const char *stop = rest->len < SLICE ? end : at + SLICE;

    while (at < stop) {
        uint64_t word;
        for (; !slash && stop - at >= (ptrdiff_t)sizeof(word); at += sizeof(word)) {
            memcpy(&word, at, sizeof(word));
            if (!are_plain(word))
                break;
            memcpy(to, &word, sizeof(word));
            to += sizeof(word);
        }
        if (at == stop)
            break;
        unsigned char c = (unsigned char)*at;
        size_t bytes = 1;
        if (c >= 0x80) {
            if (!(bytes = utf8_bytes((struct str){at, (size_t)(end - at)})))
                return NULL;
            memcpy(to, at, bytes);
            to += bytes;
        } else if (is_plain(c, slash)) {
            *to++ = (char)c;
        } else {
            to = put_escape(to, c);
        }
        at += bytes;
    }
    *rest = (struct str){at, (size_t)(end - at)};
    return to;
}

enum json_string json_text_put_string(struct json_text *text, struct str s, bool slash)
{
    enum { QUOTE_AND_CHARACTER = 8 };

    if (!json_text_put(text, "\"", 1))
        return JSON_STRING_TOO_LONG;
    do {
        size_t slice = s.len < SLICE ? s.len : SLICE;
        char *to = json_text_room(text, slice * ESCAPE_MAX + QUOTE_AND_CHARACTER);

        if (!to)
            return JSON_STRING_TOO_LONG;
        if (!(to = put_slice(to, &s, slash)))
            return JSON_STRING_NOT_UTF8;
        text->len = (size_t)(to - text->at);
        if (native_stopped())
            safepoint_look();
    } while (s.len);
    text->at[text->len++] = '"'; /* in the room of the last slice */
    return JSON_STRING_PUT;
}
