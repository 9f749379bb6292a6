/* history_test.c - what came in ranges of the last hour, and what is forgotten. */
/* SPDX-License-Identifier: MIT */
#include "../base/clocks.h"
#include "samples.h"

#include "profile/history.h"

#define WINDOW_NS (HISTORY_WINDOW_S * NS_PER_S)

static uint64_t begin_ns;
static struct tallies tallies;
static struct history history;

static int open_history(void **state)
{
    memset(&tallies, 0, sizeof(tallies));
    open_table(state);
    history_init(&history, &table, &tallies, begin_ns);
    return 0;
}

static int close_history(void **state)
{
    history_fini(&history);
    return close_table(state);
}

static void add(const char *frames, uint64_t value)
{
    struct sample s = sample_of("f", frames);

    s.value = value;
    table_add(&table, &s);
}

static void count(const char *function, enum sample_start start)
{
    tallies_count(tallies_of(&tallies, str_of(function)), start);
}

/* Values and calls since then, and from when on that is. */
struct range {
    uint64_t from_ns, value, calls;
};

static struct range since(uint64_t since_ns)
{
    struct history_sum sum = {0};

    history_add_up(&history, since_ns, &sum);
    struct range range = {.from_ns = sum.from_ns,
                          .calls = history_calls(&history, &sum, STR(""), START_NONE)};
    for (size_t i = 0; i < sum.values.len / sizeof(uint64_t); i++)
        range.value += ((uint64_t *)sum.values.at)[i];
    history_sum_fini(&sum);
    return range;
}

static void expect_range(uint64_t since_ns, uint64_t from_ns, uint64_t value, uint64_t calls)
{
    struct range range = since(since_ns);

    assert_int_equal(range.from_ns, from_ns);
    assert_int_equal(range.value, value);
    assert_int_equal(range.calls, calls);
}

static void what_came_is_found_in_ranges_of_windows(void **state)
{
    const uint64_t b = begin_ns, w = WINDOW_NS;

    (void)state;
    expect_range(0, b, 0, 0);
    add("a\n", 1);
    count("f", START_COLD);
    expect_range(0, b, 1, 1); /* in the window that goes on */
    expect_range(b + 1, b, 1, 1);
    history_turn(&history, b + w - 1);
    assert_int_equal(history.count, 0);
    history_turn(&history, b + w);
    assert_int_equal(history.count, 1);
    add("b\n", 10);
    add("a\n", 100);
    count("g", START_WARM);
    history_turn(&history, b + 2 * w);
    add("c\n", 1000);
    expect_range(0, b, 1111, 2);
    expect_range(b, b, 1111, 2);
    expect_range(b + w - 1, b, 1111, 2);
    expect_range(b + w, b + w, 1110, 1);
    expect_range(b + 2 * w - 1, b + w, 1110, 1);
    expect_range(b + 2 * w, b + 2 * w, 1000, 0);
    expect_range(b + 3 * w, b + 2 * w, 1000, 0);
}

static void no_window_is_made_of_nothing(void **state)
{
    const uint64_t b = begin_ns, w = WINDOW_NS;

    (void)state;
    for (uint64_t i = 1; i <= 10; i++)
        history_turn(&history, b + i * w);
    assert_int_equal(history.count, 0);
    expect_range(b + 3 * w + 1, b + 3 * w + 1, 0, 0);
    count("f", START_WARM); /* calls alone are something */
    history_turn(&history, b + 11 * w);
    assert_int_equal(history.count, 1);
    history_turn(&history, b + 12 * w);
    assert_int_equal(history.count, 1);
    expect_range(b + 3 * w + 1, b + 3 * w + 1, 0, 1);
    expect_range(b + 11 * w + 1, b + 11 * w + 1, 0, 0);
}

static void calls_are_told_by_function_and_start(void **state)
{
    static const struct {
        const char *function;
        enum sample_start start;
        uint64_t calls;
    } cases[] = {{"", START_NONE, 7},  {"", START_COLD, 4},     {"", START_WARM, 3},
                 {"f", START_NONE, 4}, {"f", START_COLD, 3},    {"f", START_WARM, 1},
                 {"g", START_NONE, 2}, {"none", START_NONE, 0}, {"fast", START_NONE, 1}};
    struct history_sum sum = {0};

    (void)state;
    count("fast", START_WARM);
    count("f", START_COLD);
    count("f", START_COLD);
    count("g", START_WARM);
    history_turn(&history, begin_ns + WINDOW_NS);
    count("f", START_COLD);
    count("f", START_WARM);
    count("g", START_COLD);
    history_add_up(&history, 0, &sum);
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_int_equal(history_calls(&history, &sum, str_of(cases[i].function), cases[i].start),
                         cases[i].calls);
    history_sum_fini(&sum);
}

static void functions_past_the_bound_are_counted_together(void **state)
{
    struct history_sum sum = {0};
    char name[16];

    (void)state;
    for (int i = 0; i < TALLIES_MAX + 5; i++) {
        snprintf(name, sizeof(name), "f%d", i);
        count(name, START_COLD);
        count(name, START_COLD);
    }
    assert_int_equal(tallies_used(&tallies), TALLIES_MAX);
    history_add_up(&history, 0, &sum);
    assert_int_equal(history_calls(&history, &sum, STR("f0"), START_NONE), 2);
    assert_int_equal(history_calls(&history, &sum, STR("f1023"), START_NONE), 2);
    assert_int_equal(history_calls(&history, &sum, STR("f1024"), START_NONE), 0);
    assert_int_equal(history_calls(&history, &sum, STR("__other__"), START_NONE), 12);
    history_sum_fini(&sum);
}

static void numbers_of_all_sizes_are_kept(void **state)
{
    char frames[16];
    uint64_t sum = 0;

    (void)state;
    for (int i = 0; i < 62; i++) {
        snprintf(frames, sizeof(frames), "f%d\n", i);
        add(frames, (1ULL << i) - (i % 2 != 0));
        sum += (1ULL << i) - (i % 2 != 0);
    }
    history_turn(&history, begin_ns + WINDOW_NS);
    expect_range(0, begin_ns, sum, 0);
    expect_range(begin_ns + WINDOW_NS, begin_ns + WINDOW_NS, 0, 0);
}

/* Against a list of all that came. */
static void any_range_is_what_came_in_it(void **state)
{
    enum { EVENTS = 3000 };
    static struct {
        uint64_t at_ns, value;
    } events[EVENTS];
    struct dice d = {7};
    uint64_t now = begin_ns;
    char frames[16];

    (void)state;
    for (size_t i = 0; i < EVENTS; i++) {
        now += dice_below(&d, NS_PER_S) * (dice_below(&d, 50) == 0 ? 30 : 1);
        history_turn(&history, now);
        snprintf(frames, sizeof(frames), "f%zu\n", dice_size(&d, 300));
        events[i].at_ns = now;
        events[i].value = dice_size(&d, 1000000);
        add(frames, events[i].value);
        count("f", START_COLD);
    }
    for (size_t round = 0; round < 200 / ONE_IN; round++) {
        uint64_t ago = dice_size(&d, now - begin_ns);
        struct range got = since(now - ago);
        uint64_t value = 0, calls = 0;

        for (size_t i = 0; i < EVENTS; i++) {
            value += events[i].at_ns >= got.from_ns ? events[i].value : 0;
            calls += events[i].at_ns >= got.from_ns;
        }
        assert_int_equal(got.value, value);
        assert_int_equal(got.calls, calls);
        assert_true(got.from_ns <= now - ago);
        assert_true(got.from_ns + 40 * NS_PER_S > now - ago);
    }
}

static void windows_are_forgotten_after_an_hour(void **state)
{
    const uint64_t b = begin_ns, w = WINDOW_NS;

    (void)state;
    for (uint64_t i = 1; i <= HISTORY_WINDOWS_MAX - 1; i++) {
        add("a\n", 1);
        history_turn(&history, b + i * w);
    }
    assert_int_equal(history.count, HISTORY_WINDOWS_MAX - 1);
    expect_range(0, b, HISTORY_WINDOWS_MAX - 1, 0);
    add("a\n", 1);
    history_turn(&history, b + HISTORY_WINDOWS_MAX * w);
    assert_int_equal(history.count, HISTORY_WINDOWS_MAX - 1);
    expect_range(0, b + w, HISTORY_WINDOWS_MAX - 1, 0);
    history_turn(&history, b + (HISTORY_WINDOWS_MAX + HISTORY_S / HISTORY_WINDOW_S - 1) * w);
    assert_int_equal(history.count, 1);
    history_turn(&history, b + (HISTORY_WINDOWS_MAX + HISTORY_S / HISTORY_WINDOW_S) * w);
    assert_int_equal(history.count, 0);
    expect_range(0, b + HISTORY_WINDOWS_MAX * w, 0, 0);
}

/* As if each entry had got a sample. */
static void add_to_all(uint64_t value)
{
    for (size_t i = 0; i < table_entries(&table); i++)
        ((struct entry *)table.entries.at)[i].amount.value += value;
    table.samples++;
}

static void the_oldest_windows_make_room(void **state)
{
    enum { WINDOWS = 70, ENTRIES = TABLE_ENTRIES_MAX };
    const uint64_t large = 1ULL << 55;
    char frames[16];

    (void)state;
    for (size_t i = 0; i < ENTRIES; i++) {
        snprintf(frames, sizeof(frames), "f%zu\n", i);
        add(frames, 0);
    }
    for (uint64_t i = 1; i <= WINDOWS; i++) {
        add_to_all(large);
        history_turn(&history, begin_ns + i * WINDOW_NS);
        assert_true(history_bytes(&history) <= HISTORY_BYTES_MAX);
    }
    assert_in_range(history.count, 40, WINDOWS - 1);
    assert_true(history_bytes(&history) > HISTORY_BYTES_MAX - (1 << 20));
    struct history_sum sum = {0};
    history_add_up(&history, 0, &sum);
    assert_int_equal(sum.from_ns, begin_ns + (WINDOWS - history.count) * WINDOW_NS);
    for (size_t i = 0; i < ENTRIES; i++)
        assert_int_equal(((uint64_t *)sum.values.at)[i], history.count * large);
    history_sum_fini(&sum);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_history, close_history)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_came_is_found_in_ranges_of_windows),
        TEST(no_window_is_made_of_nothing),
        TEST(calls_are_told_by_function_and_start),
        TEST(functions_past_the_bound_are_counted_together),
        TEST(numbers_of_all_sizes_are_kept),
        TEST(any_range_is_what_came_in_it),
        TEST(windows_are_forgotten_after_an_hour),
        TEST(the_oldest_windows_make_room),
    };

    int failed = 0;

    for (size_t i = 0; i < COUNT(clocks_ns); i++) {
        begin_ns = clocks_ns[i];
        failed += cmocka_run_group_tests(tests, NULL, NULL);
    }
    return failed;
}
