/* restart_test.c - a process that died starts at once, unless it keeps dying soon. */
/* SPDX-License-Identifier: MIT */
#include "../base/cases.h"

#include "base/clock.h"
#include "supervise/restart.h"

enum { QUICK_DEATHS = 5, QUICK_MS = 200, PAUSE_MS = 500 };

static void one_that_was_never_started_is_not_due(void **state)
{
    const struct restart r = {0};

    (void)state;
    assert_false(restart_is_due(&r, UINT64_MAX));
}

static void the_fifth_death_soon_after_a_start_brings_a_pause(void **state)
{
    struct restart r = {0};

    (void)state;
    for (int i = 1; i <= QUICK_DEATHS; i++) {
        restart_begun(&r);
        assert_false(restart_is_due(&r, UINT64_MAX));
        uint64_t before = clock_now_ns();
        restart_after_death(&r);
        assert_int_equal(restart_is_due(&r, clock_now_ns()), i < QUICK_DEATHS);
        if (i == QUICK_DEATHS) {
            assert_true(r.due_ns >= before + PAUSE_MS * NS_PER_MS);
            assert_true(restart_is_due(&r, r.due_ns));
        }
    }
}

static void a_long_life_forgives_what_was_before(void **state)
{
    struct restart r = {0};

    (void)state;
    for (int i = 0; i < 3 * QUICK_DEATHS; i++) {
        restart_begun(&r);
        if (i % (QUICK_DEATHS - 1) == 0)
            r.started_ns -= QUICK_MS * NS_PER_MS;
        restart_after_death(&r);
        assert_true(restart_is_due(&r, clock_now_ns()));
    }
}

static void what_could_not_be_started_pauses(void **state)
{
    struct restart r = {0};
    uint64_t before = clock_now_ns();

    (void)state;
    restart_later(&r);
    assert_false(restart_is_due(&r, before));
    assert_true(restart_is_due(&r, UINT64_MAX));
    assert_true(r.due_ns >= before + PAUSE_MS * NS_PER_MS);
}

static void zero_is_later_than_any_time(void **state)
{
    static const struct {
        uint64_t a, b, first;
    } cases[] = {{0, 0, 0}, {0, 5, 5}, {5, 0, 5}, {5, 6, 5}, {6, 5, 5}};

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_int_equal(restart_first(cases[i].a, cases[i].b), cases[i].first);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_that_was_never_started_is_not_due),
        cmocka_unit_test(the_fifth_death_soon_after_a_start_brings_a_pause),
        cmocka_unit_test(a_long_life_forgives_what_was_before),
        cmocka_unit_test(what_could_not_be_started_pauses),
        cmocka_unit_test(zero_is_later_than_any_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
