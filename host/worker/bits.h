/* bits.h - long rows of bits: runs are set, cleared and found a word at a time. */
/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { BITS_WORD = 64 };

static inline size_t bits_bytes(size_t count)
{
    return (count + BITS_WORD - 1) / BITS_WORD * sizeof(uint64_t);
}

static inline void bits_fill(uint64_t *bits, size_t at, size_t count, bool value)
{
    while (count) {
        size_t shift = at % BITS_WORD, n = BITS_WORD - shift < count ? BITS_WORD - shift : count;
        uint64_t some = (n == BITS_WORD ? UINT64_MAX : (1ULL << n) - 1) << shift;

        if (value)
            bits[at / BITS_WORD] |= some;
        else
            bits[at / BITS_WORD] &= ~some;
        at += n;
        count -= n;
    }
}

/* The first bit of that value in [at, end), or `end`. */
static inline size_t bits_next(const uint64_t *bits, size_t at, size_t end, bool value)
{
    while (at < end) {
        uint64_t word = bits[at / BITS_WORD];
        uint64_t some = (value ? word : ~word) >> (at % BITS_WORD);

        if (some) {
            at += (size_t)__builtin_ctzll(some);
            return at < end ? at : end;
        }
        at = (at / BITS_WORD + 1) * BITS_WORD;
    }
    return end;
}

/* Where the run of that value begins that ends just before `at`; `at` when it is empty. */
static inline size_t bits_run_before(const uint64_t *bits, size_t at, bool value)
{
    while (at) {
        size_t shift = (at - 1) % BITS_WORD;
        uint64_t word = bits[(at - 1) / BITS_WORD];
        uint64_t others = (value ? ~word : word) << (BITS_WORD - 1 - shift);

        if (others)
            return at - (size_t)__builtin_clzll(others);
        at -= shift + 1;
    }
    return 0;
}
