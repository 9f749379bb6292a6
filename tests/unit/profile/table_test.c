/* table_test.c - samples added up: stacks, texts that nobody trusts, and every bound. */
/* SPDX-License-Identifier: MIT */
#include "samples.h"

static void add(struct sample s)
{
    table_add(&table, &s);
}

static const struct entry *last(void)
{
    return table_entry(&table, table_entries(&table) - 1);
}

/* -- Stacks and texts ---------------------------------------------------------------------------
 */

static void a_stack_is_frames_addresses_and_leaf(void **state)
{
    static const struct {
        const char *frames, *leaf, *expected;
        uint32_t pc_count;
    } cases[] = {
        {"a\n", "", "a", 0},
        {"a\nb\n", "", "a;b", 0},
        {"a\nb", "", "a;b", 0},
        {"run\nhandler\thash.lua\t12\n", "", "run;handler@hash.lua:12", 0},
        {"run\n", "[gc]", "run;[gc]", 0},
        {"run\n", "handler\thash.lua\t7", "run;handler@hash.lua:7", 0},
        {"", "leaf", "leaf", 0},
        {"", "", "[unknown]", 0},
        {"\n\n", "", "[unknown]", 0},
        {"\na\n\n\nb\n\n", "", "a;b", 0},
        {"\tfile\t3\n", "", "@file:3", 0},
        {"a\tfile\n", "", "a@file:0", 0},
        {"a\tfile\tx\n", "", "a@file:0", 0},
        {"a\tfile\t-1\n", "", "a@file:0", 0},
        {"a\tfile\t2147483647\n", "", "a@file:2147483647", 0},
        {"a\tfile\t2147483648\n", "", "a@file:0", 0},
        {"a\tfile\t1\t2\n", "", "a@file:0", 0},
        {"a\n", "z", "a;[JIT trace];[JIT trace];z", 2},
        {"[other]\n", "", "[other]", 0},
    };
    struct buf text = {0};

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct sample s = sample_of("", cases[i].frames);
        size_t before = table_entries(&table);

        s.leaf = str_of(cases[i].leaf);
        s.pc_count = cases[i].pc_count;
        s.type = (enum sample_type)(i % SAMPLE_TYPES);
        add(s);
        size_t found = table_entries(&table) > before ? before : 0;
        while (found < before && strcmp(cases[i].expected, text.at ? text.at : "") != 0)
            stack_text(&table, table_entry(&table, found++)->stack, &text);
        if (table_entries(&table) > before)
            stack_text(&table, last()->stack, &text);
        assert_string_equal(text.at, cases[i].expected);
    }
    assert_int_equal(table.folded, 0);
    buf_fini(&text);
}

static int callee(int x) __attribute__((noinline));
static int callee(int x)
{
    return x * 3 + 1;
}

/* A call that ends a function has a return address past its end. */
static void return_addresses_belong_to_the_call_before_them(void **state)
{
    const uint64_t begin = (uint64_t)(uintptr_t)callee;
    struct sample s = sample_of("", "run\n");
    struct buf text = {0};

    (void)state;
    s.pc_count = 2;
    s.pcs[0] = begin + 1;
    s.pcs[1] = begin;
    add(s);
    stack_text(&table, last()->stack, &text);
    assert_string_equal(text.at, "run;callee;callee");
    s.pcs[0] = begin;
    add(s);
    stack_text(&table, last()->stack, &text);
    assert_string_not_equal(text.at, "run;callee;callee");
    buf_fini(&text);
}

static void texts_become_valid_without_control_characters(void **state)
{
    static const struct {
        const char *given, *kept;
    } cases[] = {
        {"plain", "plain"},
        {"\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80", "\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80"},
        {"a\xFFz", "a?z"},
        {"\x80\xFE", "??"},
        {"\xC3", "?"},
        {"\xE2\x82", "??"},
        {"\xED\xA0\x80", "???"}, /* half of a surrogate pair */
        {"\xF4\x90\x80\x80", "????"},
        {"\xC0\x80", "??"},
        {"a\x01\x1F\x7F\rz", "a????z"},
        {"\xC2\x9Bz", "??z"},
        {"\xC2\xA0z", "\xC2\xA0z"},
        {"a\xE2\x82z\xC3\xA4", "a??z\xC3\xA4"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct sample s = sample_of(cases[i].given, "");

        close_table(NULL);
        open_table(NULL);
        s.leaf = s.function;
        add(s);
        uint32_t count, frame = *table_stack(&table, last()->stack, &count);
        struct str name = table_text(&table, table_frame(&table, frame)->name);
        struct str function = table_text(&table, last()->function);
        assert_string_equal(function.at, cases[i].kept);
        assert_string_equal(name.at, cases[i].kept);
        assert_int_equal(name.len, strlen(cases[i].kept));
    }
    struct sample nul = sample_of("", "");
    nul.leaf = (struct str){"a\0b", 3};
    add(nul);
    assert_int_not_equal(table_find_text(&table, STR("a?b")), INDEX_NONE);
}

static void the_same_adds_up_and_what_differs_does_not(void **state)
{
    struct sample first = sample_of("f", "a\nb\n");
    struct sample others[] = {first, first, first, first};

    (void)state;
    add(first);
    add(first);
    assert_int_equal(table_entries(&table), 1);
    assert_int_equal(last()->amount.count, 2);
    assert_int_equal(last()->amount.value, 20000000);
    others[0].type = SAMPLE_WALL;
    others[1].start = START_WARM;
    others[2].function = str_of("g");
    others[3].frames = str_of("b\na\n");
    for (size_t i = 0; i < COUNT(others); i++) {
        add(others[i]);
        assert_int_equal(table_entries(&table), i + 2);
        assert_int_equal(last()->amount.count, 1);
    }
    assert_int_equal(table.samples, 6);
}

static void amounts_end_at_their_bound(void **state)
{
    struct sample s = sample_of("f", "a\n");

    (void)state;
    s.count = INT64_MAX - 1ULL;
    s.value = UINT64_MAX;
    add(s);
    assert_int_equal(last()->amount.count, INT64_MAX - 1ULL);
    assert_int_equal(last()->amount.value, INT64_MAX);
    s.count = 1;
    add(s);
    assert_int_equal(last()->amount.count, INT64_MAX);
    add(s);
    assert_int_equal(last()->amount.count, INT64_MAX);
}

/* -- Bounds -------------------------------------------------------------------------------------
 */

static void put_frames(struct buf *frames, const char *prefix, size_t from, size_t count)
{
    for (size_t i = 0; i < count; i++)
        buf_format(frames, "%s%zu\n", prefix, from + i);
}

static void the_middle_of_a_deep_stack_is_one_frame(void **state)
{
    static const size_t depths[] = {TABLE_DEPTH_MAX - 1, TABLE_DEPTH_MAX, TABLE_DEPTH_MAX + 1,
                                    2000};
    struct buf frames = {0}, text = {0};

    (void)state;
    for (size_t i = 0; i < COUNT(depths); i++) {
        struct sample s = sample_of("", "");
        uint32_t count;
        char leaf[32];

        buf_clear(&frames);
        put_frames(&frames, "f", 0, depths[i] - 1);
        s.frames = buf_str(&frames);
        s.leaf = str_of("leaf");
        add(s);
        table_stack(&table, last()->stack, &count);
        stack_text(&table, last()->stack, &text);
        assert_int_equal(count, depths[i] < TABLE_DEPTH_MAX ? depths[i] : TABLE_DEPTH_MAX);
        assert_int_equal(strstr(text.at, ";f127;[...];f1") != NULL, depths[i] > TABLE_DEPTH_MAX);
        snprintf(leaf, sizeof(leaf), ";f%zu;leaf", depths[i] - 2);
        assert_string_equal(text.at + strlen(text.at) - strlen(leaf), leaf);
    }
    buf_fini(&frames);
    buf_fini(&text);
}

/* Samples of `function`, each with a stack of its own below `prefix`. */
static void add_stacks(const char *function, const char *prefix, size_t count)
{
    char frames[64];

    for (size_t i = 0; i < count; i++) {
        snprintf(frames, sizeof(frames), "%s%zu\n%s%zu\n", prefix, i / 128, prefix, i % 128);
        add(sample_of(function, frames));
    }
}

static void expect_folded(const char *function, uint64_t count)
{
    assert_int_equal(table.folded, count);
    for (size_t i = 0; i < table_entries(&table); i++) {
        const struct entry *e = table_entry(&table, i);

        if (e->stack == TABLE_OTHER && str_equal(table_text(&table, e->function), str_of(function)))
            count -= e->amount.count;
    }
    assert_int_equal(count, 0);
}

static void entries_past_their_bound_are_folded(void **state)
{
    (void)state;
    add_stacks("f", "a", TABLE_ENTRIES_MAX);
    assert_int_equal(table_entries(&table), TABLE_ENTRIES_MAX);
    expect_folded("f", 0);
    add_stacks("f", "a", TABLE_ENTRIES_MAX);
    expect_folded("f", 0);
    size_t texts = table_texts(&table), frames = table_frames(&table), stacks = table.stacks.len;
    add_stacks("f", "b", 300);
    expect_folded("f", 300);
    assert_int_equal(table_texts(&table), texts);
    assert_int_equal(table_frames(&table), frames);
    assert_int_equal(table_entries(&table), TABLE_ENTRIES_MAX + 1);
    assert_int_equal(total(&table, NULL).count, 2 * TABLE_ENTRIES_MAX + 300);
    assert_int_equal(total(&table, NULL).count, table.samples);
    add(sample_of("f", "a0\na0\na0\n")); /* a new stack of known frames */
    assert_int_equal(table.stacks.len, stacks);
    /* A known stack, but of a function that comes too late for an entry of its own. */
    add_stacks("late", "a", 5);
    assert_int_equal(total(&table, "late").count, 5);
    assert_int_equal(table.folded, 306);
}

static void frames_past_their_bound_are_folded(void **state)
{
    enum { EACH = 100 };
    size_t room = TABLE_FRAMES_MAX - table_frames(&table);
    struct buf frames = {0};

    (void)state;
    for (size_t at = 0; at < room; at += EACH) {
        buf_clear(&frames);
        put_frames(&frames, "f", at, room - at < EACH ? room - at : EACH);
        struct sample s = sample_of("f", "");
        s.frames = buf_str(&frames);
        add(s);
    }
    assert_int_equal(table_frames(&table), TABLE_FRAMES_MAX);
    expect_folded("f", 0);
    add(sample_of("f", "f1\nanother\n"));
    expect_folded("f", 1);
    add(sample_of("f", "f1\nf2\n"));
    expect_folded("f", 1);
    assert_int_equal(table_frames(&table), TABLE_FRAMES_MAX);
    buf_fini(&frames);
}

static void texts_past_their_bound_are_folded(void **state)
{
    static char name[SAMPLE_FRAMES_BYTES];
    size_t added = 0;

    (void)state;
    memset(name, 'x', sizeof(name));
    while (!table.folded) {
        struct sample s = sample_of("f", "");

        name[snprintf(name, 5, "%04zu", added++)] = 'x';
        s.frames = (struct str){name, sizeof(name)};
        add(s);
        assert_in_range(added, 1, 600);
    }
    size_t bytes = table.text.len + table.texts.len;
    assert_in_range(bytes, TABLE_TEXT_MAX - 200000 - sizeof(name), TABLE_TEXT_MAX);
    expect_folded("f", 1);
    for (size_t i = 0; i < TABLE_FUNCTIONS_MAX - 1; i++) {
        name[snprintf(name, 5, "%04zu", i)] = 'x';
        struct sample s = sample_of("", "\n");
        s.function = (struct str){name, SAMPLE_NAME_MAX};
        add(s);
        assert_string_not_equal(table_text(&table, last()->function).at, "__other__");
    }
    assert_in_range(table.text.len + table.texts.len, bytes, TABLE_TEXT_MAX);
}

static void stacks_past_their_bound_are_folded(void **state)
{
    struct buf frames = {0};
    size_t stacks = TABLE_STACK_FRAMES_MAX / TABLE_DEPTH_MAX - 1, base;

    (void)state;
    put_frames(&frames, "f", 0, TABLE_DEPTH_MAX - 2);
    base = frames.len;
    for (size_t i = 0; i <= stacks; i++) {
        struct sample s = sample_of("f", "");

        expect_folded("f", 0);
        frames.len = base;
        put_frames(&frames, "f", i / 64, 1);
        put_frames(&frames, "f", i % 64, 1);
        s.frames = buf_str(&frames);
        add(s);
    }
    expect_folded("f", 1); /* the frame "[other]" has taken a place */
    frames.len = 0;
    put_frames(&frames, "f", 0, TABLE_DEPTH_MAX - 1);
    struct sample fits = sample_of("f", "");
    fits.frames = buf_str(&frames);
    add(fits);
    expect_folded("f", 1);
    assert_int_equal(table.stack_frames.len, TABLE_STACK_FRAMES_MAX * sizeof(uint32_t));
    buf_fini(&frames);
}

static void functions_past_their_bound_are_one(void **state)
{
    char name[16];

    (void)state;
    for (int i = 0; i < TABLE_FUNCTIONS_MAX + 10; i++) {
        snprintf(name, sizeof(name), "f%d", i);
        add(sample_of(name, "a\n"));
    }
    assert_int_equal(table_entries(&table), TABLE_FUNCTIONS_MAX + 1);
    assert_int_equal(total(&table, "__other__").count, 10);
    snprintf(name, sizeof(name), "f%d", TABLE_FUNCTIONS_MAX - 1);
    assert_int_equal(total(&table, name).count, 1);
    add(sample_of("f0", "a\n"));
    assert_int_equal(total(&table, "f0").count, 2);
    add(sample_of("", "a\n"));
    assert_int_equal(total(&table, "").count, 1);
}

static void ten_thousand_stacks_of_twenty_frames_take_less_than_8_mib(void **state)
{
    struct buf frames = {0};

    (void)state;
    for (size_t i = 0; i < 10000; i++) {
        struct sample s = sample_of("f", "");

        buf_clear(&frames);
        for (size_t j = 0; j < 20; j++)
            buf_format(&frames, "function_%zu\tsome_file.lua\t%zu\n", (i + j) % 700,
                       (i / 700 + j) % 30);
        s.frames = buf_str(&frames);
        add(s);
    }
    assert_int_equal(table_entries(&table), 10000);
    print_message("%zu frames, %.1f MiB\n", table_frames(&table),
                  (double)table_bytes(&table) / (1 << 20));
    assert_in_range(table_bytes(&table), 1 << 20, (8 << 20) - 1);
    buf_fini(&frames);
}

static void a_snapshot_holds_the_amounts_of_that_time(void **state)
{
    struct buf then = {0};

    (void)state;
    add(sample_of("f", "a\n"));
    add(sample_of("f", "b\n"));
    table_snapshot(&table, &then);
    add(sample_of("f", "a\n"));
    add(sample_of("f", "c\n"));
    assert_int_equal(then.len, 2 * sizeof(struct amount));
    assert_int_equal(((struct amount *)then.at)[0].count, 1);
    assert_int_equal(table_entry(&table, 0)->amount.count, 2);
    buf_fini(&then);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_table, close_table)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_stack_is_frames_addresses_and_leaf),
        TEST(return_addresses_belong_to_the_call_before_them),
        TEST(texts_become_valid_without_control_characters),
        TEST(the_same_adds_up_and_what_differs_does_not),
        TEST(amounts_end_at_their_bound),
        TEST(the_middle_of_a_deep_stack_is_one_frame),
        TEST(entries_past_their_bound_are_folded),
        TEST(frames_past_their_bound_are_folded),
        TEST(texts_past_their_bound_are_folded),
        TEST(stacks_past_their_bound_are_folded),
        TEST(functions_past_their_bound_are_one),
        TEST(ten_thousand_stacks_of_twenty_frames_take_less_than_8_mib),
        TEST(a_snapshot_holds_the_amounts_of_that_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
