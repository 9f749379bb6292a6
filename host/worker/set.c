/* set.c - the classes of Lua patterns. */
/* SPDX-License-Identifier: MIT */
#include "worker/set.h"

#include "base/str.h"

/* Ranges of characters. A capital letter is for all others. */
static const struct {
    char letter;
    struct str ranges;
} classes[] = {
    {'a', STR("AZaz")},   {'c', STR("\0\x1F\x7F\x7F")}, {'d', STR("09")},     {'g', STR("!~")},
    {'l', STR("az")},     {'p', STR("!/:@[`{~")},       {'s', STR("\t\r  ")}, {'u', STR("AZ")},
    {'w', STR("09AZaz")}, {'x', STR("09AFaf")},         {'z', STR("\0\0")},
};

enum { CLASSES = sizeof(classes) / sizeof(*classes), LETTERS = 128, CASE_BIT = 0x20 };

void set_add(struct set *set, unsigned char from, unsigned char to)
{
    for (unsigned c = from; c <= to; c++)
        set->words[c / 64] |= 1ULL << (c % 64);
}

static void set_join(struct set *set, const struct set *other)
{
    for (size_t i = 0; i < 4; i++)
        set->words[i] |= other->words[i];
}

void set_invert(struct set *set)
{
    for (size_t i = 0; i < 4; i++)
        set->words[i] = ~set->words[i];
}

const struct set *set_of_class(char letter)
{
    static struct set sets[LETTERS];
    static const struct set *known[LETTERS];
    unsigned char at = (unsigned char)letter;

    if (!known['a'])
        for (size_t i = 0; i < CLASSES; i++) {
            size_t small = (unsigned char)classes[i].letter, large = small & ~(size_t)CASE_BIT;

            for (size_t r = 0; r < classes[i].ranges.len; r += 2)
                set_add(&sets[small], (unsigned char)classes[i].ranges.at[r],
                        (unsigned char)classes[i].ranges.at[r + 1]);
            sets[large] = sets[small];
            set_invert(&sets[large]);
            known[small] = &sets[small];
            known[large] = &sets[large];
        }
    return at < LETTERS ? known[at] : NULL;
}

void set_add_class(struct set *set, char letter)
{
    const struct set *class = set_of_class(letter);

    if (class)
        set_join(set, class);
    else
        set_add(set, (unsigned char)letter, (unsigned char)letter);
}
