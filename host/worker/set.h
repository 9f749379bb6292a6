/* set.h - sets of characters, and those that Lua patterns have names for. */
/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct set {
    uint64_t words[4]; /* a bit for each character */
};

static inline bool set_has(const struct set *set, char c)
{
    unsigned char u = (unsigned char)c;

    return set->words[u / 64] >> (u % 64) & 1;
}

/* Adds the characters from `from` to `to`, which may be none. */
void set_add(struct set *set, unsigned char from, unsigned char to);
void set_invert(struct set *set);

/* What "%" and the letter stand for, or NULL: for the character itself. */
const struct set *set_of_class(char letter);

/* Adds what "%" and the letter stand for. */
void set_add_class(struct set *set, char letter);
