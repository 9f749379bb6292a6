/* retry_test.c - what statuses mean, how long the pauses are, and what is too old. */
/* SPDX-License-Identifier: MIT */
#include "push/retry.h"

#include "../base/cases.h"

static void statuses_are_judged(void **state)
{
    static const struct {
        long status;
        enum verdict verdict;
    } cases[] = {
        {0, VERDICT_AGAIN},     {200, VERDICT_TAKEN},   {204, VERDICT_TAKEN},
        {299, VERDICT_TAKEN},   {300, VERDICT_REFUSED}, {301, VERDICT_REFUSED},
        {400, VERDICT_REFUSED}, {401, VERDICT_REFUSED}, {404, VERDICT_REFUSED},
        {413, VERDICT_REFUSED}, {422, VERDICT_REFUSED}, {428, VERDICT_REFUSED},
        {429, VERDICT_AGAIN},   {430, VERDICT_REFUSED}, {499, VERDICT_REFUSED},
        {500, VERDICT_AGAIN},   {503, VERDICT_AGAIN},   {599, VERDICT_AGAIN},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++)
        if (retry_judge(cases[i].status) != cases[i].verdict)
            fail_msg("%ld", cases[i].status);
}

static void pauses_are_by_chance_below_a_bound_that_doubles(void **state)
{
    static const uint64_t most_ms[] = {1000, 2000, 4000, 8000, 16000, 30000, 30000, 30000};
    struct dice dice = {1};

    (void)state;
    assert_int_equal(COUNT(most_ms), RETRY_TRIES_MAX);
    for (unsigned tries = 1; tries <= COUNT(most_ms); tries++) {
        uint64_t most = most_ms[tries - 1], longest = 0, shortest = UINT64_MAX;

        for (int i = 0; i < 1000; i++) {
            uint64_t ms = retry_wait_ms(tries, 0, (uint32_t)dice_next(&dice));

            assert_in_range(ms, 1, most);
            longest = ms > longest ? ms : longest;
            shortest = ms < shortest ? ms : shortest;
        }
        assert_true(longest > most * 9 / 10 && shortest < most / 10);
    }
    assert_int_equal(retry_wait_ms(1, 0, 0), 1);
    assert_int_equal(retry_wait_ms(1, 0, 999), 1000);
    assert_int_equal(retry_wait_ms(1, 0, 1000), 1);
    assert_in_range(retry_wait_ms(1000000, 0, UINT32_MAX), 1, 30000);
}

static void what_the_server_asks_for_is_waited_for_within_bounds(void **state)
{
    static const struct {
        int64_t asked_s;
        uint64_t ms;
    } cases[] = {{1, 1000}, {29, 29000}, {30, 30000},        {31, 30000},
                 {0, 501},  {-1, 501},   {INT64_MAX, 30000}, {INT64_MIN, 501}};

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_int_equal(retry_wait_ms(1, cases[i].asked_s, 500), cases[i].ms);
    assert_int_equal(retry_wait_ms(3, 1, 3000), 3001); /* it may be more */
}

static void an_hour_is_too_old(void **state)
{
    enum { NOW = 1000000000, HOUR = 3600000 };

    (void)state;
    assert_false(retry_is_too_old(NOW, NOW));
    assert_false(retry_is_too_old(NOW - HOUR + 1, NOW));
    assert_true(retry_is_too_old(NOW - HOUR, NOW));
    assert_true(retry_is_too_old(0, NOW));
    assert_false(retry_is_too_old(NOW + HOUR, NOW)); /* the clock was set back */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(statuses_are_judged),
        cmocka_unit_test(pauses_are_by_chance_below_a_bound_that_doubles),
        cmocka_unit_test(what_the_server_asks_for_is_waited_for_within_bounds),
        cmocka_unit_test(an_hour_is_too_old),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
