/* timers_test.c - timers fire in order, whatever is started, moved and stopped meanwhile. */
/* SPDX-License-Identifier: MIT */
#include "cases.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/timers.h"

enum { MANY = 10000 };

/* What has fired, in order. */
static struct timer *fired[4 * MANY];
static size_t fired_count;

static void remember(struct timer *timer)
{
    fired[fired_count++] = timer;
}

static int reset(void **state)
{
    (void)state;
    fired_count = 0;
    return 0;
}

static void what_is_due_fires_in_order(void **state)
{
    struct timers timers = {0};
    struct timer t[4] = {{0}};

    (void)state;
    timer_start(&timers, &t[0], 30, remember);
    timer_start(&timers, &t[1], 10, remember);
    timer_start(&timers, &t[2], 20, remember);
    timers_fire(&timers, 9);
    assert_int_equal(fired_count, 0);
    timers_fire(&timers, 20);
    assert_int_equal(fired_count, 2);
    assert_ptr_equal(fired[0], &t[1]);
    assert_ptr_equal(fired[1], &t[2]);
    assert_int_equal(t[1].place, 0);
    timer_stop(&timers, &t[1]);
    timer_stop(&timers, &t[3]);
    timers_fire(&timers, UINT64_MAX);
    assert_int_equal(fired_count, 3);
    assert_int_equal(timers.count, 0);
    timers_fini(&timers);
}

static void a_running_timer_is_moved(void **state)
{
    struct timers timers = {0};
    struct timer t[2] = {{0}};

    (void)state;
    timer_start(&timers, &t[0], 10, remember);
    timer_start(&timers, &t[1], 20, remember);
    timer_start(&timers, &t[0], 30, remember);
    assert_int_equal(timers.count, 2);
    timers_fire(&timers, 25);
    assert_int_equal(fired_count, 1);
    assert_ptr_equal(fired[0], &t[1]);
    timer_start(&timers, &t[0], 5, remember);
    timers_fire(&timers, 5);
    assert_int_equal(fired_count, 2);
    timers_fini(&timers);
}

/* -- Inside a fire --------------------------------------------------------------------------- */

static struct timers inner;
static struct timer self, other;

static void stop_other(struct timer *timer)
{
    remember(timer);
    timer_stop(&inner, &other);
}

static void start_again(struct timer *timer)
{
    remember(timer);
    if (fired_count < 5)
        timer_start(&inner, timer, timer->due_ns + 10, start_again);
}

static void start_other(struct timer *timer)
{
    remember(timer);
    timer_start(&inner, &other, timer->due_ns, remember);
}

static void a_firing_timer_may_stop_another(void **state)
{
    (void)state;
    timer_start(&inner, &self, 10, stop_other);
    timer_start(&inner, &other, 11, remember);
    timers_fire(&inner, 100);
    assert_int_equal(fired_count, 1);
    assert_int_equal(inner.count, 0);
    timers_fini(&inner);
}

static void a_firing_timer_may_start_itself_again(void **state)
{
    (void)state;
    timer_start(&inner, &self, 10, start_again);
    timers_fire(&inner, 25);
    assert_int_equal(fired_count, 2);
    assert_int_equal(self.due_ns, 30);
    timers_fire(&inner, 1000);
    assert_int_equal(fired_count, 5);
    timers_fini(&inner);
}

static void what_a_firing_timer_starts_fires_if_due(void **state)
{
    (void)state;
    timer_start(&inner, &self, 10, start_other);
    timers_fire(&inner, 10);
    assert_int_equal(fired_count, 2);
    assert_ptr_equal(fired[1], &other);
    timers_fini(&inner);
}

/* -- Many ------------------------------------------------------------------------------------ */

static int by_due(const void *a, const void *b)
{
    const struct timer *x = *(struct timer *const *)a, *y = *(struct timer *const *)b;

    return (x->due_ns > y->due_ns) - (x->due_ns < y->due_ns);
}

/* Each is started; then some are moved, and some stopped. */
static void churn(struct timers *timers, struct timer *all, struct dice *dice)
{
    for (size_t i = 0; i < MANY; i++)
        timer_start(timers, &all[i], dice_below(dice, 5000), remember);
    for (size_t i = 0; i < MANY; i++) {
        struct timer *timer = &all[dice_below(dice, MANY)];

        if (dice_below(dice, 2))
            timer_start(timers, timer, dice_below(dice, 5000), remember);
        else
            timer_stop(timers, timer);
    }
}

static void ten_thousand_fire_as_if_they_were_sorted(void **state)
{
    static struct timer all[MANY], *sorted[MANY];
    struct timers timers = {0};
    struct dice dice = {11};

    (void)state;
    for (int round = 0; round < 5; round++) {
        size_t running = 0, checked = 0;

        fired_count = 0;
        churn(&timers, all, &dice);
        for (size_t i = 0; i < MANY; i++)
            if (all[i].place)
                sorted[running++] = &all[i];
        assert_int_equal(timers.count, running);
        qsort(sorted, running, sizeof(*sorted), by_due);
        for (uint64_t now = 0; now < 5000; now += 37) {
            timers_fire(&timers, now);
            for (; checked < fired_count; checked++)
                assert_int_equal(fired[checked]->due_ns, sorted[checked]->due_ns);
            if (checked < running)
                assert_in_range(sorted[checked]->due_ns, now + 1, UINT64_MAX);
        }
        timers_fire(&timers, 5000);
        assert_int_equal(fired_count, running);
    }
    timers_fini(&timers);
}

/* -- Waiting --------------------------------------------------------------------------------- */

static void the_wait_is_rounded_up(void **state)
{
    static const struct {
        uint64_t due_ns, now_ns;
        int most_ms, wait_ms;
    } cases[] = {
        {0, 0, 100, 0},
        {5, 6, 100, 0},
        {6, 5, 100, 1},
        {NS_PER_MS, 0, 100, 1},
        {NS_PER_MS + 1, 0, 100, 2},
        {NS_PER_MS - 1, 0, 100, 1},
        {99 * NS_PER_MS, 0, 100, 99},
        {100 * NS_PER_MS, 0, 100, 100},
        {100 * NS_PER_MS + 1, 0, 100, 100},
        {UINT64_MAX, NS_PER_S, 60000, 60000},
        {7 * NS_PER_S, 5 * NS_PER_S, INT32_MAX, 2000},
        {1, 0, 0, 0},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct timers timers = {0};
        struct timer timer = {0};

        assert_int_equal(timers_wait_ms(&timers, cases[i].now_ns, 77), 77);
        timer_start(&timers, &timer, cases[i].due_ns, remember);
        if (timers_wait_ms(&timers, cases[i].now_ns, cases[i].most_ms) != cases[i].wait_ms)
            fail_msg("case %zu", i);
        timers_fini(&timers);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(what_is_due_fires_in_order, reset),
        cmocka_unit_test_setup(a_running_timer_is_moved, reset),
        cmocka_unit_test_setup(a_firing_timer_may_stop_another, reset),
        cmocka_unit_test_setup(a_firing_timer_may_start_itself_again, reset),
        cmocka_unit_test_setup(what_a_firing_timer_starts_fires_if_due, reset),
        cmocka_unit_test_setup(ten_thousand_fire_as_if_they_were_sorted, reset),
        cmocka_unit_test(the_wait_is_rounded_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
