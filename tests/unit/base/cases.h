/* cases.h - what the unit tests share: cmocka, tables of cases and random numbers. */
/* SPDX-License-Identifier: MIT */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/str.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* ThreadSanitizer notes each access: where many are made by one thread, only one in so many there.
 */
#ifdef __SANITIZE_THREAD__
enum { ONE_IN = 5 };
#else
enum { ONE_IN = 1 };
#endif

/* The same numbers in each run (xorshift64*), so that what fails fails again. */
struct dice {
    uint64_t state;
};

static inline uint64_t dice_next(struct dice *d)
{
    d->state ^= d->state >> 12;
    d->state ^= d->state << 25;
    d->state ^= d->state >> 27;
    return d->state * 0x2545F4914F6CDD1DULL;
}

/* From 0 to `count` - 1. */
static inline size_t dice_below(struct dice *d, size_t count)
{
    return (size_t)(dice_next(d) >> 16) % count;
}

/* From 0 to `most`, small ones as often as large ones. */
static inline size_t dice_size(struct dice *d, size_t most)
{
    size_t bits = 64 - (size_t)__builtin_clzll(most | 1);

    return dice_below(d, (size_t)1 << (1 + dice_below(d, bits))) % (most + 1);
}

static inline void expect_str(struct str got, struct str expected)
{
    if (!str_equal(got, expected))
        fail_msg("got \"%.*s\", not \"%.*s\"", STR_ARG(got), STR_ARG(expected));
}

static inline void expect_contains(const char *text, const char *part)
{
    if (!strstr(text, part))
        fail_msg("\"%s\" does not contain \"%s\"", text, part);
}
