/* settings_file_test.c - the settings file: its lines, what wins, and what is refused where. */
/* SPDX-License-Identifier: MIT */
#include "cases.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/settings.h"

static char path[] = "/tmp/faas-settings-XXXXXX";
static struct settings s;
static struct err err;

static void write_file(struct str text)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    assert_int_equal(fwrite(text.at, 1, text.len, file), text.len);
    fclose(file);
}

/* With `flag` behind --settings, unless it is NULL. */
static bool read_with(const char *flag)
{
    char *argv[] = {(char *)"faas-server", (char *)"--settings", path, (char *)flag, NULL};
    enum settings_action action;

    settings_fini(&s);
    err = (struct err){.code = ERR_NONE};
    return settings_read(&s, flag ? 4 : 3, argv, "builtin", &action, &err);
}

static bool read_text(const char *text)
{
    write_file(str_of(text));
    return read_with(NULL);
}

static int clear_all(void **state)
{
    (void)state;
    clearenv();
    settings_fini(&s);
    return 0;
}

static int open_file(void **state)
{
    int fd = mkstemp(path);

    (void)state;
    return fd < 0 || close(fd) != 0;
}

static int close_file(void **state)
{
    clear_all(state);
    return unlink(path);
}

static void every_setting_may_stand_in_it(void **state)
{
    char text[8192];
    size_t len = (size_t)snprintf(text, sizeof(text),
                                  "listen = host:1\nfunctions = one\n\n# workers = 9\n"
                                  "  # indented\n\t functions=two words \n"
                                  "optimized = true\r\nlog-level = error");

    (void)state;
#define X(field, flag, env, def, least, most, help)                                                \
    len += (size_t)snprintf(text + len, sizeof(text) - len, "\n%s = %lld", flag, (long long)(most));
    SETTINGS_NUMBERS(X)
#undef X
    if (!read_text(text))
        fail_msg("%s", err.text);
    assert_string_equal(s.host, "host");
    assert_int_equal(s.port, 1);
    assert_int_equal(s.functions_count, 3);
    assert_string_equal(s.functions[0], "builtin");
    assert_string_equal(s.functions[1], "one");
    assert_string_equal(s.functions[2], "two words");
    assert_true(s.optimized);
    assert_int_equal(s.log_level, LOG_ERROR);
#define X(field, flag, env, def, least, most, help) assert_int_equal(s.field, most);
    SETTINGS_NUMBERS(X)
#undef X
}

static void a_file_may_be_empty(void **state)
{
    static const char *const texts[] = {"", "\n", "#", "\n\n# nothing\n", "   "};

    (void)state;
    for (size_t i = 0; i < COUNT(texts); i++) {
        if (!read_text(texts[i]))
            fail_msg("\"%s\": %s", texts[i], err.text);
        assert_int_equal(s.port, 8088);
    }
}

static void the_environment_wins_over_it_and_flags_over_both(void **state)
{
    (void)state;
    write_file(STR("workers = 2\nfunctions = file\nlisten = file:1\nworkers = 3\n"));
    assert_true(read_with(NULL));
    assert_int_equal(s.workers, 3); /* the last line of a name */
    setenv("FAAS_WORKERS", "4", 1);
    setenv("FAAS_FUNCTIONS", "env", 1);
    setenv("PORT", "2", 1);
    assert_true(read_with(NULL));
    assert_int_equal(s.workers, 4);
    assert_string_equal(s.host, "file");
    assert_int_equal(s.port, 2);
    assert_string_equal(s.functions[1], "file");
    assert_string_equal(s.functions[2], "env");
    assert_true(read_with("--workers=5"));
    assert_int_equal(s.workers, 5);
}

static void the_environment_may_name_it(void **state)
{
    char *argv[] = {(char *)"faas-server", NULL};
    enum settings_action action;

    (void)state;
    write_file(STR("workers = 7"));
    setenv("FAAS_SETTINGS", path, 1);
    assert_true(settings_read(&s, 1, argv, "builtin", &action, &err));
    assert_int_equal(s.workers, 7);
    settings_fini(&s);
    setenv("FAAS_SETTINGS", "", 1); /* none */
    assert_true(settings_read(&s, 1, argv, "builtin", &action, &err));
    assert_int_equal(s.workers, 0);
    settings_fini(&s);
    setenv("FAAS_SETTINGS", "/does/not/exist", 1); /* the flag wins */
    assert_true(read_with(NULL));
    assert_int_equal(s.workers, 7);
}

static void what_is_wrong_is_told_with_file_and_line(void **state)
{
    static const struct {
        const char *text;
        int line;
        const char *said;
    } cases[] = {
        {"workers = x", 1, "workers is \"x\", but takes a whole number from 0 to 64"},
        {"\n\nworkers = 65\n", 3, "workers is \"65\""},
        {"workers =", 1, "workers is \"\""},
        {"workers = 4 # four", 1, "workers is \"4 # four\""},
        {"# fine\nworker = 1", 2, "unknown setting \"worker\""},
        {"workers", 1, "a line is NAME = VALUE"},
        {"\nworkers: 4\n", 2, "a line is NAME = VALUE"},
        {"--workers = 4", 1, "unknown setting \"--workers\""},
        {"Workers = 4", 1, "unknown setting \"Workers\""},
        {"settings = other", 1, "unknown setting \"settings\""},
        {"= 4", 1, "unknown setting \"\""},
        {"port = 4", 1, "unknown setting \"port\""},
        {"listen = ::1", 1, "listen is \"::1\", but an IPv6 address stands in brackets"},
        {"optimized = maybe", 1, "optimized is \"maybe\""},
        {"log-level = loud", 1, "log-level is \"loud\""},
    };
    char expected[256];

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        if (read_text(cases[i].text))
            fail_msg("\"%s\" is taken", cases[i].text);
        snprintf(expected, sizeof(expected), "%s:%d: %s", path, cases[i].line, cases[i].said);
        expect_contains(err.text, expected);
        assert_int_equal(err.code, ERR_BAD_REQUEST);
    }
}

static void a_file_that_is_no_text_is_refused(void **state)
{
    (void)state;
    write_file(STR("workers = 4\nworkers\0 = 5\n"));
    assert_false(read_with(NULL));
    write_file(STR("\0"));
    assert_false(read_with(NULL));
    expect_contains(err.text, "is no text");
}

static void it_has_at_most_64_kib(void **state)
{
    enum { MOST = 64 << 10 };
    char *text = malloc(MOST + 1);

    (void)state;
    assert_non_null(text);
    memset(text, '#', MOST + 1);
    write_file((struct str){text, MOST});
    assert_true(read_with(NULL));
    write_file((struct str){text, MOST + 1});
    assert_false(read_with(NULL));
    expect_contains(err.text, "more than 65536 bytes");
    free(text);
}

static void one_that_cannot_be_read_is_told(void **state)
{
    static const struct {
        const char *path, *why;
    } cases[] = {{"/does/not/exist", "No such file"}, {"/tmp", "Is a directory"}};

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        char *argv[] = {(char *)"faas-server", (char *)"--settings", (char *)cases[i].path, NULL};
        enum settings_action action;

        assert_false(settings_read(&s, 3, argv, "builtin", &action, &err));
        expect_contains(err.text, cases[i].path);
        expect_contains(err.text, cases[i].why);
        settings_fini(&s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(every_setting_may_stand_in_it, clear_all),
        cmocka_unit_test_setup(a_file_may_be_empty, clear_all),
        cmocka_unit_test_setup(the_environment_wins_over_it_and_flags_over_both, clear_all),
        cmocka_unit_test_setup(the_environment_may_name_it, clear_all),
        cmocka_unit_test_setup(what_is_wrong_is_told_with_file_and_line, clear_all),
        cmocka_unit_test_setup(a_file_that_is_no_text_is_refused, clear_all),
        cmocka_unit_test_setup(it_has_at_most_64_kib, clear_all),
        cmocka_unit_test_setup(one_that_cannot_be_read_is_told, clear_all),
    };

    return cmocka_run_group_tests(tests, open_file, close_file);
}
