/* chunks.h - decoding of chunked request bodies, in libh2o's place. */
/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdint.h>
#include <sys/types.h>

/* Bytes of extensions and trailers that one body may have. */
enum { CHUNKS_EXTRA_MAX = 16 << 10 };

/* As libh2o allocates and zeroes it: `struct phr_chunked_decoder` with its padding. */
struct chunks {
    size_t left; /* of the chunk; while its size is read, the size so far */
    char consume_trailer;
    uint8_t digits, state;
    uint32_t extra;
};

/* libh2o's own decoder takes "0x2" for a last chunk, and bare line feeds. This one, which the
 * linker puts before it, takes what RFC 9112 has, without spaces.
 *
 * Decodes `*size` bytes at `data` in place, and sets `*size` to what they came to. Returns how many
 * bytes lie behind the body once it is complete; -2: there is more to come; -1: it is malformed. */
ssize_t phr_decode_chunked(struct chunks *c, char *data, size_t *size);
