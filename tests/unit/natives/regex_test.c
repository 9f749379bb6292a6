/* regex_test.c - regular expressions: what matches, what is refused, and what runs into a limit. */
/* SPDX-License-Identifier: MIT */
#include "lua_rows.h"

static void only_whole_strings_match(void **state)
{
    static const struct lua_row rows[] = {
        {"regex.matches('a+', 'aaa')", "true"},
        {"regex.matches('a+', 'aaab')", "false"},
        {"regex.matches('a+', 'baaa')", "false"},
        {"regex.matches('a|ab', 'ab')", "true"},
        {"regex.matches('a|ab', 'abb')", "false"},
        {"regex.matches('^a$', 'a\\n')", "false"},
        {"regex.matches('', '')", "true"},
        {"regex.matches('', 'a')", "false"},
        {"regex.matches('a.b', 'a\\0b')", "true"},
        {"regex.matches('a\\0b', 'a\\0b')", "true"},
        {"regex.matches('a\\0b', 'a')", "false"},
        {"regex.matches([[\\d{1,3}(\\.\\d{1,3}){3}]], '192.168.0.1')", "true"},
        {"regex.matches([[\\d{1,3}(\\.\\d{1,3}){3}]], '192.168.0.1.')", "false"},
    };
    ASSERT_VALUES(*state, rows);
}

static void count_says_how_many_match(void **state)
{
    static const struct lua_row rows[] = {
        {"regex.count('a+', {})", "0"},
        {"regex.count('a+', {'a', 'b', 'aa', 'ab', ''})", "2"},
        {"regex.count('a*', {'a', 'b', 'aa', 'ab', ''})", "3"},
        {"regex.count('[a-z]+@[a-z]+[.]com', mails)", "334"},
        {"regex.count('(*NO_JIT)[a-z]+@[a-z]+[.]com', mails)", "334"},
        {"regex.count('(*UTF)[a-z]+@[a-z]+[.]com', mails)", "334"},
        {"regex.count('nobody-63', mails) + regex.count('nobody-64', mails)", "1"},
        {"regex.count('.+', {unpack(mails, 1, 63)})", "63"},
        {"regex.count('.+', {unpack(mails, 1, 64)})", "64"},
        {"regex.count('.+', {unpack(mails, 1, 65)})", "65"},
    };
    lua_run(*state, "mails = {} for i = 0, 999 do"
                    "  mails[i + 1] = i % 3 == 0 and 'user@example.com' or 'nobody-' .. i end");
    ASSERT_VALUES(*state, rows);
}

static void bad_patterns_are_explained(void **state)
{
    static const struct lua_row rows[] = {
        {"regex.matches('(', '')", "regex: missing closing parenthesis at offset 1 of the pattern"},
        {"regex.count('(', {})", "regex: missing closing parenthesis at offset 1 of the pattern"},
        {"regex.matches('a[b', '')", "missing terminating ] for character class at offset 3"},
        {"regex.matches('*', '')", "quantifier does not follow a repeatable item at offset 0"},
        {"regex.matches(('a'):rep(4097), '')", "pattern longer than 4096 bytes"},
        {"regex.matches('a*', ('a'):rep(2^22 + 1))", "a subject is longer than 4 MiB"},
        {"regex.count('a*', {'a', ('a'):rep(2^22 + 1)})", "a subject is longer than 4 MiB"},
        {"regex.matches('((((a{200}){200}){200}){200})', '')", "regular expression is too large"},
    };
    ASSERT_ERRORS(*state, rows);
}

static void patterns_may_be_4096_bytes_long(void **state)
{
    static const struct lua_row rows[] = {
        {"regex.matches(('a'):rep(4096), ('a'):rep(4096))", "true"},
        {"regex.matches('a*', ('a'):rep(2^22))", "true"},
        {"regex.matches(('a'):rep(4096), ('a'):rep(4095))", "false"},
    };
    ASSERT_VALUES(*state, rows);
}

static void other_arguments_are_refused(void **state)
{
    static const struct lua_row rows[] = {
        {"regex.count('a')", "table expected, got no value"},
        {"regex.count('a', 'a')", "table expected, got string"},
        {"regex.count({}, {})", "string expected, got table"},
        {"regex.count('a', {'a', 'b', 3})", "string expected at index 3, got number"},
        {"regex.count('a', with(64, 5))", "string expected at index 64, got number"},
        {"regex.count('a', with(65, false))", "string expected at index 65, got boolean"},
        {"regex.count('a', with(66, {}))", "string expected at index 66, got table"},
        {"regex.count('a', with(200, print))", "string expected at index 200, got function"},
        {"regex.count('a', {true})", "string expected at index 1, got boolean"},
        {"regex.matches('a', {})", "string expected, got table"},
        {"regex.matches('a')", "string expected, got no value"},
    };
    lua_run(*state, "function with(index, value) local list = {}"
                    "  for i = 1, 200 do list[i] = 'a' end list[index] = value return list end");
    ASSERT_ERRORS(*state, rows);
}

/* More steps than a subject of that length has at first. */
static void long_subjects_have_as_many_steps(void **state)
{
    static const struct lua_row rows[] = {
        {"regex.matches('(?:ab?)*+', ('ab'):rep(1000))", "true"},
        {"regex.matches('(?:ab?)*+', ('ab'):rep(30000))", "true"},
        {"regex.matches('(?:ab?)*+', ('ab'):rep(30000) .. 'b')", "false"},
        {"regex.count('(?:ab?)*+', {('ab'):rep(30000), 'ab', ('ab'):rep(40000), 'c'})", "3"},
        {"regex.matches('(*NO_JIT)(?:ab?)*+', ('ab'):rep(30000))", "true"},
    };
    ASSERT_VALUES(*state, rows);
}

static void runaway_matches_are_ended(void **state)
{
    static const struct lua_row rows[] = {
        {"regex.matches('(a+)+[bc]', ('a'):rep(40))", "regex: match limit exceeded"},
        {"regex.count('(a+)+[bc]', {'ab', ('a'):rep(40)})", "regex: match limit exceeded"},
        {"regex.matches('(*NO_JIT)(a+)+[bc]', ('a'):rep(40))", "regex: match limit exceeded"},
        {"regex.matches('(?:a|b)*+c(a+)+[bc]', ('ab'):rep(1000) .. 'c' .. ('a'):rep(40))",
         "regex: match limit exceeded"},
        {"regex.matches('(*NO_JIT)(?:a|b)*', ('ab'):rep(5000))",
         "regex: matching depth limit exceeded"},
        {"regex.matches('(?:(a)|b)*', ('ab'):rep(100000))", "regex: "},
        {"regex.matches('(*UTF)a', '\\255')", "regex: UTF-8 error"},
    };
    ASSERT_ERRORS(*state, rows);
}

/* More than the 32 KiB of machine stack that compiled patterns begin with. */
static void deep_matches_get_a_larger_stack(void **state)
{
    static const struct lua_row rows[] = {
        {"regex.matches('(?:a|b)*', ('ab'):rep(5000))", "true"},
        {"regex.count('(?:a|b)*', {('ab'):rep(5000), 'c', ('ab'):rep(4000), ''})", "3"},
    };
    ASSERT_VALUES(*state, rows);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LUA_TEST(only_whole_strings_match),         LUA_TEST(count_says_how_many_match),
        LUA_TEST(bad_patterns_are_explained),       LUA_TEST(patterns_may_be_4096_bytes_long),
        LUA_TEST(other_arguments_are_refused),      LUA_TEST(runaway_matches_are_ended),
        LUA_TEST(long_subjects_have_as_many_steps), LUA_TEST(deep_matches_get_a_larger_stack),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
