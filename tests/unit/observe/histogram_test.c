/* histogram_test.c - quantiles against the sorted values, and the counts of calls. */
/* SPDX-License-Identifier: MIT */
#include "../base/cases.h"

#include <stdlib.h>

#include "base/clock.h"
#include "observe/call_stats.h"

enum { VALUES = 20000 };

/* -- Quantiles ------------------------------------------------------------------------------- */

static int by_value(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return (x > y) - (x < y);
}

/* Within a sixteenth of the value at that rank or a neighbour's, and a microsecond. */
static void expect_quantiles(uint64_t *values, size_t count)
{
    static const double shares[] = {0.001, 0.01, 0.1, 0.5, 0.9, 0.95, 0.99, 0.999, 1};
    static struct histogram h;

    h = (struct histogram){0};
    for (size_t i = 0; i < count; i++)
        histogram_add(&h, values[i]);
    qsort(values, count, sizeof(*values), by_value);
    for (size_t i = 0; i < COUNT(shares); i++) {
        double rank = shares[i] * (double)count;
        size_t above = (size_t)rank < count ? (size_t)rank : count - 1;
        size_t below = above ? above - 1 : 0;
        double low = (double)values[below] * 15 / 16 - 1000;
        double high = (double)values[above] * 17 / 16 + 1000;
        double got = (double)histogram_quantile(&h, shares[i]);

        if (got < low || got > high)
            fail_msg("%g of %zu values is %g, not %g to %g", shares[i], count, got, low, high);
    }
    assert_int_equal(h.max_ns, values[count - 1]);
    assert_int_equal(histogram_quantile(&h, 1), values[count - 1]);
    assert_int_equal(h.count, count);
}

static void quantiles_are_within_a_sixteenth(void **state)
{
    static uint64_t values[VALUES];
    struct dice dice = {21};

    (void)state;
    for (int kind = 0; kind < 6; kind++) {
        for (size_t i = 0; i < VALUES; i++) {
            uint64_t wide = dice_next(&dice) >> (24 + dice_below(&dice, 40));

            values[i] = kind == 0   ? 5 * NS_PER_MS
                        : kind == 1 ? dice_below(&dice, 100 * NS_PER_MS)
                        : kind == 2 ? wide
                        : kind == 3 ? (i % 100 ? 200 * NS_PER_US : 3 * NS_PER_S)
                        : kind == 4 ? i * NS_PER_US
                                    : NS_PER_MS + wide % NS_PER_MS;
        }
        expect_quantiles(values, kind == 2 ? 777 : VALUES);
    }
}

static void one_value_bounds_every_quantile(void **state)
{
    static const uint64_t values[] = {
        0,        1,          999,        1000,           15999,
        16000,    16001,      1000000,    NS_PER_S,       3600 * NS_PER_S,
        1u << 31, 1ULL << 42, 1ULL << 53, UINT64_MAX / 2, UINT64_MAX};

    (void)state;
    for (size_t i = 0; i < COUNT(values); i++) {
        struct histogram h = {0};

        histogram_add(&h, values[i]);
        assert_int_equal(h.max_ns, values[i]);
        assert_in_range(histogram_quantile(&h, 0.5), 0, values[i]);
        if (values[i] < 8000 * NS_PER_S) {
            assert_in_range(histogram_quantile(&h, 1), values[i] - values[i] / 16, values[i]);
        }
    }
}

static void an_empty_histogram_has_no_quantiles(void **state)
{
    static const struct histogram h;

    (void)state;
    assert_int_equal(histogram_quantile(&h, 0), 0);
    assert_int_equal(histogram_quantile(&h, 0.5), 0);
    assert_int_equal(histogram_quantile(&h, 1), 0);
}

/* -- Calls ----------------------------------------------------------------------------------- */

static void a_call_is_in_the_bucket_of_its_upper_bound(void **state)
{
    (void)state;
    for (unsigned i = 0; i < CALL_BUCKET_COUNT; i++)
        for (uint64_t past = 0; past < 2; past++) {
            struct call_stats stats = {0};
            struct call_sample sample = {.start = CALL_WARM,
                                         .latency_ns = call_buckets_us[i] * NS_PER_US + past};

            call_stats_add(&stats, &sample);
            for (unsigned k = 0; k <= CALL_BUCKET_COUNT; k++)
                assert_int_equal(stats.buckets[CALL_WARM][k], k == i + past);
        }
    for (unsigned i = 1; i < CALL_BUCKET_COUNT; i++)
        assert_in_range(call_buckets_us[i], call_buckets_us[i - 1] + 1, UINT64_MAX);
}

static void calls_are_counted_by_start_and_outcome(void **state)
{
    static struct call_stats stats;
    uint64_t latency = 0;

    (void)state;
    for (enum call_start start = 0; start < CALL_STARTS; start++)
        for (enum err_code outcome = 0; outcome < ERR_COUNT; outcome++)
            for (unsigned i = 0; i < start + outcome; i++) {
                call_stats_add(&stats, &(struct call_sample){.start = start,
                                                             .outcome = outcome,
                                                             .latency_ns = 10,
                                                             .phase_ns = {1, 2, 3, 4}});
                latency += 10;
            }
    const uint64_t base = (uint64_t)ERR_COUNT * (ERR_COUNT - 1) / 2;
    uint64_t sum = 0, total = 0;
    for (enum call_start start = 0; start < CALL_STARTS; start++) {
        uint64_t count = base + start * (uint64_t)ERR_COUNT;

        assert_int_equal(call_stats_count(&stats, start), count);
        assert_int_equal(stats.phase_ns[start][PHASE_UNDEPLOY], 4 * count);
        sum += stats.latency_sum_ns[start];
        total += count;
    }
    assert_int_equal(sum, latency);
    assert_int_equal(stats.latency.count, total);
    for (enum err_code outcome = 0; outcome < ERR_COUNT; outcome++)
        assert_int_equal(call_stats_outcome(&stats, outcome), 3 * (uint64_t)outcome + 3);
}

static void phases_and_starts_have_names(void **state)
{
    (void)state;
    for (int i = 0; i < PHASE_COUNT; i++)
        assert_in_range(strlen(call_phase_names[i]), 1, 20);
    for (int i = 0; i < CALL_STARTS; i++)
        assert_in_range(strlen(call_start_names[i]), 1, 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quantiles_are_within_a_sixteenth),
        cmocka_unit_test(one_value_bounds_every_quantile),
        cmocka_unit_test(an_empty_histogram_has_no_quantiles),
        cmocka_unit_test(a_call_is_in_the_bucket_of_its_upper_bound),
        cmocka_unit_test(calls_are_counted_by_start_and_outcome),
        cmocka_unit_test(phases_and_starts_have_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
