/* member.c - finding a member's text, and comparing a number's. */
/* SPDX-License-Identifier: MIT */
#include "front/member.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>

/* -- Finding --------------------------------------------------------------------------------- */

struct cursor {
    const char *at, *end;
};

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static void skip_space(struct cursor *c)
{
    while (c->at < c->end && is_space(*c->at))
        c->at++;
}

/* Space, and the character that is there. */
static void skip_mark(struct cursor *c)
{
    skip_space(c);
    if (c->at < c->end)
        c->at++;
}

static void skip_string(struct cursor *c)
{
    for (c->at++; c->at < c->end && *c->at != '"'; c->at++)
        if (*c->at == '\\')
            c->at++;
    if (c->at < c->end)
        c->at++;
}

static void skip_nested(struct cursor *c)
{
    int depth = 0;

    do {
        if (*c->at == '"') {
            skip_string(c);
            continue;
        }
        depth += *c->at == '{' || *c->at == '[';
        depth -= *c->at == '}' || *c->at == ']';
        c->at++;
    } while (depth && c->at < c->end);
}

static struct str take_value(struct cursor *c)
{
    const char *start;

    skip_space(c);
    start = c->at;
    if (c->at < c->end && *c->at == '"')
        skip_string(c);
    else if (c->at < c->end && (*c->at == '{' || *c->at == '['))
        skip_nested(c);
    else
        while (c->at < c->end && !is_space(*c->at) && *c->at != ',' && *c->at != '}')
            c->at++;
    return (struct str){start, (size_t)(c->at - start)};
}

/* A key with escapes is rare: jansson reads it. */
static bool is_key(struct str key, const char *name)
{
    struct str inner = {key.at + 1, key.len - 2};

    if (!memchr(key.at, '\\', key.len))
        return str_equal(inner, str_of(name));
    json_t *text = json_loadb(key.at, key.len, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    inner = (struct str){json_string_value(text), json_string_length(text)};
    bool equal = text && str_equal(inner, str_of(name));
    json_decref(text);
    return equal;
}

struct str member_find(struct str object, const char *name)
{
    struct cursor c = {object.at, object.at + object.len};

    skip_mark(&c); /* { */
    for (skip_space(&c); c.at < c.end && *c.at == '"'; skip_space(&c)) {
        struct str key = take_value(&c);

        skip_mark(&c); /* : */
        struct str value = take_value(&c);
        if (is_key(key, name))
            return value;
        skip_mark(&c); /* , or } */
    }
    return (struct str){NULL, 0};
}

/* -- Comparing ------------------------------------------------------------------------------- */

/* A number as 0.DDD times ten to the power of `point`, where the first D is not 0. */
struct digits {
    const char *at, *end; /* from the first D; a point and zeros may be among and after them */
    long long point;      /* of zero: meaningless */
    bool zero;
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static long long read_exponent(struct str text)
{
    enum { MOST = 1000000000 };
    long long exponent = 0;
    bool negative = text.len && *text.at == '-';

    for (size_t i = 0; i < text.len; i++)
        if (is_digit(text.at[i]) && exponent < MOST)
            exponent = exponent * 10 + (text.at[i] - '0');
    return negative ? -exponent : exponent;
}

static struct digits read_digits(struct str text)
{
    struct digits d = {.zero = true};
    bool after_point = false;
    size_t i = 0;

    for (; i < text.len && text.at[i] != 'e' && text.at[i] != 'E'; i++) {
        if (text.at[i] == '.')
            after_point = true;
        if (!is_digit(text.at[i]))
            continue;
        if (d.zero && text.at[i] != '0') {
            d.zero = false;
            d.at = text.at + i;
        }
        if (d.zero ? after_point : !after_point)
            d.point += d.zero ? -1 : 1;
    }
    d.end = text.at + i;
    if (i < text.len)
        d.point += read_exponent((struct str){text.at + i + 1, text.len - i - 1});
    return d;
}

/* The next digit, 0 past the last. */
static char next_digit(struct digits *d)
{
    while (d->at < d->end && !is_digit(*d->at))
        d->at++;
    return d->at < d->end ? *d->at++ : '0';
}

bool member_is_exact(struct str text, double number)
{
    char whole[320]; /* the largest double has 309 digits, which printf prints all */
    int len = snprintf(whole, sizeof(whole), "%.0f", fabs(number));
    struct digits a = read_digits(text), b = read_digits((struct str){whole, (size_t)len});

    if (a.zero || b.zero)
        return a.zero && b.zero;
    if (a.point != b.point)
        return false;
    while (a.at < a.end || b.at < b.end)
        if (next_digit(&a) != next_digit(&b))
            return false;
    return true;
}
