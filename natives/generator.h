/* generator.h - random bytes from the kernel, and a fast generator seeded from them. */
/* SPDX-License-Identifier: MIT */
#pragma once

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/random.h>

/* xoshiro256** by Blackman and Vigna: for data that must look random, never for secrets. */
struct generator {
    uint64_t s[4];
};

static inline bool entropy_fill(void *out, size_t length)
{
    unsigned char *at = out;
    while (length > 0) {
        ssize_t got = getrandom(at, length, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return false;
        at += got;
        length -= (size_t)got;
    }
    return true;
}

static inline bool generator_init(struct generator *g)
{
    if (!entropy_fill(g->s, sizeof(g->s)))
        return false;
    g->s[0] |= 1; /* the state must not be all zeros */
    return true;
}

static inline uint64_t rotate_left(uint64_t x, unsigned bits)
{
    return x << bits | x >> (64 - bits);
}

static inline uint64_t generator_next(struct generator *g)
{
    uint64_t *s = g->s;
    uint64_t result = rotate_left(s[1] * 5, 7) * 9;
    uint64_t shifted = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= shifted;
    s[3] = rotate_left(s[3], 45);
    return result;
}

/* A double in [0, 1), every multiple of 2^-53 as likely as another. */
static inline double generator_unit(struct generator *g)
{
    return (double)(generator_next(g) >> 11) * 0x1p-53;
}
