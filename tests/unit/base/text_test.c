/* text_test.c - str, buf, err and the clock's text. */
/* SPDX-License-Identifier: MIT */
#include "cases.h"

#include <errno.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"

/* -- str ------------------------------------------------------------------------------------- */

static void texts_are_compared_with_their_lengths(void **state)
{
    (void)state;
    assert_true(str_equal(STR("a\0b"), STR("a\0b")));
    assert_false(str_equal(STR("a\0b"), STR("a\0c")));
    assert_false(str_equal(STR("a"), STR("ab")));
    assert_true(str_equal((struct str){NULL, 0}, STR("")));
    assert_true(str_equal(str_of(NULL), str_of("")));
    assert_true(str_starts(STR("abc"), STR("ab")));
    assert_true(str_starts(STR("abc"), STR("abc")));
    assert_true(str_starts((struct str){NULL, 0}, (struct str){NULL, 0}));
    assert_false(str_starts(STR("ab"), STR("abc")));
    assert_false(str_starts(STR("xbc"), STR("ab")));
    assert_true(str_is_visible(STR("!az~")) && str_is_visible(STR("")));
    assert_false(str_is_visible(STR("a b")) || str_is_visible(STR("\x7f")) ||
                 str_is_visible(STR("\xc3\xa4")) || str_is_visible(STR("a\0")));
}

static void white_space_is_trimmed_at_both_ends(void **state)
{
    static const struct {
        const char *text, *expected;
    } cases[] = {
        {"", ""},         {" ", ""},          {" \t\r\n", ""},    {"a", "a"},
        {" a b ", "a b"}, {"\n\ta\r\n", "a"}, {"\va\f", "\va\f"}, {"\xC2\xA0", "\xC2\xA0"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++)
        expect_str(str_trim(str_of(cases[i].text)), str_of(cases[i].expected));
    assert_int_equal(str_trim((struct str){NULL, 0}).len, 0);
    assert_int_equal(str_trim(STR(" a\0 ")).len, 2);
}

static void a_cut_takes_what_is_before_the_separator(void **state)
{
    struct str rest = STR("a,,b\0c,");

    (void)state;
    expect_str(str_cut(&rest, ','), STR("a"));
    expect_str(str_cut(&rest, ','), STR(""));
    assert_non_null(rest.at);
    expect_str(str_cut(&rest, ','), STR("b\0c"));
    assert_non_null(rest.at);
    assert_int_equal(rest.len, 0);
    expect_str(str_cut(&rest, ','), STR(""));
    assert_null(rest.at);
    expect_str(str_cut(&rest, ','), STR(""));
    struct str whole = STR("whole");
    expect_str(str_cut(&whole, ','), STR("whole"));
    assert_null(whole.at);
}

static void numbers_are_read_within_their_bounds(void **state)
{
    static const struct {
        const char *text;
        int64_t min, max;
        bool taken;
        int64_t value;
    } cases[] = {
        {"0", 0, 0, true, 0},
        {"-0", 0, 0, true, 0},
        {"007", 0, 10, true, 7},
        {"10", 0, 10, true, 10},
        {"11", 0, 10, false, 0},
        {"-5", -5, 5, true, -5},
        {"-6", -5, 5, false, 0},
        {"9223372036854775807", INT64_MIN, INT64_MAX, true, INT64_MAX},
        {"9223372036854775808", INT64_MIN, INT64_MAX, false, 0},
        {"-9223372036854775807", INT64_MIN, INT64_MAX, true, -INT64_MAX},
        {"-9223372036854775808", INT64_MIN, INT64_MAX, true, INT64_MIN},
        {"-9223372036854775809", INT64_MIN, INT64_MAX, false, 0},
        {"18446744073709551616", INT64_MIN, INT64_MAX, false, 0},
        {"92233720368547758070", INT64_MIN, INT64_MAX, false, 0},
        {"", INT64_MIN, INT64_MAX, false, 0},
        {"-", INT64_MIN, INT64_MAX, false, 0},
        {"--1", INT64_MIN, INT64_MAX, false, 0},
        {"+1", INT64_MIN, INT64_MAX, false, 0},
        {" 1", INT64_MIN, INT64_MAX, false, 0},
        {"1 ", INT64_MIN, INT64_MAX, false, 0},
        {"1.0", INT64_MIN, INT64_MAX, false, 0},
        {"1e2", INT64_MIN, INT64_MAX, false, 0},
        {"0x1", INT64_MIN, INT64_MAX, false, 0},
        {"1\xB2", INT64_MIN, INT64_MAX, false, 0},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        int64_t value = 77;
        bool taken = str_to_int64(str_of(cases[i].text), cases[i].min, cases[i].max, &value);

        if (taken != cases[i].taken || value != (taken ? cases[i].value : 77))
            fail_msg("\"%s\" gives %d, %lld", cases[i].text, taken, (long long)value);
    }
    int64_t value;
    assert_false(str_to_int64((struct str){NULL, 0}, 0, 1, &value));
    assert_false(str_to_int64(STR("1\0"), 0, 10, &value));
}

static void utf8_is_that_of_rfc_3629(void **state)
{
    static const struct {
        struct str text;
        size_t valid;
    } cases[] = {
        {STR(""), 0},
        {STR("a\0b\x7F"), 4},
        {STR("\x80"), 0}, /* a byte that continues nothing */
        {STR("a\xBF"), 1},
        {STR("\xC0\x80"), 0}, /* overlong */
        {STR("\xC1\xBF"), 0},
        {STR("\xC2\x80"), 2}, /* the first of two bytes */
        {STR("\xDF\xBF"), 2},
        {STR("\xC2"), 0}, /* cut */
        {STR("\xC2\x7F"), 0},
        {STR("\xC2\xC0"), 0},
        {STR("\xE0\x9F\xBF"), 0}, /* overlong */
        {STR("\xE0\xA0\x80"), 3}, /* the first of three bytes */
        {STR("\xE0\xA0"), 0},
        {STR("\xE0\xA0\x7F"), 0},
        {STR("\xED\x9F\xBF"), 3}, /* the last before the surrogates */
        {STR("\xED\xA0\x80"), 0}, /* surrogates */
        {STR("\xED\xBF\xBF"), 0},
        {STR("\xEE\x80\x80"), 3},
        {STR("\xEF\xBF\xBF"), 3},
        {STR("\xF0\x8F\xBF\xBF"), 0}, /* overlong */
        {STR("\xF0\x90\x80\x80"), 4}, /* the first of four bytes */
        {STR("\xF0\x90\x80"), 0},
        {STR("\xF0\x90\x80\xC0"), 0},
        {STR("\xF0\x90\xC0\x80"), 0},
        {STR("\xF4\x8F\xBF\xBF"), 4}, /* the last there is */
        {STR("\xF4\x90\x80\x80"), 0}, /* past U+10FFFF */
        {STR("\xF5\x80\x80\x80"), 0},
        {STR("\xFE"), 0},
        {STR("\xFF"), 0},
        {STR("x\xC3\xA9y\xE2\x82\xACz\xF0\x9F\x98\x80\xE2\x82"), 12},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        /* in memory of its own size, so that a byte read too many is seen */
        char *copy = malloc(cases[i].text.len ? cases[i].text.len : 1);

        memcpy(copy, cases[i].text.at, cases[i].text.len);
        size_t valid = str_utf8_prefix((struct str){copy, cases[i].text.len});
        free(copy);
        if (valid != cases[i].valid)
            fail_msg("case %zu: %zu bytes are valid, not %zu", i, valid, cases[i].valid);
    }
}

/* -- buf ------------------------------------------------------------------------------------- */

static void a_buf_keeps_what_was_put_while_it_grows(void **state)
{
    struct buf b = {0};

    (void)state;
    buf_put(&b, NULL, 0);
    assert_int_equal(buf_str(&b).len, 0);
    for (int i = 0; i < 100000; i++)
        buf_put(&b, &(char){(char)(i * 7)}, 1);
    buf_format(&b, "%d %s", 42, "text");
    assert_int_equal(b.len, 100007);
    for (int i = 0; i < 100000; i++)
        assert_int_equal(b.at[i], (char)(i * 7));
    assert_memory_equal(b.at + 100000, "42 text", 7);
    char *more = buf_extend(&b, 1000000);
    memset(more, 'x', 1000000);
    assert_int_equal(b.len, 1100007);
    assert_memory_equal(b.at + 100000, "42 text", 7);
    size_t room = b.room;
    buf_clear(&b);
    assert_int_equal(b.len, 0);
    assert_int_equal(b.room, room);
    buf_fini(&b);
    assert_null(b.at);
    buf_fini(&b);
}

/* Each size up to two rooms, so that the NUL of the format is just within or just outside. */
static void formats_of_any_length_fit(void **state)
{
    (void)state;
    for (int len = 0; len < 600; len++) {
        struct buf b = {0};

        buf_format(&b, "%*s", len, "");
        assert_int_equal(b.len, len);
        buf_format(&b, "%s", "end");
        assert_int_equal(b.len, len + 3);
        assert_memory_equal(b.at + len, "end", 3);
        buf_fini(&b);
    }
}

static void numbers_are_put_as_printf_would(void **state)
{
    static const struct {
        uint64_t units;
        unsigned decimals;
        const char *expected;
    } cases[] = {
        {0, 0, "0"},
        {7, 0, "7"},
        {0, 3, "0.000"},
        {5, 3, "0.005"},
        {999, 3, "0.999"},
        {1000, 3, "1.000"},
        {1234, 3, "1.234"},
        {10, 1, "1.0"},
        {120000, 4, "12.0000"},
        {UINT64_MAX, 0, "18446744073709551615"},
        {UINT64_MAX, 4, "1844674407370955.1615"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct buf b = {0};

        buf_put_decimal(&b, cases[i].units, cases[i].decimals);
        expect_str(buf_str(&b), str_of(cases[i].expected));
        buf_fini(&b);
    }
}

static void hexadecimal_numbers_have_sixteen_digits(void **state)
{
    struct buf b = {0};

    (void)state;
    buf_put_hex(&b, 0);
    buf_put_hex(&b, 0x0123456789abcdef);
    buf_put_hex(&b, UINT64_MAX);
    expect_str(buf_str(&b), STR("0000000000000000"
                                "0123456789abcdef"
                                "ffffffffffffffff"));
    buf_fini(&b);
}

static void text_becomes_a_json_string(void **state)
{
    static const struct {
        struct str text;
        const char *expected;
    } cases[] = {
        {STR(""), "\"\""},
        {STR("plain /text"), "\"plain /text\""},
        {STR("\"\\"), "\"\\\"\\\\\""},
        {STR("\b\f\n\r\t"), "\"\\b\\f\\n\\r\\t\""},
        {STR("\0\x01\x0B\x1F\x7F"), "\"\\u0000\\u0001\\u000b\\u001f\\u007f\""},
        {STR("\xC3\xA9"), "\"\xC3\xA9\""},
        {STR("\xF0\x9F\x98\x80"), "\"\xF0\x9F\x98\x80\""},
        {STR("\xFF"), "\"\xEF\xBF\xBD\""},
        {STR("a\xC3"), "\"a\xEF\xBF\xBD\""},
        {STR("\xC0\x80z"), "\"\xEF\xBF\xBD\xEF\xBF\xBDz\""},
        {STR("\xED\xA0\x80"), "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\""},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct buf b = {0};

        buf_put_json(&b, cases[i].text);
        expect_str(buf_str(&b), str_of(cases[i].expected));
        buf_fini(&b);
    }
}

/* -- err ------------------------------------------------------------------------------------- */

static void each_error_has_a_status_and_a_word_of_its_own(void **state)
{
    (void)state;
    assert_int_equal(err_status(ERR_NONE), 200);
    assert_string_equal(err_word(ERR_NONE), "ok");
    for (enum err_code i = 1; i < ERR_COUNT; i++) {
        assert_in_range(err_status(i), 400, 599);
        assert_in_range(strlen(err_word(i)), 1, 40);
        for (enum err_code k = 0; k < i; k++)
            assert_string_not_equal(err_word(i), err_word(k));
        for (const char *c = err_word(i); *c; c++)
            assert_true(*c == '_' || (*c >= 'a' && *c <= 'z'));
    }
}

static void errors_are_filled_and_cut(void **state)
{
    struct err err;
    char large[2000];

    (void)state;
    assert_false(err_set(&err, ERR_DEADLINE, "%s %d", "after", 5));
    assert_int_equal(err.code, ERR_DEADLINE);
    assert_string_equal(err.text, "after 5");
    memset(large, 'x', sizeof(large));
    large[sizeof(large) - 1] = '\0';
    assert_false(err_set(&err, ERR_INTERNAL, "%s", large));
    assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
    errno = ENOENT;
    assert_false(err_set_errno(&err, "opening"));
    assert_int_equal(err.code, ERR_INTERNAL);
    assert_string_equal(err.text, "opening: No such file or directory");
}

/* -- clock ----------------------------------------------------------------------------------- */

static void times_are_written_as_rfc_3339(void **state)
{
    static const struct {
        uint64_t wall_ms;
        const char *expected;
    } cases[] = {
        {0, "1970-01-01T00:00:00.000Z"},
        {1, "1970-01-01T00:00:00.001Z"},
        {999, "1970-01-01T00:00:00.999Z"},
        {951827696789, "2000-02-29T12:34:56.789Z"},
        {1769860800000, "2026-01-31T12:00:00.000Z"},
        {4102444799999, "2099-12-31T23:59:59.999Z"},
    };
    char text[CLOCK_TEXT_SIZE];

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        clock_format(cases[i].wall_ms, text);
        assert_string_equal(text, cases[i].expected);
    }
}

static void the_clock_goes_forward(void **state)
{
    uint64_t last = clock_now_ns();

    (void)state;
    for (int i = 0; i < 10000; i++) {
        uint64_t now = clock_now_ns();

        assert_in_range(now, last, UINT64_MAX);
        last = now;
    }
    assert_in_range(clock_wall_ms(), 1700000000000, 4102444800000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_are_compared_with_their_lengths),
        cmocka_unit_test(white_space_is_trimmed_at_both_ends),
        cmocka_unit_test(a_cut_takes_what_is_before_the_separator),
        cmocka_unit_test(numbers_are_read_within_their_bounds),
        cmocka_unit_test(utf8_is_that_of_rfc_3629),
        cmocka_unit_test(numbers_are_put_as_printf_would),
        cmocka_unit_test(hexadecimal_numbers_have_sixteen_digits),
        cmocka_unit_test(a_buf_keeps_what_was_put_while_it_grows),
        cmocka_unit_test(formats_of_any_length_fit),
        cmocka_unit_test(text_becomes_a_json_string),
        cmocka_unit_test(each_error_has_a_status_and_a_word_of_its_own),
        cmocka_unit_test(errors_are_filled_and_cut),
        cmocka_unit_test(times_are_written_as_rfc_3339),
        cmocka_unit_test(the_clock_goes_forward),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
