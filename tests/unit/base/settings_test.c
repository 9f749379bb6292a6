/* settings_test.c - flags and environment variables: bounds, precedence, and what is refused. */
/* SPDX-License-Identifier: MIT */
#include "cases.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/settings.h"

struct number {
    const char *flag, *env;
    long long value, least, most;
    size_t at;
};

static const struct number numbers[] = {
#define X(field, flag, env, def, least, most, help)                                                \
    {flag, env, def, least, most, offsetof(struct settings, field)},
    SETTINGS_NUMBERS(X)
#undef X
};

static struct settings s;
static struct err err;
static enum settings_action action;

static int64_t number_of(const struct number *n)
{
    int64_t value;

    memcpy(&value, (const char *)&s + n->at, sizeof(value));
    return value;
}

/* Reads the flags up to NULL. */
static bool read_flags(const char *a, const char *b, const char *c)
{
    char *argv[] = {(char *)"faas-server", (char *)a, (char *)b, (char *)c, NULL};
    int argc = 1;

    while (argv[argc])
        argc++;
    settings_fini(&s);
    err = (struct err){.code = ERR_NONE};
    return settings_read(&s, argc, argv, "builtin", &action, &err);
}

static int clear_all(void **state)
{
    (void)state;
    clearenv();
    settings_fini(&s);
    return 0;
}

/* -- Numbers --------------------------------------------------------------------------------- */

static void expect_number(const struct number *n, bool by_flag, long long value)
{
    char text[96], range[64];

    snprintf(text, sizeof(text), by_flag ? "--%s=%lld" : "%s=%lld", by_flag ? n->flag : n->env,
             value);
    if (!by_flag)
        assert_int_equal(putenv(text), 0);
    bool read = read_flags(by_flag ? text : NULL, NULL, NULL);
    unsetenv(n->env);
    if (value >= n->least && value <= n->most) {
        if (!read || number_of(n) != value)
            fail_msg("%s: %s", text, err.text);
        return;
    }
    if (read)
        fail_msg("%s is taken", text);
    snprintf(range, sizeof(range), "from %lld to %lld", n->least, n->most);
    expect_contains(err.text, by_flag ? n->flag : n->env);
    expect_contains(err.text, range);
}

static void each_number_is_taken_within_its_bounds_only(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(numbers); i++)
        for (int by_flag = 0; by_flag < 2; by_flag++) {
            const struct number *n = &numbers[i];
            const long long values[] = {n->least, n->most, n->least - 1, n->most + 1, n->value};

            for (size_t k = 0; k < COUNT(values); k++)
                expect_number(n, by_flag, values[k]);
        }
}

static void each_number_has_a_default_within_its_bounds(void **state)
{
    (void)state;
    assert_true(read_flags(NULL, NULL, NULL));
    for (size_t i = 0; i < COUNT(numbers); i++) {
        assert_int_equal(number_of(&numbers[i]), numbers[i].value);
        assert_in_range(numbers[i].value, numbers[i].least, numbers[i].most);
    }
}

static void what_is_no_number_is_refused(void **state)
{
    static const char *const texts[] = {"",
                                        " 5",
                                        "5 ",
                                        "0x5",
                                        "5.0",
                                        "1e3",
                                        "five",
                                        "+5",
                                        "5,",
                                        "99999999999999999999",
                                        "-99999999999999999999"};

    (void)state;
    for (size_t i = 0; i < COUNT(texts); i++) {
        assert_false(read_flags("--queue-max", texts[i], NULL));
        expect_contains(err.text, "--queue-max is \"");
        setenv("FAAS_QUEUE_MAX", texts[i], 1);
        assert_false(read_flags(NULL, NULL, NULL));
        expect_contains(err.text, "FAAS_QUEUE_MAX is \"");
        unsetenv("FAAS_QUEUE_MAX");
    }
}

static void amounts_are_taken_in_the_form_of_agents(void **state)
{
    (void)state;
    setenv("PYROSCOPE_PROFILER_ALLOC", "1g", 1);
    setenv("PYROSCOPE_PROFILER_LOCK", "60s", 1);
    assert_true(read_flags(NULL, NULL, NULL));
    assert_int_equal(s.profile_alloc_bytes, 1 << 30);
    assert_int_equal(s.profile_lock_ns, 60000000000);
    setenv("PYROSCOPE_PROFILER_LOCK", "61s", 1);
    assert_false(read_flags(NULL, NULL, NULL));
    expect_contains(err.text, "PYROSCOPE_PROFILER_LOCK is \"61s\", but takes up to 60000000000 ns");
    setenv("PYROSCOPE_PROFILER_ALLOC", "1025m", 1);
    assert_false(read_flags(NULL, NULL, NULL));
    expect_contains(err.text, "PYROSCOPE_PROFILER_ALLOC is \"1025m\", but takes up to 1073741824");
}

static void own_variables_and_flags_win_over_those_of_agents(void **state)
{
    (void)state;
    setenv("PYROSCOPE_PROFILER_ALLOC", "1k", 1);
    setenv("PYROSCOPE_PROFILER_LOCK", "1ms", 1);
    setenv("FAAS_PROFILE_ALLOC_BYTES", "7", 1);
    assert_true(read_flags("--profile-lock-ns=8", NULL, NULL));
    assert_int_equal(s.profile_alloc_bytes, 7);
    assert_int_equal(s.profile_lock_ns, 8);
}

/* -- Listening ------------------------------------------------------------------------------- */

static void an_address_is_taken_in_its_forms(void **state)
{
    static const struct {
        const char *text, *host;
        int port;
    } cases[] = {
        {"127.0.0.1:9000", "127.0.0.1", 9000},
        {"localhost:1", "localhost", 1},
        {":8080", "", 8080},
        {"8080", "127.0.0.1", 8080},
        {"0", "127.0.0.1", 0},
        {"0.0.0.0:65535", "0.0.0.0", 65535},
        {"[::1]:80", "::1", 80},
        {"[]:80", "", 80},
        {"[fe80::1%eth0]:80", "fe80::1%eth0", 80},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        if (!read_flags("--listen", cases[i].text, NULL))
            fail_msg("%s: %s", cases[i].text, err.text);
        assert_string_equal(s.host, cases[i].host);
        assert_int_equal(s.port, cases[i].port);
        setenv("FAAS_LISTEN", cases[i].text, 1);
        assert_true(read_flags(NULL, NULL, NULL));
        assert_string_equal(s.host, cases[i].host);
        unsetenv("FAAS_LISTEN");
    }
}

static void other_addresses_are_refused(void **state)
{
    static const char *const texts[] = {
        "",      "host", "host:",  "host:65536", "host:-1", "host: 80", "host:80x",
        "65536", "-1",   "[::1]:", "[::1]:http", ":",       "80 "};

    (void)state;
    for (size_t i = 0; i < COUNT(texts); i++) {
        if (read_flags("--listen", texts[i], NULL))
            fail_msg("\"%s\" is taken", texts[i]);
        expect_contains(err.text, "--listen has the port \"");
        expect_contains(err.text, "0 to 65535");
    }
}

static void an_ipv6_address_stands_in_brackets(void **state)
{
    static const char *const texts[] = {"::1", "::1:80", "fe80::1:8088", "host:80:81", "[::1]"};

    (void)state;
    for (size_t i = 0; i < COUNT(texts); i++) {
        assert_false(read_flags("--listen", texts[i], NULL));
        expect_contains(err.text, texts[i]);
        expect_contains(err.text, "an IPv6 address stands in brackets: [::1]:8088");
    }
}

static void a_host_has_at_most_255_characters(void **state)
{
    char text[300];

    (void)state;
    for (int len = 255; len <= 256; len++) {
        memset(text, 'h', (size_t)len);
        snprintf(text + len, sizeof(text) - (size_t)len, ":80");
        assert_int_equal(read_flags("--listen", text, NULL), len == 255);
        if (len == 256)
            expect_contains(err.text, "more than 255 characters");
    }
}

/* -- Other flags ----------------------------------------------------------------------------- */

static void the_flag_wins_over_the_environment_and_that_over_the_default(void **state)
{
    (void)state;
    setenv("FAAS_WORKERS", "3", 1);
    setenv("FAAS_LISTEN", "host:1", 1);
    setenv("OPTIMIZED", "yes", 1);
    setenv("FAAS_LOG_LEVEL", "error", 1);
    assert_true(read_flags(NULL, NULL, NULL));
    assert_int_equal(s.workers, 3);
    assert_string_equal(s.host, "host");
    assert_int_equal(s.port, 1);
    assert_true(s.optimized);
    assert_int_equal(s.log_level, LOG_ERROR);
    assert_true(read_flags("--workers=5", "--optimized=off", "--log-level=debug"));
    assert_int_equal(s.workers, 5);
    assert_false(s.optimized);
    assert_int_equal(s.log_level, LOG_DEBUG);
    assert_true(read_flags("--workers=5", "--workers=6", "--listen=2"));
    assert_int_equal(s.workers, 6);
    assert_string_equal(s.host, "host");
    assert_int_equal(s.port, 2);
}

static void port_wins_over_the_port_of_listen(void **state)
{
    (void)state;
    setenv("FAAS_LISTEN", "host:1", 1);
    setenv("PORT", "2", 1);
    assert_true(read_flags(NULL, NULL, NULL));
    assert_string_equal(s.host, "host");
    assert_int_equal(s.port, 2);
    setenv("PORT", "65536", 1);
    assert_false(read_flags(NULL, NULL, NULL));
    expect_contains(err.text, "PORT has the port \"65536\"");
}

static void switches_take_a_word_or_nothing(void **state)
{
    static const struct {
        const char *word;
        bool taken, value;
    } cases[] = {
        {"", true, true},         {"=true", true, true},   {"=1", true, true},
        {"=yes", true, true},     {"=on", true, true},     {"=false", true, false},
        {"=0", true, false},      {"=no", true, false},    {"=off", true, false},
        {"=", true, false},       {"=TRUE", false, false}, {"=2", false, false},
        {"=maybe", false, false},
    };
    static const struct {
        const char *flag;
        const bool *value;
    } switches[] = {{"--optimized", &s.optimized}, {"--walls", &s.walls}};

    (void)state;
    for (size_t k = 0; k < COUNT(switches); k++)
        for (size_t i = 0; i < COUNT(cases); i++) {
            char text[64];

            snprintf(text, sizeof(text), "%s%s", switches[k].flag, cases[i].word);
            if (read_flags(text, NULL, NULL) != cases[i].taken)
                fail_msg("%s: %s", text, err.text);
            if (cases[i].taken)
                assert_int_equal(*switches[k].value, cases[i].value);
            else
                expect_contains(err.text, "takes true or false");
        }
}

static void walls_are_up_unless_told_otherwise(void **state)
{
    (void)state;
    assert_true(read_flags(NULL, NULL, NULL));
    assert_true(s.walls);
    setenv("FAAS_WALLS", "off", 1);
    assert_true(read_flags(NULL, NULL, NULL));
    assert_false(s.walls);
    assert_true(read_flags("--walls", NULL, NULL));
    assert_true(s.walls);
    setenv("FAAS_WALLS", "low", 1);
    assert_false(read_flags(NULL, NULL, NULL));
    expect_contains(err.text, "FAAS_WALLS is \"low\", but takes true or false");
}

static void folders_are_kept_in_order(void **state)
{
    (void)state;
    setenv("FAAS_FUNCTIONS", "from-env", 1);
    assert_true(read_flags("--functions=one", "--functions", "two"));
    const char *const expected[] = {"builtin", "from-env", "one", "two"};
    assert_int_equal(s.functions_count, COUNT(expected));
    for (size_t i = 0; i < COUNT(expected); i++)
        assert_string_equal(s.functions[i], expected[i]);
    setenv("FAAS_FUNCTIONS", "", 1);
    assert_true(read_flags(NULL, NULL, NULL));
    assert_int_equal(s.functions_count, 1);
}

static void sixty_four_folders_are_the_most(void **state)
{
    char *argv[66] = {(char *)"faas-server"};

    (void)state;
    for (int i = 1; i < 66; i++)
        argv[i] = (char *)"--functions=folder";
    argv[64] = NULL;
    assert_true(settings_read(&s, 64, argv, "builtin", &action, &err));
    assert_int_equal(s.functions_count, 64);
    settings_fini(&s);
    argv[64] = (char *)"--functions=folder";
    argv[65] = NULL;
    assert_false(settings_read(&s, 65, argv, "builtin", &action, &err));
    expect_contains(err.text, "more than 64 functions folders");
}

/* -- Help, and unknown flags ----------------------------------------------------------------- */

static void help_and_version_are_actions(void **state)
{
    (void)state;
    assert_true(read_flags(NULL, NULL, NULL));
    assert_int_equal(action, SETTINGS_RUN);
    assert_true(read_flags("--help", NULL, NULL));
    assert_int_equal(action, SETTINGS_HELP);
    assert_true(read_flags("--workers=1", "--version", NULL));
    assert_int_equal(action, SETTINGS_VERSION);
}

static void what_is_no_flag_is_refused(void **state)
{
    static const char *const flags[] = {
        "--bogus",  "--bogus=1",        "-x",          "word", "--workers",
        "--help=1", "--log-level=loud", "--log-level="};

    (void)state;
    opterr = 0; /* getopt writes what it thinks of a flag to standard error */
    for (size_t i = 0; i < COUNT(flags); i++) {
        if (read_flags(flags[i], NULL, NULL))
            fail_msg("%s is taken", flags[i]);
        assert_int_equal(err.code, ERR_BAD_REQUEST);
        assert_in_range(strlen(err.text), 10, sizeof(err.text));
    }
    assert_false(read_flags("word", NULL, NULL));
    expect_contains(err.text, "unknown flag \"word\"; see --help");
}

static void help_names_every_setting(void **state)
{
    char text[16384];
    int kept = dup(STDOUT_FILENO);
    FILE *file = tmpfile();

    (void)state;
    assert_non_null(file);
    fflush(stdout);
    dup2(fileno(file), STDOUT_FILENO);
    settings_help("faas-server");
    fflush(stdout);
    dup2(kept, STDOUT_FILENO);
    close(kept);
    rewind(file);
    text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
    fclose(file);
    for (size_t i = 0; i < COUNT(numbers); i++) {
        expect_contains(text, numbers[i].flag);
        expect_contains(text, numbers[i].env);
    }
    const char *const others[] = {"--listen",    "--functions", "--optimized", "--walls",
                                  "--log-level", "--help",      "--version",   "faas-server"};
    for (size_t i = 0; i < COUNT(others); i++)
        expect_contains(text, others[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(each_number_is_taken_within_its_bounds_only, clear_all),
        cmocka_unit_test_setup(each_number_has_a_default_within_its_bounds, clear_all),
        cmocka_unit_test_setup(what_is_no_number_is_refused, clear_all),
        cmocka_unit_test_setup(amounts_are_taken_in_the_form_of_agents, clear_all),
        cmocka_unit_test_setup(own_variables_and_flags_win_over_those_of_agents, clear_all),
        cmocka_unit_test_setup(an_address_is_taken_in_its_forms, clear_all),
        cmocka_unit_test_setup(other_addresses_are_refused, clear_all),
        cmocka_unit_test_setup(a_host_has_at_most_255_characters, clear_all),
        cmocka_unit_test_setup(the_flag_wins_over_the_environment_and_that_over_the_default,
                               clear_all),
        cmocka_unit_test_setup(an_ipv6_address_stands_in_brackets, clear_all),
        cmocka_unit_test_setup(port_wins_over_the_port_of_listen, clear_all),
        cmocka_unit_test_setup(switches_take_a_word_or_nothing, clear_all),
        cmocka_unit_test_setup(walls_are_up_unless_told_otherwise, clear_all),
        cmocka_unit_test_setup(folders_are_kept_in_order, clear_all),
        cmocka_unit_test_setup(sixty_four_folders_are_the_most, clear_all),
        cmocka_unit_test_setup(help_and_version_are_actions, clear_all),
        cmocka_unit_test_setup(what_is_no_flag_is_refused, clear_all),
        cmocka_unit_test_setup(help_names_every_setting, clear_all),
    };

    return cmocka_run_group_tests(tests, NULL, clear_all);
}
