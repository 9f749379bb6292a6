/* str.c - looking at borrowed text. */
/* SPDX-License-Identifier: MIT */
#include "base/str.h"

bool str_equal(struct str a, struct str b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.at, b.at, a.len) == 0);
}

int str_compare(struct str a, struct str b)
{
    size_t least = a.len < b.len ? a.len : b.len;
    int order = least ? memcmp(a.at, b.at, least) : 0;

    return order ? order : (a.len > b.len) - (a.len < b.len);
}

bool str_starts(struct str s, struct str prefix)
{
    return s.len >= prefix.len && (prefix.len == 0 || memcmp(s.at, prefix.at, prefix.len) == 0);
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

bool str_is_visible(struct str s)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.at[i] < '!' || s.at[i] > '~')
            return false;
    return true;
}

struct str str_trim(struct str s)
{
    while (s.len && is_space(s.at[0])) {
        s.at++;
        s.len--;
    }
    while (s.len && is_space(s.at[s.len - 1]))
        s.len--;
    return s;
}

struct str str_cut(struct str *rest, char separator)
{
    struct str s = *rest;
    const char *end = s.len ? memchr(s.at, separator, s.len) : NULL;

    if (!end) {
        *rest = (struct str){NULL, 0};
        return s;
    }
    size_t before = (size_t)(end - s.at);
    *rest = (struct str){end + 1, s.len - before - 1};
    return (struct str){s.at, before};
}

bool str_to_int64(struct str s, int64_t min, int64_t max, int64_t *value)
{
    bool negative = s.len && s.at[0] == '-';
    size_t i = negative ? 1 : 0;
    int64_t n = 0;

    if (i == s.len)
        return false;
    for (; i < s.len; i++) {
        int digit = s.at[i] - '0';
        if (digit < 0 || digit > 9 || __builtin_mul_overflow(n, 10, &n) ||
            __builtin_add_overflow(n, negative ? -digit : digit, &n))
            return false;
    }
    if (n < min || n > max)
        return false;
    *value = n;
    return true;
}

/* Length of the character that starts with `lead`, and the range its second byte must be in
 * (RFC 3629's table: it excludes overlong forms, surrogates and what is past U+10FFFF). */
static size_t utf8_length(unsigned char lead, unsigned char *low, unsigned char *high)
{
    *low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
    *high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
    if (lead < 0x80)
        return 1;
    if (lead >= 0xC2 && lead <= 0xDF)
        return 2;
    if (lead >= 0xE0 && lead <= 0xEF)
        return 3;
    return lead >= 0xF0 && lead <= 0xF4 ? 4 : 0;
}

size_t str_utf8_prefix(struct str s)
{
    const unsigned char *p = (const unsigned char *)s.at;
    size_t i = 0;

    while (i < s.len) {
        unsigned char low, high;
        size_t n = utf8_length(p[i], &low, &high);

        if (n == 0 || n > s.len - i || (n > 1 && (p[i + 1] < low || p[i + 1] > high)))
            break;
        for (size_t k = 2; k < n; k++)
            if ((p[i + k] & 0xC0) != 0x80)
                return i;
        i += n;
    }
    return i;
}
