/* str.h - borrowed text: a pointer and a length, never owned, may hold NUL. */
/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct str {
    const char *at;
    size_t len;
};

#define STR(literal) ((struct str){"" literal, sizeof(literal) - 1})

/* For printf: "%.*s", STR_ARG(s). */
#define STR_ARG(s) (int)(s).len, (s).at

static inline struct str str_of(const char *text)
{
    return (struct str){text, text ? strlen(text) : 0};
}

bool str_equal(struct str a, struct str b);

/* Below, at or above 0 as `a` sorts before, with or after `b`, byte by byte. */
int str_compare(struct str a, struct str b);
bool str_starts(struct str s, struct str prefix);

/* Has nothing but visible ASCII characters: no spaces, no controls. So has an empty one. */
bool str_is_visible(struct str s);

/* Without ASCII white space at both ends. */
struct str str_trim(struct str s);

/* Cuts `*rest` at the first `separator`: returns what is before it and moves `*rest` behind it.
 * Without a separator all is returned, and `*rest` is empty with a NULL pointer. */
struct str str_cut(struct str *rest, char separator);

/* A decimal number with nothing around it, between `min` and `max`. */
bool str_to_int64(struct str s, int64_t min, int64_t max, int64_t *value);

/* How many bytes at the start of `s` are whole, valid UTF-8 characters (RFC 3629). */
size_t str_utf8_prefix(struct str s);
