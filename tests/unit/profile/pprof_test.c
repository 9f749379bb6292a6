/* pprof_test.c - profiles, read back: what is in them, filters, deltas, bounds. */
/* SPDX-License-Identifier: MIT */
#include "profile/pprof.h"

#include "decode.h"
#include "refuse.h"
#include "samples.h"

#include "base/err.h"

static struct decoded encoded(struct pprof_query query)
{
    struct buf body = {0};
    struct err err = {0};

    assert_true(pprof_encode(&table, &query, &body, &err));
    assert_int_equal(err.code, ERR_NONE);
    struct decoded d = decode(buf_str(&body));
    buf_fini(&body);
    expect_sound(&d);
    assert_in_range(d.bytes, 1, PPROF_BYTES_MAX);
    assert_in_range(d.profile->n_sample, 0, PPROF_SAMPLES_MAX);
    return d;
}

static void add(const char *function, enum sample_start start, const char *frames, uint64_t value)
{
    struct sample s = sample_of(function, frames);

    s.start = start;
    s.value = value;
    table_add(&table, &s);
}

/* -- What is in them ----------------------------------------------------------------------------
 */

static void each_type_has_its_units_and_period(void **state)
{
    static const struct {
        enum sample_type type;
        const char *first, *first_unit, *last, *last_unit, *period_type, *period_unit;
        int64_t period;
    } cases[] = {
        {SAMPLE_CPU, "samples", "count", "cpu", "nanoseconds", "cpu", "nanoseconds", 10000000},
        {SAMPLE_WALL, NULL, NULL, "wall", "nanoseconds", "wall", "nanoseconds", 10000000},
        {SAMPLE_ALLOC, "alloc_objects", "count", "alloc_space", "bytes", "space", "bytes", 524288},
        {SAMPLE_MUTEX, "contentions", "count", "delay", "nanoseconds", "contentions", "count", 1},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct sample s = sample_of("f", "a\n");
        s.type = cases[i].type;
        s.count = 3;
        s.value = 5;
        table_add(&table, &s);
        struct decoded d = encoded((struct pprof_query){
            .type = cases[i].type, .time_ns = 1700000000000000000, .duration_ns = 10000000000});
        Perftools__Profiles__Profile *p = d.profile;
        Perftools__Profiles__ValueType *last = p->sample_type[p->n_sample_type - 1];

        assert_int_equal(p->n_sample_type, cases[i].first ? 2 : 1);
        if (cases[i].first) {
            assert_string_equal(decoded_text(&d, p->sample_type[0]->type), cases[i].first);
            assert_string_equal(decoded_text(&d, p->sample_type[0]->unit), cases[i].first_unit);
            assert_int_equal(p->sample[0]->value[0], 3);
        }
        assert_string_equal(decoded_text(&d, last->type), cases[i].last);
        assert_string_equal(decoded_text(&d, last->unit), cases[i].last_unit);
        assert_int_equal(decoded_total(&d), 5);
        assert_string_equal(decoded_text(&d, p->period_type->type), cases[i].period_type);
        assert_string_equal(decoded_text(&d, p->period_type->unit), cases[i].period_unit);
        assert_int_equal(p->period, cases[i].period);
        assert_string_equal(decoded_text(&d, p->default_sample_type), cases[i].last);
        assert_int_equal(p->time_nanos, 1700000000000000000);
        assert_int_equal(p->duration_nanos, 10000000000);
        assert_string_equal(decoded_text(&d, p->mapping[0]->filename), "faas-server");
        assert_int_equal(p->n_sample, 1);
        decoded_fini(&d);
    }
}

static void a_period_that_is_told_is_the_profiles(void **state)
{
    (void)state;
    for (enum sample_type type = 0; type < SAMPLE_TYPES; type++) {
        struct decoded d = encoded((struct pprof_query){.type = type, .period = 7 + type});

        assert_int_equal(d.profile->period, 7 + type);
        decoded_fini(&d);
    }
}

static void samples_are_leaf_first_with_labels(void **state)
{
    static const char *const expected[] = {
        "handler@hash.lua:14;run;worker function=hash start=warm 1 40",
        "handler@hash.lua:12;run;worker function=hash start=cold 1 30",
        "close;worker start=cold 1 20",
        "worker 1 10",
    };
    struct buf text = {0};

    (void)state;
    add("", START_NONE, "worker\n", 10);
    add("", START_COLD, "worker\nclose\n", 20);
    add("hash", START_COLD, "worker\nrun\nhandler\thash.lua\t12\n", 30);
    add("hash", START_WARM, "worker\nrun\nhandler\thash.lua\t14\n", 40);
    struct decoded d = encoded((struct pprof_query){.type = SAMPLE_CPU});
    assert_int_equal(d.profile->n_sample, COUNT(expected));
    for (size_t i = 0; i < COUNT(expected); i++) {
        decoded_sample(&d, i, &text);
        assert_string_equal(text.at, expected[i]);
    }
    assert_int_equal(d.profile->n_function, 5); /* with "[other]", for which there is always room */
    assert_int_equal(d.profile->n_location, 6);
    decoded_fini(&d);
    buf_fini(&text);
}

static void nothing_is_a_profile_too(void **state)
{
    (void)state;
    add("f", START_NONE, "a\n", 1);
    struct decoded d = encoded((struct pprof_query){.type = SAMPLE_WALL});
    assert_int_equal(d.profile->n_sample, 0);
    assert_int_equal(d.profile->n_location, 0);
    decoded_fini(&d);
}

static void filters_leave_what_was_asked_for(void **state)
{
    static const struct {
        const char *function;
        enum sample_start start;
        uint64_t total;
    } cases[] = {
        {"", START_NONE, 111111}, {"f", START_NONE, 111},     {"g", START_NONE, 11000},
        {"f", START_COLD, 10},    {"f", START_WARM, 100},     {"", START_COLD, 101010},
        {"", START_WARM, 10100},  {"unknown", START_NONE, 0}, {"a", START_NONE, 0},
    };

    (void)state;
    add("f", START_NONE, "a\n", 1);
    add("f", START_COLD, "a\n", 10);
    add("f", START_WARM, "a\n", 100);
    add("g", START_COLD, "a\n", 1000);
    add("g", START_WARM, "a\n", 10000);
    add("", START_COLD, "a\n", 100000);
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct decoded d = encoded((struct pprof_query){
            .type = SAMPLE_CPU, .function = str_of(cases[i].function), .start = cases[i].start});
        assert_int_equal(decoded_total(&d), cases[i].total);
        decoded_fini(&d);
    }
}

static void a_delta_is_what_came_since(void **state)
{
    struct buf before = {0}, text = {0};

    (void)state;
    add("f", START_WARM, "a\n", 1);
    add("f", START_WARM, "b\n", 10);
    table_snapshot(&table, &before);
    add("f", START_WARM, "b\n", 100);
    add("f", START_WARM, "c\n", 1000);
    struct decoded d = encoded((struct pprof_query){.type = SAMPLE_CPU, .before = &before});
    assert_int_equal(d.profile->n_sample, 2);
    decoded_sample(&d, 0, &text);
    assert_string_equal(text.at, "c function=f start=warm 1 1000");
    decoded_sample(&d, 1, &text);
    assert_string_equal(text.at, "b function=f start=warm 1 100");
    decoded_fini(&d);
    buf_fini(&before);
    buf_fini(&text);
}

/* -- Bounds -------------------------------------------------------------------------------------
 */

/* `count` stacks of 64 frames each; the text of every leaf differs, `pad` bytes of it. */
static void add_stacks(const char *function, size_t count, size_t pad, uint64_t value)
{
    struct buf frames = {0};

    for (size_t i = 0; i < count; i++) {
        buf_clear(&frames);
        for (size_t j = 0; j < 63; j++)
            buf_format(&frames, "f%zu\n", (i / 16 + j) % 300);
        buf_format(&frames, "%.*d\tfile\t%zu\n", (int)pad, (int)i, i);
        buf_put(&frames, "", 1);
        add(function, i % 2 ? START_WARM : START_COLD, frames.at, value + i);
    }
    buf_fini(&frames);
}

static void samples_past_their_bound_are_merged_smallest_first(void **state)
{
    /* Two groups of labels, whose room is kept once there are too many. */
    static const struct {
        size_t stacks, samples, merged;
    } cases[] = {
        {PPROF_SAMPLES_MAX - 2, PPROF_SAMPLES_MAX - 2, 0},
        {PPROF_SAMPLES_MAX - 1, PPROF_SAMPLES_MAX - 1, 1},
        {PPROF_SAMPLES_MAX + 7, PPROF_SAMPLES_MAX, 9},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        uint64_t expected = 0, merged = 0;

        close_table(NULL);
        open_table(NULL);
        for (size_t j = 0; j < cases[i].stacks; j++) {
            char frames[32];

            snprintf(frames, sizeof(frames), "a%zu\nb%zu\n", j / 128, j % 128);
            add("f", j % 2 ? START_WARM : START_COLD, frames, 1000 + j);
            expected += 1000 + j;
            merged += j < cases[i].merged ? 1000 + j : 0;
        }
        struct decoded d = encoded((struct pprof_query){.type = SAMPLE_CPU});
        assert_int_equal(d.profile->n_sample, cases[i].samples);
        assert_int_equal(decoded_total(&d), expected);
        struct buf text = {0};
        uint64_t seen = 0;
        for (size_t j = cases[i].samples < 2 ? 0 : cases[i].samples - 2; j < cases[i].samples;
             j++) {
            decoded_sample(&d, j, &text);
            if (str_starts(str_of(text.at), STR("[other] function=f start=")))
                seen += (uint64_t)d.profile->sample[j]->value[1];
        }
        assert_int_equal(seen, merged);
        buf_fini(&text);
        decoded_fini(&d);
    }
}

static void bytes_past_their_bound_are_merged(void **state)
{
    (void)state;
    add_stacks("large", 4000, 900, 1000000);
    add_stacks("small", 4000, 300, 1);
    add("gone", START_NONE, "x\n", 1); /* smaller than all that fits */
    uint64_t sum = total(&table, NULL).value;
    struct decoded d = encoded((struct pprof_query){.type = SAMPLE_CPU});
    print_message("%zu samples, %zu bytes\n", d.profile->n_sample, d.bytes);
    assert_in_range(d.bytes, PPROF_BYTES_MAX / 10 * 9, PPROF_BYTES_MAX);
    assert_in_range(d.profile->n_sample, 3000, 4000);
    assert_int_equal(decoded_total(&d), sum);
    decoded_fini(&d);
}

static void what_the_table_folded_is_merged_too(void **state)
{
    struct buf text = {0};

    (void)state;
    add("f", START_NONE, "[other]\n", 5);
    add("f", START_NONE, "a\n", 3);
    add("g", START_NONE, "[other]\n", 2);
    struct decoded d = encoded((struct pprof_query){.type = SAMPLE_CPU});
    assert_int_equal(d.profile->n_sample, 3);
    decoded_sample(&d, 1, &text);
    assert_string_equal(text.at, "[other] function=f 1 5");
    decoded_sample(&d, 2, &text);
    assert_string_equal(text.at, "[other] function=g 1 2");
    decoded_fini(&d);
    buf_fini(&text);
}

static void every_function_and_start_at_once_has_room(void **state)
{
    static char name[SAMPLE_NAME_MAX + 1];

    (void)state;
    for (size_t i = 0; i < TABLE_ENTRIES_MAX + 4000; i++) {
        char frames[32];

        snprintf(name, sizeof(name), "%0*zu", SAMPLE_NAME_MAX, i % (TABLE_FUNCTIONS_MAX + 10));
        snprintf(frames, sizeof(frames), "a%zu\nb%zu\n", i / 128, i % 128);
        add(name, (enum sample_start)(i % SAMPLE_STARTS), frames, i);
    }
    struct decoded d = encoded((struct pprof_query){.type = SAMPLE_CPU});
    assert_int_equal(decoded_total(&d), total(&table, NULL).value);
    decoded_fini(&d);
}

/* -- Failure ------------------------------------------------------------------------------------
 */

static void a_profile_that_cannot_be_compressed_is_an_error(void **state)
{
    struct buf body = {0};
    struct err err = {0};

    (void)state;
    add("f", START_NONE, "a\n", 1);
    refuse = true;
    bool ok = pprof_encode(&table, &(struct pprof_query){.type = SAMPLE_CPU}, &body, &err);
    refuse = false;
    assert_false(ok);
    assert_int_equal(err.code, ERR_INTERNAL);
    assert_int_equal(body.len, 0);
    buf_fini(&body);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_table, close_table)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(each_type_has_its_units_and_period),
        TEST(a_period_that_is_told_is_the_profiles),
        TEST(samples_are_leaf_first_with_labels),
        TEST(nothing_is_a_profile_too),
        TEST(filters_leave_what_was_asked_for),
        TEST(a_delta_is_what_came_since),
        TEST(samples_past_their_bound_are_merged_smallest_first),
        TEST(bytes_past_their_bound_are_merged),
        TEST(what_the_table_folded_is_merged_too),
        TEST(every_function_and_start_at_once_has_room),
        TEST(a_profile_that_cannot_be_compressed_is_an_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
