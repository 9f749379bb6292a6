/* logs_test.c - lines of functions: their order, their bounds, and who makes room. */
/* SPDX-License-Identifier: MIT */
#include "../base/cases.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "front/func.h"

static void add(struct logs *logs, struct str text)
{
    const struct log_text line = {.call_id = STR("id"), .text = text};

    logs_add(logs, &line);
}

static void put_text(const struct log_text *line, void *data)
{
    struct buf *b = data;

    buf_put_str(b, line->text);
    buf_put(b, ";", 1);
}

static void expect_texts(const struct logs *logs, size_t most, const char *texts)
{
    struct buf b = {0};

    logs_each(logs, most, put_text, &b);
    expect_str(buf_str(&b), str_of(texts));
    buf_fini(&b);
}

static void the_newest_are_told_oldest_first(void **state)
{
    struct logs logs = {0};

    (void)state;
    expect_texts(&logs, 1, "");
    add(&logs, STR("a"));
    expect_texts(&logs, 1, "a;");
    add(&logs, STR(""));
    add(&logs, STR("c"));
    expect_texts(&logs, 1, "c;");
    expect_texts(&logs, 2, ";c;");
    expect_texts(&logs, 3, "a;;c;");
    expect_texts(&logs, 1000, "a;;c;");
    logs_clear(&logs);
    expect_texts(&logs, 1000, "");
    add(&logs, STR("d"));
    expect_texts(&logs, 1000, "d;");
    logs_clear(&logs);
    assert_int_equal(logs_figures().lines, 0);
    assert_int_equal(logs_figures().bytes, 0);
}

static void expect_whole(const struct log_text *line, void *data)
{
    (void)data;
    assert_int_equal(line->wall_ms, 12345);
    assert_int_equal(line->level, LOG_WARN);
    expect_str(line->call_id, STR("an id"));
    expect_str(line->traceparent, STR("00-1-2-01"));
    expect_str(line->text, STR("text"));
}

static void a_line_keeps_all_that_it_was_made_of(void **state)
{
    char id[] = "an id", trace[] = "00-1-2-01", text[] = "text";
    const struct log_text line = {12345, LOG_WARN, str_of(id), str_of(trace), str_of(text)};
    struct logs logs = {0};

    (void)state;
    logs_add(&logs, &line);
    memset(id, 'x', sizeof(id));
    memset(trace, 'x', sizeof(trace));
    memset(text, 'x', sizeof(text));
    logs_each(&logs, 1, expect_whole, NULL);
    logs_clear(&logs);
}

static void put_length(const struct log_text *line, void *data)
{
    *(size_t *)data = line->text.len;
}

static void a_text_is_cut_between_characters(void **state)
{
    static char text[LOGS_TEXT_MAX + 4];
    static const struct {
        const char *end; /* of the text, beginning at `at` */
        size_t at, kept;
    } cases[] = {
        {"", LOGS_TEXT_MAX, LOGS_TEXT_MAX},
        {"x", LOGS_TEXT_MAX, LOGS_TEXT_MAX},
        {"\xC3\xA4", LOGS_TEXT_MAX - 2, LOGS_TEXT_MAX},
        {"\xC3\xA4", LOGS_TEXT_MAX - 1, LOGS_TEXT_MAX - 1},
        {"\xE2\x82\xAC", LOGS_TEXT_MAX - 1, LOGS_TEXT_MAX - 1},
        {"\xE2\x82\xAC", LOGS_TEXT_MAX - 2, LOGS_TEXT_MAX - 2},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        size_t len = cases[i].at + strlen(cases[i].end), kept = 0;
        struct logs logs = {0};

        memset(text, 'a', sizeof(text));
        memcpy(text + cases[i].at, cases[i].end, strlen(cases[i].end));
        add(&logs, (struct str){text, len});
        logs_each(&logs, 1, put_length, &kept);
        assert_int_equal(kept, cases[i].kept);
        logs_clear(&logs);
    }
    memset(text, '\x80', sizeof(text)); /* no character begins anywhere */
    struct logs logs = {0};
    size_t kept = 1;
    add(&logs, (struct str){text, sizeof(text)});
    logs_each(&logs, 1, put_length, &kept);
    assert_int_equal(kept, 0);
    logs_clear(&logs);
}

static void a_function_has_so_many_lines(void **state)
{
    struct logs logs = {0};
    char text[16];

    (void)state;
    for (int i = 1; i <= LOGS_LINES_MAX; i++) {
        snprintf(text, sizeof(text), "%d", i);
        add(&logs, str_of(text));
    }
    assert_int_equal(logs.count, LOGS_LINES_MAX);
    add(&logs, STR("last"));
    assert_int_equal(logs.count, LOGS_LINES_MAX);
    expect_texts(&logs, 2, "1000;last;");
    logs_clear(&logs);
}

static void a_function_has_so_much_memory(void **state)
{
    static char large[LOGS_TEXT_MAX];
    struct logs logs = {0}, other = {0};

    (void)state;
    add(&other, STR("before"));
    for (size_t i = 0; i < LOGS_LINES_MAX; i++) {
        add(&logs, (struct str){large, sizeof(large)});
        assert_true(logs.bytes <= LOGS_OWN_BYTES_MAX);
    }
    assert_true(logs.bytes > LOGS_OWN_BYTES_MAX - 2 * LOGS_TEXT_MAX);
    expect_texts(&other, 1, "before;");
    logs_clear(&logs);
    logs_clear(&other);
}

static void all_have_so_much_memory_and_the_oldest_go_first(void **state)
{
    enum { FUNCTIONS = 10, EACH = 200 };
    static char large[LOGS_TEXT_MAX];
    struct logs logs[FUNCTIONS] = {0}, quiet = {0};
    size_t bytes = 0;

    (void)state;
    add(&quiet, STR("oldest"));
    for (size_t i = 0; i < EACH; i++)
        for (size_t j = 0; j < FUNCTIONS; j++) {
            add(&logs[j], (struct str){large, sizeof(large)});
            assert_true(logs_figures().bytes <= LOGS_BYTES_MAX);
        }
    assert_int_equal(quiet.count, 0);
    for (size_t j = 0; j < FUNCTIONS; j++) {
        assert_in_range(logs[j].count, logs[0].count - 1, logs[0].count + 1);
        bytes += logs[j].bytes;
    }
    assert_int_equal(bytes, logs_figures().bytes);
    assert_true(bytes > LOGS_BYTES_MAX - 2 * LOGS_TEXT_MAX);
    for (size_t j = 0; j < FUNCTIONS; j += 2) /* not in the order of their lines */
        logs_clear(&logs[j]);
    add(&quiet, STR("newest"));
    for (size_t j = 1; j < FUNCTIONS; j += 2)
        logs_clear(&logs[j]);
    expect_texts(&quiet, 9, "newest;");
    logs_clear(&quiet);
    assert_int_equal(logs_figures().lines, 0);
}

static void a_function_that_was_removed_keeps_nothing(void **state)
{
    struct func *func = func_open(STR("f"));

    (void)state;
    func_log(func, LOG_INFO, STR("id"), STR(""), STR("text"));
    assert_int_equal(func->logs.count, 1);
    logs_clear(&func->logs);
    func->removed = true;
    func_log(func, LOG_INFO, STR("id"), STR(""), STR("text"));
    assert_int_equal(func->logs.count, 0);
    func_unref(func);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_newest_are_told_oldest_first),
        cmocka_unit_test(a_line_keeps_all_that_it_was_made_of),
        cmocka_unit_test(a_text_is_cut_between_characters),
        cmocka_unit_test(a_function_has_so_many_lines),
        cmocka_unit_test(a_function_has_so_much_memory),
        cmocka_unit_test(all_have_so_much_memory_and_the_oldest_go_first),
        cmocka_unit_test(a_function_that_was_removed_keeps_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
