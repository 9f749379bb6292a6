/* chunks.c - a strict decoder of chunked bodies. */
/* SPDX-License-Identifier: MIT */
#include "front/chunks.h"

#include <stdbool.h>
#include <string.h>

enum { DIGITS_MAX = 15, MORE = -2, MALFORMED = -1 };

/* What comes next. */
enum state {
    SIZE,
    EXTENSION,
    SIZE_LF,
    DATA,
    DATA_CR,
    DATA_LF,
    TRAILER, /* or the empty line that is the end */
    TRAILER_REST,
    TRAILER_LF,
    END_LF,
    COMPLETE,
    WRONG
};

_Static_assert(sizeof(struct chunks) == 16, "libh2o allocates 16 bytes");

static int hex_of(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static enum state on_size(struct chunks *c, char byte)
{
    int digit = hex_of(byte);

    if (digit >= 0 && c->digits < DIGITS_MAX) {
        c->left = c->left * 16 + (size_t)digit;
        c->digits++;
        return SIZE;
    }
    if (digit >= 0 || c->digits == 0)
        return WRONG;
    return byte == '\r' ? SIZE_LF : byte == ';' ? EXTENSION : WRONG;
}

/* Of an extension or a trailer: text, up to the CR that `then` follows. */
static enum state on_extra(struct chunks *c, char byte, enum state same, enum state then)
{
    bool is_text = ((unsigned char)byte >= 0x20 && byte != 0x7F) || byte == '\t';

    if (byte == '\r')
        return then;
    return is_text && ++c->extra <= CHUNKS_EXTRA_MAX ? same : WRONG;
}

static enum state expect(char byte, char wanted, enum state then)
{
    return byte == wanted ? then : WRONG;
}

static enum state after_size(const struct chunks *c)
{
    if (c->left)
        return DATA;
    return c->consume_trailer ? TRAILER : COMPLETE;
}

static enum state on_byte(struct chunks *c, char byte)
{
    switch ((enum state)c->state) {
    case SIZE:
        return on_size(c, byte);
    case EXTENSION:
        return on_extra(c, byte, EXTENSION, SIZE_LF);
    case SIZE_LF:
        return expect(byte, '\n', after_size(c));
    case DATA_CR:
        return expect(byte, '\r', DATA_LF);
    case DATA_LF:
        c->digits = 0;
        return expect(byte, '\n', SIZE);
    case TRAILER:
        return on_extra(c, byte, TRAILER_REST, END_LF);
    case TRAILER_REST:
        return on_extra(c, byte, TRAILER_REST, TRAILER_LF);
    case TRAILER_LF:
        return expect(byte, '\n', TRAILER);
    case END_LF:
        return expect(byte, '\n', COMPLETE);
    default:
        return WRONG;
    }
}

/* Moves what there is of a chunk's data to its place; returns how many bytes that were. */
static size_t take_data(struct chunks *c, char *to, const char *from, size_t len)
{
    size_t taken = len < c->left ? len : c->left;

    memmove(to, from, taken);
    c->left -= taken;
    if (c->left == 0)
        c->state = DATA_CR;
    return taken;
}

ssize_t phr_decode_chunked(struct chunks *c, char *data, size_t *size)
{
    size_t from = 0, to = 0, taken, len = *size;

    while (from < len && c->state < COMPLETE) {
        if (c->state == DATA) {
            taken = take_data(c, data + to, data + from, len - from);
            from += taken;
            to += taken;
        } else {
            c->state = (uint8_t)on_byte(c, data[from++]);
        }
    }
    memmove(data + to, data + from, len - from);
    *size = to;
    if (c->state == COMPLETE)
        return (ssize_t)(len - from);
    return c->state == WRONG ? MALFORMED : MORE;
}
