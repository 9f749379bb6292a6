/* sieve.c - counts primes with a segmented sieve of Eratosthenes over the odd numbers. */
/* SPDX-License-Identifier: MIT */
#include "args.h"

#include <string.h>

enum {
    SIEVE_LIMIT_MAX = 100000000,
    SEGMENT_BYTES = 32768, /* one odd number a byte; the size of a first-level cache */
    BASE_LIMIT = 10000,    /* the square root of the largest limit */
    BASE_MAX = 1228,       /* odd primes below BASE_LIMIT */
};

/* An odd number 2i + 1 goes by its index i. Crossing out the multiples of p goes in steps of p
 * indices, as the even multiples are not there. */
struct sieve {
    uint32_t base_count;
    uint32_t prime[BASE_MAX];
    uint32_t next[BASE_MAX]; /* index of the multiple to cross out next */
    unsigned char composite[SEGMENT_BYTES];
};

static void find_base_primes(struct sieve *sieve)
{
    memset(sieve->composite, 0, BASE_LIMIT / 2);
    sieve->base_count = 0;
    for (uint32_t i = 1; i < BASE_LIMIT / 2; i++) {
        if (sieve->composite[i])
            continue;
        uint32_t prime = 2 * i + 1;
        uint32_t square = (prime * prime - 1) / 2;
        sieve->prime[sieve->base_count] = prime;
        sieve->next[sieve->base_count++] = square;
        for (uint32_t j = square; j < BASE_LIMIT / 2; j += prime)
            sieve->composite[j] = 1;
    }
}

/* Counts the primes among the odd numbers of indices `low` to `low + length`. */
static uint32_t count_segment(struct sieve *sieve, uint32_t low, uint32_t length)
{
    memset(sieve->composite, 0, length);
    for (uint32_t i = 0; i < sieve->base_count; i++) {
        uint32_t at = sieve->next[i] - low;
        for (; at < length; at += sieve->prime[i])
            sieve->composite[at] = 1;
        sieve->next[i] = low + at;
    }
    uint32_t composites = 0;
    for (uint32_t i = 0; i < length; i++)
        composites += sieve->composite[i];
    return length - composites;
}

static uint32_t count_primes(struct sieve *sieve, uint32_t limit)
{
    if (limit < 2)
        return 0;
    find_base_primes(sieve);
    uint32_t odds = (limit + 1) / 2;
    uint32_t count = 0; /* 2 is left out and 1 is counted, which comes to the same */
    for (uint32_t low = 0; low < odds; low += SEGMENT_BYTES) {
        uint32_t left = odds - low;
        count += count_segment(sieve, low, left < SEGMENT_BYTES ? left : SEGMENT_BYTES);
    }
    return count;
}

/* -- Binding ------------------------------------------------------------------------------- */

static int l_count(lua_State *L)
{
    uint32_t limit = (uint32_t)l_arg_integer(L, 1, 0, SIEVE_LIMIT_MAX);
    struct sieve *sieve = lua_newuserdata(L, sizeof(*sieve));
    lua_pushnumber(L, count_primes(sieve, limit));
    return 1;
}

static const struct native_fn fns[] = {
    {"count", "sieve.count(limit) -> how many primes there are up to limit", l_count},
    {NULL, NULL, NULL},
};

const struct native native_sieve = {"sieve", "the sieve of Eratosthenes", fns};
