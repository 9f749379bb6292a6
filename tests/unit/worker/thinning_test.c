/* thinning_test.c - samples are few, and what they stand for adds up to all there was. */
/* SPDX-License-Identifier: MIT */
#include "worker/thinning.h"

#include "../base/cases.h"
#include "../base/clocks.h"

/* What samples of `count` amounts stand for, to what they are in all. */
static double told(struct thinning *t, double amount, size_t count)
{
    double chance = thinning_chance(t, amount), sum = 0;

    for (size_t i = 0; i < count; i++)
        if (thinning_hits(chance))
            sum += amount / chance;
    return sum / (amount * (double)count);
}

static void totals_stay_true(void **state)
{
    static const double amounts[] = {1, 100, 1000, 5000, 100000};
    struct thinning t = {0};

    (void)state;
    thinning_init(1);
    thinning_set(&t, 1000);
    for (size_t i = 0; i < COUNT(amounts); i++) {
        double ratio = told(&t, amounts[i], 10000000 / (size_t)amounts[i]);

        assert_true(ratio > 0.95 && ratio < 1.05);
    }
}

static void points_are_as_far_apart_as_is_set(void **state)
{
    enum { POINTS = 100000 };
    struct thinning t = {0};
    double sum = 0;

    (void)state;
    thinning_init(2);
    thinning_set(&t, 4096);
    for (int i = 0; i < POINTS; i++)
        sum += (double)thinning_next(&t);
    assert_true(sum / POINTS > 4096 * 0.98 && sum / POINTS < 4096 * 1.02);
}

/* Of what comes without end, each sample is of as many more as it takes to have few. */
static void masses_are_sampled_less_often(void **state)
{
    struct thinning t = {0};
    uint64_t until = clock_now_ns() + NS_PER_S;
    size_t seen = 0;

    (void)state;
    thinning_init(3);
    thinning_set(&t, 10);
    while (clock_now_ns() < until)
        if (thinning_hits(thinning_chance(&t, 1))) {
            thinning_saw(&t, clock_now_ns());
            seen++;
        }
    assert_in_range(seen, 1, 1000);
    assert_true(t.every > 10);
    thinning_set(&t, 10);
    assert_true(t.every > 10);
    thinning_set(&t, 20);
    assert_int_equal(t.every, 20);
}

/* The first look is due at once, on any clock; the next one a fifth of a second later. */
static void the_rate_falls_by_half_for_each_batch_within_a_look(void **state)
{
    enum { BATCH = 21 };

    (void)state;
    for (size_t i = 0; i < COUNT(clocks_ns); i++) {
        const uint64_t from = clocks_ns[i], until = from + NS_PER_S / 5;
        struct thinning t = {0};

        thinning_set(&t, 10);
        thinning_saw(&t, from);
        for (int seen = 1; seen < BATCH; seen++)
            thinning_saw(&t, until - 1);
        assert_int_equal(t.every, 10);
        thinning_saw(&t, until - 1);
        assert_int_equal(t.every, 20);
        thinning_saw(&t, until + NS_PER_S);
        assert_int_equal(t.every, 10);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(totals_stay_true),
        cmocka_unit_test(points_are_as_far_apart_as_is_set),
        cmocka_unit_test(masses_are_sampled_less_often),
        cmocka_unit_test(the_rate_falls_by_half_for_each_batch_within_a_look),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
