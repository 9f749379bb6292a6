/* deltas_test.c - windows without gap or overlap, of what came in them alone. */
/* SPDX-License-Identifier: MIT */
#include "profile/collector.h"

#include "../base/clocks.h"
#include "decode.h"
#include "refuse.h"
#include "samples.h"

#include <sched.h>

#include "base/err.h"
#include "wire/channel.h"

enum { WINDOWS = 64 };

static const struct sampling rates = {.cpu_hz = 50, .wall_hz = 200, .alloc_bytes = 4096};

/* What came: by window and type, the sum of the last value. */
static struct {
    uint64_t sums[WINDOWS][SAMPLE_TYPES], from_wall_ns[WINDOWS];
    int64_t time_ns[WINDOWS], duration_ns[WINDOWS];
    size_t types[WINDOWS], count;
} seen;

static const int64_t period_of[SAMPLE_TYPES] = {
    [SAMPLE_CPU] = 20000000, [SAMPLE_WALL] = 5000000, [SAMPLE_ALLOC] = 4096};

static void take(const struct delta *deltas, size_t count, uint64_t from_wall_ns)
{
    size_t window = seen.count++;

    assert_in_range(window, 0, WINDOWS - 1);
    assert_in_range(count, 1, SAMPLE_TYPES);
    seen.types[window] = count;
    seen.from_wall_ns[window] = from_wall_ns;
    for (size_t i = 0; i < count; i++) {
        struct decoded d = decode(buf_str(&deltas[i].body));

        expect_sound(&d);
        assert_true(i == 0 || deltas[i].type > deltas[i - 1].type);
        seen.sums[window][deltas[i].type] = decoded_total(&d);
        assert_int_not_equal(d.profile->n_sample, 0);
        assert_true(!period_of[deltas[i].type] || d.profile->period == period_of[deltas[i].type]);
        seen.time_ns[window] = d.profile->time_nanos;
        seen.duration_ns[window] = d.profile->duration_nanos;
        decoded_fini(&d);
    }
}

/* The clock of these tests, which each run begins with another time. */
static uint64_t now_ns;

/* A nanosecond later than the last one. */
static void end_window(struct deltas *d, bool is_last)
{
    deltas_make(d, &table, &rates, ++now_ns, is_last);
}

static void add(enum sample_type type, const char *frames, uint64_t value)
{
    struct sample s = sample_of("f", frames);

    s.type = type;
    s.value = value;
    table_add(&table, &s);
}

static int open_all(void **state)
{
    memset(&seen, 0, sizeof(seen));
    return open_table(state);
}

static void each_window_has_what_came_in_it(void **state)
{
    struct deltas d;

    (void)state;
    deltas_init(&d, take, 1, now_ns);
    add(SAMPLE_CPU, "a\n", 1);
    add(SAMPLE_ALLOC, "a\n", 10);
    end_window(&d, false);
    add(SAMPLE_CPU, "a\n", 2);
    add(SAMPLE_CPU, "b\n", 4);
    add(SAMPLE_MUTEX, "a\n", 100);
    end_window(&d, false);
    assert_int_equal(seen.count, 2);
    assert_int_equal(seen.types[0], 2);
    assert_int_equal(seen.sums[0][SAMPLE_CPU], 1);
    assert_int_equal(seen.sums[0][SAMPLE_ALLOC], 10);
    assert_int_equal(seen.types[1], 2);
    assert_int_equal(seen.sums[1][SAMPLE_CPU], 6);
    assert_int_equal(seen.sums[1][SAMPLE_MUTEX], 100);
    deltas_fini(&d);
}

static void windows_without_samples_are_left_out(void **state)
{
    struct deltas d;

    (void)state;
    deltas_init(&d, take, 1, now_ns);
    end_window(&d, false);
    add(SAMPLE_WALL, "a\n", 1);
    end_window(&d, false);
    end_window(&d, false);
    end_window(&d, true);
    assert_int_equal(seen.count, 1);
    assert_int_equal(seen.types[0], 1);
    assert_int_equal(seen.sums[0][SAMPLE_WALL], 1);
    deltas_fini(&d);
}

static void nothing_comes_before_it_is_due_but_at_the_end(void **state)
{
    struct deltas d;

    (void)state;
    deltas_init(&d, take, NS_PER_S * 3600, now_ns);
    assert_int_equal(deltas_due_ns(&d), now_ns + NS_PER_S * 3600);
    add(SAMPLE_WALL, "a\n", 1);
    end_window(&d, false);
    assert_int_equal(seen.count, 0);
    end_window(&d, true);
    assert_int_equal(seen.count, 1);
    assert_int_equal(seen.sums[0][SAMPLE_WALL], 1);
    deltas_fini(&d);
}

static void without_a_sink_nothing_is_due(void **state)
{
    struct deltas d;

    (void)state;
    deltas_init(&d, NULL, 1, now_ns);
    assert_true(deltas_due_ns(&d) == UINT64_MAX);
    add(SAMPLE_WALL, "a\n", 1);
    end_window(&d, true);
    deltas_fini(&d);
}

static void windows_follow_each_other(void **state)
{
    struct deltas d;

    (void)state;
    deltas_init(&d, take, 1, now_ns);
    for (size_t i = 0; i < WINDOWS; i++) {
        add(SAMPLE_CPU, i % 2 ? "a\n" : "b\n", i + 1);
        end_window(&d, false);
    }
    assert_int_equal(seen.count, WINDOWS);
    for (size_t i = 0; i < WINDOWS; i++) {
        assert_int_equal(seen.sums[i][SAMPLE_CPU], i + 1);
        assert_int_equal((uint64_t)seen.time_ns[i], seen.from_wall_ns[i]);
        assert_int_equal(seen.duration_ns[i], 1);
        assert_true(i == 0 || seen.time_ns[i] >= seen.time_ns[i - 1]);
    }
    deltas_fini(&d);
}

static void what_could_not_be_compressed_is_in_the_next_window(void **state)
{
    struct deltas d;

    (void)state;
    deltas_init(&d, take, 1, now_ns);
    add(SAMPLE_CPU, "a\n", 1);
    refuse = true;
    end_window(&d, false);
    refuse = false;
    assert_int_equal(seen.count, 0);
    add(SAMPLE_CPU, "a\n", 2);
    end_window(&d, false);
    assert_int_equal(seen.count, 1);
    assert_int_equal(seen.sums[0][SAMPLE_CPU], 3);
    deltas_fini(&d);
}

static void a_window_that_was_missed_is_not_made_up_for(void **state)
{
    struct deltas d;

    (void)state;
    deltas_init(&d, take, NS_PER_S * 3600, now_ns);
    now_ns += 3 * 3600 * NS_PER_S;
    end_window(&d, false);
    assert_int_equal(deltas_due_ns(&d), now_ns + 3600 * NS_PER_S);
    deltas_fini(&d);
}

/* -- From a collector ------------------------------------------------------------------------ */

static struct {
    _Atomic uint64_t windows, sum;
} pushed;

static void count(const struct delta *deltas, size_t number, uint64_t from_wall_ns)
{
    (void)from_wall_ns;
    for (size_t i = 0; i < number; i++) {
        struct decoded d = decode(buf_str(&deltas[i].body));

        pushed.sum += decoded_total(&d);
        decoded_fini(&d);
    }
    pushed.windows++;
}

static struct collector *start(const struct switchboard *board, uint64_t interval_ns)
{
    struct err err = {0};
    struct collector *c = collector_start(board, count, interval_ns, &err);

    assert_non_null(c);
    return c;
}

static void a_collector_hands_over_windows_and_the_last_at_its_end(void **state)
{
    struct sample s = sample_of("f", "a\n");
    struct switchboard board;
    struct err err = {0};

    (void)state;
    pushed.windows = pushed.sum = 0;
    assert_true(switchboard_open(&board, 1, 4096, 4096, &err));
    struct channel *channel = &board.channels[0];
    struct ring_end writer = ring_end_of(channel->samples, channel->samples_memory);
    struct collector *c = start(&board, NS_PER_MS);
    for (s.value = 1; s.value <= 3; s.value++) {
        assert_true(sample_write(&writer, &s));
        while (pushed.windows < s.value)
            sched_yield();
    }
    assert_int_equal(pushed.sum, 6);
    collector_stop(c);
    assert_int_equal(pushed.windows, 3); /* nothing came after these */
    c = start(&board, 3600 * NS_PER_S);
    assert_true(sample_write(&writer, &s));
    collector_stop(c);
    assert_int_equal(pushed.windows, 4);
    assert_int_equal(pushed.sum, 10);
    switchboard_close(&board);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_all, close_table)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(each_window_has_what_came_in_it),
        TEST(windows_without_samples_are_left_out),
        TEST(nothing_comes_before_it_is_due_but_at_the_end),
        TEST(without_a_sink_nothing_is_due),
        TEST(windows_follow_each_other),
        TEST(what_could_not_be_compressed_is_in_the_next_window),
        TEST(a_window_that_was_missed_is_not_made_up_for),
        TEST(a_collector_hands_over_windows_and_the_last_at_its_end),
    };

    int failed = 0;

    for (size_t i = 0; i < COUNT(clocks_ns); i++) {
        now_ns = clocks_ns[i];
        failed += cmocka_run_group_tests(tests, NULL, NULL);
    }
    return failed;
}
