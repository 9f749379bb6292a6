/* log_test.c - log lines: their form, their bounds, and that they never hold anybody up. */
/* SPDX-License-Identifier: MIT */
#include "cases.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/log.h"

/* Standard error is a pipe during a test. */
static int kept = -1, reading = -1;

static int redirect(void **state)
{
    int ends[2];

    (void)state;
    if (pipe(ends) != 0)
        return -1;
    fflush(stderr);
    kept = dup(STDERR_FILENO);
    reading = ends[0];
    dup2(ends[1], STDERR_FILENO);
    close(ends[1]);
    log_init("probe", LOG_INFO);
    return fcntl(reading, F_SETFL, O_NONBLOCK);
}

static int put_back(void **state)
{
    (void)state;
    dup2(kept, STDERR_FILENO);
    close(kept);
    close(reading);
    return 0;
}

/* What was logged since the last time; dies with the next call. */
static struct str logged(void)
{
    static char text[1 << 17];
    ssize_t len = read(reading, text, sizeof(text));

    return (struct str){text, len > 0 ? (size_t)len : 0};
}

static void a_line_has_time_level_process_and_text(void **state)
{
    (void)state;
    log_line(LOG_WARN, "event key=%d", 5);
    struct str line = logged();
    assert_int_equal(line.len, sizeof("2026-01-31T12:00:00.000Z warn  probe event key=5\n") - 1);
    assert_int_equal(line.at[10], 'T');
    assert_int_equal(line.at[23], 'Z');
    expect_str((struct str){line.at + 24, line.len - 24}, STR(" warn  probe event key=5\n"));
}

static void only_what_is_important_enough_is_written(void **state)
{
    (void)state;
    for (enum log_level least = LOG_DEBUG; least <= LOG_ERROR; least++) {
        log_init("probe", least);
        for (enum log_level level = LOG_DEBUG; level <= LOG_ERROR; level++) {
            log_line(level, "x");
            assert_int_equal(logged().len > 0, level >= least);
        }
    }
}

static void a_line_is_cut_at_4_kib(void **state)
{
    static char text[10000];
    const size_t around = sizeof("2026-01-31T12:00:00.000Z info  probe \n") - 1;

    (void)state;
    memset(text, 'x', sizeof(text) - 1);
    for (size_t len = 4096 - around - 1; len <= 4096 - around + 2; len++) {
        log_line(LOG_INFO, "%.*s", (int)len, text);
        struct str line = logged();

        assert_int_equal(line.len, len + around < 4096 ? len + around : 4096);
        assert_int_equal(line.at[line.len - 1], '\n');
        assert_int_equal(line.at[line.len - 2], 'x');
    }
    log_line(LOG_INFO, "%s", text);
    assert_int_equal(logged().len, 4096);
}

/* The pipe is full and nobody reads: the line is dropped, and the next one too, until there is
 * room again. That this test ends is a part of it. */
static void a_full_standard_error_drops_lines_and_counts_them(void **state)
{
    static const char filling[4096] = {'x'};
    uint64_t before = log_dropped();

    (void)state;
    assert_int_equal(fcntl(STDERR_FILENO, F_SETFL, O_NONBLOCK), 0);
    while (write(STDERR_FILENO, filling, sizeof(filling)) > 0)
        ;
    while (write(STDERR_FILENO, filling, 1) > 0)
        ;
    assert_int_equal(fcntl(STDERR_FILENO, F_SETFL, 0), 0);
    log_line(LOG_ERROR, "first");
    log_line(LOG_ERROR, "second");
    assert_int_equal(log_dropped(), before + 2);
    assert_in_range(logged().len, 4096, SIZE_MAX);
    log_line(LOG_ERROR, "third");
    assert_int_equal(log_dropped(), before + 2);
    struct str line = logged();
    expect_str((struct str){line.at + line.len - 6, 6}, STR("third\n"));
}

/* Whoever started us shares the flags of standard error: they are not ours to change. */
static void standard_error_itself_still_waits(void **state)
{
    (void)state;
    assert_int_equal(fcntl(STDERR_FILENO, F_GETFL) & O_NONBLOCK, 0);
    log_line(LOG_INFO, "x");
    assert_int_equal(fcntl(STDERR_FILENO, F_GETFL) & O_NONBLOCK, 0);
}

static void a_closed_standard_error_drops_lines(void **state)
{
    uint64_t before = log_dropped();

    (void)state;
    close(STDERR_FILENO);
    log_init("probe", LOG_INFO);
    log_line(LOG_ERROR, "lost");
    assert_int_equal(log_dropped(), before + 1);
}

static void quoted_text_cannot_break_a_line(void **state)
{
    static const struct {
        struct str text;
        const char *expected;
    } cases[] = {
        {STR(""), "\"\""},
        {STR("a b\n=\"c\""), "\"a b\\n=\\\"c\\\"\""},
        {STR("\0\x1B[31m\xFF"), "\"\\u0000\\u001b[31m\xEF\xBF\xBD\""},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_string_equal(log_quoted(cases[i].text), cases[i].expected);
}

static void four_quoted_texts_live_at_once(void **state)
{
    const char *texts[] = {log_quoted(STR("a")), log_quoted(STR("b")), log_quoted(STR("c")),
                           log_quoted(STR("d"))};

    (void)state;
    assert_string_equal(texts[0], "\"a\"");
    assert_string_equal(texts[1], "\"b\"");
    assert_string_equal(texts[2], "\"c\"");
    assert_string_equal(texts[3], "\"d\"");
}

static void long_quoted_texts_are_cut(void **state)
{
    static char text[100000];

    (void)state;
    memset(text, 'x', sizeof(text));
    assert_int_equal(strlen(log_quoted((struct str){text, 2048})), 2048 + 2);
    assert_int_equal(strlen(log_quoted((struct str){text, 2049})), 2048 + 2);
    assert_int_equal(strlen(log_quoted((struct str){text, sizeof(text)})), 2048 + 2);
}

static void levels_are_four_words(void **state)
{
    static const struct {
        struct str word;
        int level;
    } cases[] = {
        {STR("debug"), LOG_DEBUG}, {STR("info"), LOG_INFO}, {STR("warn"), LOG_WARN},
        {STR("error"), LOG_ERROR}, {STR(""), -1},           {STR("INFO"), -1},
        {STR("warning"), -1},      {STR("inf"), -1},        {STR("info "), -1},
        {STR("info\0"), -1},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        enum log_level level = LOG_ERROR;

        assert_int_equal(log_level_parse(cases[i].word, &level), cases[i].level >= 0);
        if (cases[i].level >= 0)
            assert_int_equal(level, cases[i].level);
    }
}

#define PIPE_TEST(name) cmocka_unit_test_setup_teardown(name, redirect, put_back)

int main(void)
{
    const struct CMUnitTest tests[] = {
        PIPE_TEST(a_line_has_time_level_process_and_text),
        PIPE_TEST(only_what_is_important_enough_is_written),
        PIPE_TEST(a_line_is_cut_at_4_kib),
        PIPE_TEST(a_full_standard_error_drops_lines_and_counts_them),
        PIPE_TEST(standard_error_itself_still_waits),
        PIPE_TEST(a_closed_standard_error_drops_lines),
        cmocka_unit_test(quoted_text_cannot_break_a_line),
        cmocka_unit_test(four_quoted_texts_live_at_once),
        cmocka_unit_test(long_quoted_texts_are_cut),
        cmocka_unit_test(levels_are_four_words),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
