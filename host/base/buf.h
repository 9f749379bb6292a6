/* buf.h - text that grows: the owner of what a reply is built in. */
/* SPDX-License-Identifier: MIT */
#pragma once

#include "base/str.h"

/* Zeroed is empty and valid. Running out of memory ends the process: what is put in is bounded by
 * the limits on bodies and replies, and half a reply is worse than a restart. */
struct buf {
    char *at;
    size_t len, room;
};

void buf_fini(struct buf *b);
void buf_clear(struct buf *b); /* empty, the memory kept */

void buf_put(struct buf *b, const void *bytes, size_t len);
void buf_put_str(struct buf *b, struct str s);
void buf_format(struct buf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* `units` of which 10^decimals make one: buf_put_decimal(b, 1234, 3) puts 1.234. */
void buf_put_decimal(struct buf *b, uint64_t units, unsigned decimals);

/* Sixteen hexadecimal digits. */
void buf_put_hex(struct buf *b, uint64_t number);

/* `s` as a JSON string with its quotes; bytes that are no valid UTF-8 become U+FFFD. */
void buf_put_json(struct buf *b, struct str s);

/* Room for `len` more bytes, already counted in b->len; the caller writes them. */
char *buf_extend(struct buf *b, size_t len);

static inline struct str buf_str(const struct buf *b)
{
    return (struct str){b->at, b->len};
}
