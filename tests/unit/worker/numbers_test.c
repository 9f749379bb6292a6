/* numbers_test.c - doubles as text and back, beside what libc makes of them. */
/* SPDX-License-Identifier: MIT */
#include "../base/cases.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "native.h"
#include "worker/numbers.h"

enum { RANDOM_NUMBERS = 100000 };

static int setup(void **state)
{
    (void)state;
    number_init();
    return 0;
}

/* xorshift64*: the same numbers in each run. */
static uint64_t next_random(void)
{
    static uint64_t state = 88172645463325252ULL;

    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return state * 2685821657736338717ULL;
}

static void text_of(double number, char *text)
{
    size_t len = number_write(number, text);

    assert_in_range(len, 1, NUMBER_TEXT_MAX - 1);
    text[len] = '\0';
}

/* -- Writing --------------------------------------------------------------------------------- */

static void each_number_has_its_text(void **state)
{
    static const struct {
        double number;
        const char *text;
    } cases[] = {
        {0, "0"},
        {-0.0, "-0"},
        {1, "1"},
        {-7, "-7"},
        {100, "100"},
        {0.1, "0.1"},
        {0.2, "0.2"},
        {0.1 + 0.2, "0.30000000000000004"},
        {1.0 / 3, "0.3333333333333333"},
        {-2.5, "-2.5"},
        {123456789.123, "123456789.123"},
        {1e15, "1000000000000000"},
        {9007199254740991, "9007199254740991"},
        {9007199254740992, "9007199254740992"},
        {-9007199254740992, "-9007199254740992"},
        {9007199254740994, "9007199254740994"},
        {123456789012345680, "1.2345678901234568e17"},
        {1e16, "10000000000000000"},
        {1e17, "1e17"},
        {1e20, "1e20"},
        {1e22, "1e22"},
        {1e23, "1e23"},
        {0.001, "0.001"},
        {0.0001, "0.0001"},
        {0.00012, "0.00012"},
        {0.00001, "1e-5"},
        {1e-7, "1e-7"},
        {1.5e300, "1.5e300"},
        {5e-324, "5e-324"},
        {DBL_MIN, "2.2250738585072014e-308"},
        {DBL_MAX, "1.7976931348623157e308"},
        {9.5367431640625e-7, "9.5367431640625e-7"}, /* 2^-20: its neighbour below is closer */
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        char text[NUMBER_TEXT_MAX];

        text_of(cases[i].number, text);
        if (strcmp(text, cases[i].text) != 0)
            fail_msg("%.17g is \"%s\", not \"%s\"", cases[i].number, text, cases[i].text);
    }
}

/* Digits from the first to the last that is not 0. */
static size_t count_digits(const char *text)
{
    size_t count = 0, zeros = 0;

    for (; *text && *text != 'e'; text++) {
        if (*text < '0' || *text > '9')
            continue;
        zeros = *text == '0' ? zeros + 1 : 0;
        count += count || *text != '0';
    }
    return count > zeros ? count - zeros : 1;
}

/* libc's shortest: the least precision that reads back as the same. */
static size_t least_digits(double number, char *text, size_t size)
{
    for (int precision = 1;; precision++) {
        snprintf(text, size, "%.*e", precision - 1, number);
        if (strtod(text, NULL) == number)
            return count_digits(text);
    }
}

static void expect_shortest(double number)
{
    char text[NUMBER_TEXT_MAX], libc[64];

    text_of(number, text);
    if (strtod(text, NULL) != number || signbit(strtod(text, NULL)) != signbit(number))
        fail_msg("%.17g is written as %s", number, text);
    size_t least = least_digits(number, libc, sizeof(libc));
    if (count_digits(text) > least) /* fewer where the neighbour below is closer */
        fail_msg("%.17g is written as %s, and by libc as %s", number, text, libc);
}

static void random_numbers_are_as_short_as_libc_can_make_them(void **state)
{
    (void)state;
    for (int i = 0; i < RANDOM_NUMBERS; i++) {
        uint64_t bits = next_random();
        double number;

        memcpy(&number, &bits, sizeof(number));
        if (isfinite(number))
            expect_shortest(number);
        expect_shortest((double)(bits >> 40) / 100); /* as prices are */
    }
}

static void powers_of_two_and_ten_are_short(void **state)
{
    (void)state;
    for (int exponent = -1074; exponent < 1024; exponent++) {
        expect_shortest(ldexp(1, exponent));
        expect_shortest(nextafter(ldexp(1, exponent), 0));
        expect_shortest(nextafter(ldexp(1, exponent), INFINITY));
    }
    for (int exponent = -323; exponent <= 308; exponent++) {
        char text[16];

        snprintf(text, sizeof(text), "1e%d", exponent);
        expect_shortest(strtod(text, NULL));
    }
}

/* -- Reading --------------------------------------------------------------------------------- */

static void expect_read(const char *text)
{
    const char *end = NULL;
    double number = 0, libc = strtod(text, NULL);

    if (!number_read(text, &end, &number))
        fail_msg("%s is not read", text);
    if (*end != '\0' || memcmp(&number, &libc, sizeof(number)) != 0)
        fail_msg("%s is read as %.17g, and by libc as %.17g", text, number, libc);
}

static void numbers_are_read_as_libc_reads_them(void **state)
{
    static const char *const texts[] = {
        "0",
        "-0",
        "0.0",
        "-0.0e5",
        "0e999999999999",
        "1",
        "10",
        "1.5",
        "-2.50",
        "9007199254740993",
        "9007199254740993.0",
        "18446744073709551616",
        "123456789012345678901234567890",
        "0.000000000000000000000000000000000001",
        "1e22",
        "1e23",
        "1E+5",
        "1e-5",
        "5e-324",
        "2.4703282292062327208e-324",
        "2.4703282292062328e-324",
        "1e-400",
        "1e-99999999999",
        "1.7976931348623157e308",
        "0.1000000000000000055511151231257827021181583404541015625",
        "8.5e-1",
    };

    (void)state;
    for (size_t i = 0; i < COUNT(texts); i++)
        expect_read(texts[i]);
}

static void random_decimals_are_read_as_libc_reads_them(void **state)
{
    (void)state;
    for (int i = 0; i < RANDOM_NUMBERS; i++) {
        char text[128];
        uint64_t a = next_random(), b = next_random();
        int exponent = (int)(next_random() % 640) - 330;

        snprintf(text, sizeof(text), "%s%llu.%0*llue%d", a & 1 ? "-" : "",
                 (unsigned long long)(a >> (b % 64)), (int)(a % 20),
                 (unsigned long long)(b >> (a % 64)), exponent);
        if (fabs(strtod(text, NULL)) <= DBL_MAX)
            expect_read(text);
        snprintf(text, sizeof(text), "%.17g", ldexp((double)(a >> 11), (int)(b % 1900) - 1000));
        if (isfinite(strtod(text, NULL)))
            expect_read(text);
    }
}

/* Halfway between two doubles, and a digit far behind that decides. */
static void the_last_of_a_thousand_digits_counts(void **state)
{
    static const char half[] = "9007199254740993"; /* 2^53 + 1 */
    static char text[4096];

    (void)state;
    memcpy(text, half, sizeof(half) - 1);
    text[16] = '.';
    memset(text + 17, '0', 2000);
    expect_read(text);
    text[2000] = '1';
    expect_read(text);
    memset(text + 1, '7', 3000);
    memcpy(text + 3001, "e-2990", 7);
    expect_read(text);
}

static void other_text_is_no_number(void **state)
{
    static const char *const texts[] = {"",   "-",     "+1",  ".5",  "1.",    "1.e5",
                                        "1e", "1e+",   "01",  "-01", "NaN",   "inf",
                                        "a",  "1e309", "--1", "00.", "-1e999"};

    (void)state;
    for (size_t i = 0; i < COUNT(texts); i++) {
        const char *end;
        double number;

        if (number_read(texts[i], &end, &number))
            fail_msg("\"%s\" is read as %g", texts[i], number);
    }
}

static void what_follows_a_number_is_left(void **state)
{
    static const struct {
        const char *text;
        size_t len;
    } cases[] = {{"1,", 1}, {"1.5]", 3}, {"0x10", 1}, {"2e3e4", 3}, {"-1.25 ", 5}, {"1.5.5", 3}};

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        const char *end;
        double number;

        assert_true(number_read(cases[i].text, &end, &number));
        assert_int_equal(end - cases[i].text, cases[i].len);
    }
}

static void reading_stops_when_the_call_is_to_end(void **state)
{
    enum { BYTES = 1 << 20 };
    char *text = malloc(BYTES + 1);
    const char *end;
    double number;

    (void)state;
    assert_non_null(text);
    memset(text, '0', BYTES);
    memcpy(text, "0.", 2);
    text[BYTES] = '\0';
    assert_true(number_read(text, &end, &number));
    native_stop = true;
    assert_false(number_read(text, &end, &number));
    native_stop = false;
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_number_has_its_text),
        cmocka_unit_test(random_numbers_are_as_short_as_libc_can_make_them),
        cmocka_unit_test(powers_of_two_and_ten_are_short),
        cmocka_unit_test(numbers_are_read_as_libc_reads_them),
        cmocka_unit_test(random_decimals_are_read_as_libc_reads_them),
        cmocka_unit_test(the_last_of_a_thousand_digits_counts),
        cmocka_unit_test(other_text_is_no_number),
        cmocka_unit_test(what_follows_a_number_is_left),
        cmocka_unit_test(reading_stops_when_the_call_is_to_end),
    };

    return cmocka_run_group_tests(tests, setup, NULL);
}
