/* matcher_test.c - matching ends when it is told to, and what can be quick is. */
/* SPDX-License-Identifier: MIT */
#include "../base/cases.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "worker/matcher.h"

enum { LARGE = 1 << 20, STOP_AFTER_NS = 2000000 };

static _Atomic bool stop;

static void *stop_soon(void *unused)
{
    const struct timespec soon = {.tv_nsec = STOP_AFTER_NS};

    nanosleep(&soon, NULL);
    atomic_store(&stop, true);
    return unused;
}

static char *filled(size_t len, const char *with)
{
    char *text = malloc(len);

    assert_non_null(text);
    for (size_t i = 0; i < len; i++)
        text[i] = with[i % strlen(with)];
    return text;
}

/* How matching `pattern` in `len` bytes of `with` ends. */
static enum program_fault search(const char *pattern, size_t len, const char *with, bool *found)
{
    void *memory = malloc(program_bytes(strlen(pattern)));
    char *text = filled(len, with);
    struct matcher m = {.begin = text, .end = text + len, .stop = &stop};

    assert_non_null(memory);
    m.program = program_init(memory, str_of(pattern));
    *found = matcher_search(&m, text, false);
    free(text);
    free(memory);
    return m.fault;
}

static void what_takes_for_ever_ends_when_told(void **state)
{
    static const struct {
        const char *pattern, *with;
    } rows[] = {
        {"%b()", "("},
        {"b%b()", "b("},
        {"a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?b", "a"},
        {"a*a*a*a*a*a*a*a*b", "a"},
        {"[ab]*[ab]*[ab]*[ab]*[ab]*c", "ab"},
        {".-.-.-.-.-.-.-b", "a"},
        {"(.*)(.*)(.*)%1%2%3b", "a"},
        {"x.-[ab]-[ab]-[ab]-[ab]-c", "xab"},
        {"(%s*)%1%1%1$", " a"},
        {"%s-[%s]-[%s]-x", " "},
    };
    pthread_t other;
    bool found;

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        atomic_store(&stop, false);
        assert_int_equal(pthread_create(&other, NULL, stop_soon, NULL), 0);
        enum program_fault fault = search(rows[i].pattern, LARGE, rows[i].with, &found);
        pthread_join(other, NULL);
        if (fault != FAULT_STOPPED || found)
            fail_msg("%s was not ended", rows[i].pattern);
    }
    atomic_store(&stop, false);
}

/* LuaJIT takes minutes for each: it starts anew at each character. */
static void what_has_failed_is_not_tried_again(void **state)
{
    static const struct {
        const char *pattern, *with;
    } rows[] = {
        {"a*b", "a"}, {"a+b", "a"},        {"(a+)$b", "a"},  {"%s+$", "       a"},
        {".-b", "a"}, {"()([%w]-)b", "a"}, {"[ab]*c", "ab"}, {".*b", "a"},
    };
    bool found;

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        assert_int_equal(search(rows[i].pattern, LARGE, rows[i].with, &found), FAULT_NONE);
        assert_false(found);
    }
}

static const char *find_slowly(struct str in, struct str what)
{
    for (size_t i = 0; i + what.len <= in.len; i++)
        if (memcmp(in.at + i, what.at, what.len) == 0)
            return in.at + i;
    return NULL;
}

/* All texts of up to 12 letters of two, in all of up to 4, and one that repeats. */
static void plain_text_is_found_where_it_is(void **state)
{
    char in[16], what[8];

    (void)state;
    for (size_t len = 0; len <= 12; len++)
        for (unsigned bits = 0; bits < 1u << len; bits++)
            for (size_t n = 0; n <= 4; n++)
                for (unsigned b = 0; b < 1u << n; b++) {
                    for (size_t i = 0; i < len; i++)
                        in[i] = bits >> i & 1 ? 'a' : '\0';
                    for (size_t i = 0; i < n; i++)
                        what[i] = b >> i & 1 ? 'a' : '\0';
                    struct str text = {in, len}, part = {what, n};
                    assert_ptr_equal(matcher_find_text(text, part), find_slowly(text, part));
                }
}

static void plain_text_is_found_in_linear_time(void **state)
{
    char *in = filled(16 * LARGE, "a"), *what = filled(LARGE, "a");

    (void)state;
    what[LARGE - 1] = 'b';
    assert_null(matcher_find_text((struct str){in, 16 * LARGE}, (struct str){what, LARGE}));
    in[16 * LARGE - 1] = 'b';
    assert_ptr_equal(matcher_find_text((struct str){in, 16 * LARGE}, (struct str){what, LARGE}),
                     in + 15 * LARGE);
    free(in);
    free(what);
}

static void programs_are_kept_until_another_takes_their_place(void **state)
{
    char text[PROGRAM_CACHED_MAX + 1];

    (void)state;
    for (int round = 0; round < 3; round++)
        for (size_t len = 0; len <= PROGRAM_CACHED_MAX; len++)
            for (char c = 'a'; c <= 'e'; c++) {
                memset(text, 'x', len);
                if (len)
                    text[len / 2] = c;
                const struct program *p = program_cached((struct str){text, len});
                assert_int_equal(p->pattern.len, len);
                assert_memory_equal(p->pattern.at, text, len);
                assert_ptr_equal(p, program_cached((struct str){text, len}));
            }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_takes_for_ever_ends_when_told),
        cmocka_unit_test(what_has_failed_is_not_tried_again),
        cmocka_unit_test(plain_text_is_found_where_it_is),
        cmocka_unit_test(plain_text_is_found_in_linear_time),
        cmocka_unit_test(programs_are_kept_until_another_takes_their_place),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
