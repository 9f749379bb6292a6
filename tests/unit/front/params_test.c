/* params_test.c - the parameters of a call: what is an object, what fits its declaration. */
/* SPDX-License-Identifier: MIT */
#include "../base/cases.h"

#include "base/buf.h"
#include "front/params.h"

static const struct str none;

/* -- Parsing --------------------------------------------------------------------------------- */

static void a_body_is_an_object_or_empty(void **state)
{
    static const struct {
        struct str body;
        const char *wrong; /* NULL: it is taken */
    } cases[] = {
        {{NULL, 0}, NULL},
        {STR(""), NULL},
        {STR(" \r\n\t"), NULL},
        {STR("{}"), NULL},
        {STR(" {\"a\": [1, null, {\"b\": \"\\u0000\"}]} \n"), NULL},
        {STR("[]"), "the body must be a JSON object"},
        {STR("1"), "the body must be a JSON object"},
        {STR("null"), "the body must be a JSON object"},
        {STR("\"text\""), "the body must be a JSON object"},
        {STR("{"), "(line 1, column 1)"},
        {STR("{\"a\":1}\n x"), "(line 2, column 2)"},
        {STR("{\"a\":1,}"), "the body is no JSON"},
        {STR("{\"a\":1,\"a\":2}"), "duplicate"},
        {STR("{a:1}"), "the body is no JSON"},
        {STR("{\"a\":\"\xFF\"}"), "the body is no JSON"},
        {STR("{\"a\":\"\xED\xA0\x80\"}"), "the body is no JSON"},
        {STR("{\"a\":1e999}"), "the body is no JSON"},
        {STR("{\"a\":NaN}"), "the body is no JSON"},
        {STR("{}\0"), "the body is no JSON"},
        {STR("{\"\\u0000\":1}"), "the body is no JSON"},
        {STR("\xEF\xBB\xBF{}"), "the body is no JSON"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct err err = {.code = ERR_NONE};
        json_t *params = (json_t *)1;
        bool taken = params_parse(cases[i].body, &params, &err);

        if (taken == (cases[i].wrong != NULL))
            fail_msg("case %zu: %s", i, err.text);
        if (taken) {
            assert_int_equal(params != NULL, str_trim(cases[i].body).len > 0);
            json_decref(params);
            continue;
        }
        assert_null(params);
        assert_int_equal(err.code, ERR_BAD_JSON);
        expect_contains(err.text, cases[i].wrong);
    }
}

static void nesting_past_what_the_parser_takes_is_told(void **state)
{
    static char body[1 << 17];
    struct err err;
    json_t *params;

    (void)state;
    memset(body, '[', sizeof(body));
    memcpy(body, "{\"a\":", 5);
    assert_false(params_parse((struct str){body, sizeof(body)}, &params, &err));
    assert_int_equal(err.code, ERR_BAD_JSON);
}

static void nesting_is_bounded_to_the_level(void **state)
{
    (void)state;
    for (int levels = PARAMS_DEPTH_MAX; levels <= PARAMS_DEPTH_MAX + 1; levels++) {
        struct buf body = {0};
        struct err err;
        json_t *params;

        buf_put_str(&body, STR("{\"a\":"));
        for (int i = 1; i < levels; i++)
            buf_put_str(&body, STR("["));
        for (int i = 1; i < levels; i++)
            buf_put_str(&body, STR("]"));
        buf_put_str(&body, STR("}"));
        bool taken = params_parse(buf_str(&body), &params, &err);
        assert_int_equal(taken, levels == PARAMS_DEPTH_MAX);
        if (!taken)
            assert_string_equal(err.text, "the body is nested more than 128 levels deep");
        json_decref(params);
        buf_fini(&body);
    }
}

/* -- Checking -------------------------------------------------------------------------------- */

/* What a function declares of parameter `p`, the parameters, and the sentence ("": they pass). */
struct check {
    const char *spec, *params, *sentence;
};

static void expect_checks(const struct check *checks, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char text[512];
        struct err err = {.code = ERR_NONE};
        json_t *params;

        snprintf(text, sizeof(text), "{\"params\":{\"p\":%s}}", checks[i].spec);
        struct version version = {.description = json_loads(text, 0, NULL)};
        assert_non_null(version.description);
        assert_true(params_parse(str_of(checks[i].params), &params, &err));
        bool passes = params_check(&version, params, str_of(checks[i].params), &err);
        if (passes != (checks[i].sentence[0] == '\0') ||
            strcmp(err.text, checks[i].sentence) != 0 ||
            err.code != (passes ? ERR_NONE : ERR_BAD_PARAMS))
            fail_msg("%s with %s: \"%s\"", checks[i].params, checks[i].spec, err.text);
        json_decref(params);
        json_decref(version.description);
    }
}

#define EXPECT_CHECKS(checks) expect_checks(checks, COUNT(checks))

static void each_type_takes_its_values_only(void **state)
{
    static const char *const types[] = {"integer", "number", "string", "boolean",
                                        "object",  "array",  "any"};
    static const struct {
        const char *value, *taken; /* one letter a type */
    } values[] = {
        {"0", "yynnnny"},     {"-5", "yynnnny"},    {"1e3", "yynnnny"},  {"1.0", "yynnnny"},
        {"1e300", "yynnnny"}, {"1.5", "nynnnny"},   {"\"\"", "nnynnny"}, {"\"1\"", "nnynnny"},
        {"true", "nnnynny"},  {"false", "nnnynny"}, {"null", "yyyyyyy"}, {"{}", "nnnnyny"},
        {"[]", "nnnnnyy"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(values); i++)
        for (size_t k = 0; k < COUNT(types); k++) {
            json_t *params =
                json_pack("{s:o}", "p", json_loads(values[i].value, JSON_DECODE_ANY, NULL));
            struct version version = {
                .description = json_pack("{s:{s:{s:s}}}", "params", "p", "type", types[k])};
            struct err err = {.code = ERR_NONE};

            if (params_check(&version, params, none, &err) != (values[i].taken[k] == 'y'))
                fail_msg("%s as %s: \"%s\"", values[i].value, types[k], err.text);
            json_decref(params);
            json_decref(version.description);
        }
}

static void sentences_name_the_parameter_and_what_it_must_be(void **state)
{
    static const struct check checks[] = {
        {"{\"type\":\"integer\"}", "{\"p\":\"5\"}", "parameter p must be an integer, not a string"},
        {"{\"type\":\"integer\"}", "{\"p\":1.5}", "parameter p must be a whole number, not 1.5"},
        {"{\"type\":\"number\"}", "{\"p\":true}", "parameter p must be a number, not a boolean"},
        {"{\"type\":\"string\"}", "{\"p\":5}", "parameter p must be a string, not a number"},
        {"{\"type\":\"boolean\"}", "{\"p\":[]}", "parameter p must be a boolean, not a list"},
        {"{\"type\":\"object\"}", "{\"p\":[]}", "parameter p must be an object, not a list"},
        {"{\"type\":\"array\"}", "{\"p\":{}}", "parameter p must be an array, not an object"},
    };

    (void)state;
    EXPECT_CHECKS(checks);
}

/* Versions of clang-format disagree here. */
/* clang-format off */
#define INEXACT(text)                                                                              \
    {"{\"type\":\"integer\"}", "{\"a\":{\"p\":[\"}\"]},\"p\":" text "}",                            \
     "parameter p must be a whole number that a double holds exactly (up to 2^53 all are), "       \
     "not " text}
#define EXACT(text)                                                                                \
    {"{\"type\":\"integer\"}", "{ \"\\u0061\" : \"\\\"\" , \"p\" : " text " }", ""}
/* clang-format on */

static void whole_numbers_are_never_rounded(void **state)
{
    static const struct check checks[] = {
        INEXACT("9007199254740993"),
        INEXACT("-9007199254740993"),
        INEXACT("9007199254740993.0"),
        INEXACT("9007199254740993e0"),
        INEXACT("90071992547409930e-1"),
        INEXACT("18446744073709551617"),
        INEXACT("10000000000000000001"),
        INEXACT("1e23"),
        INEXACT("1e300"),
        INEXACT("1.00000000000000000001"),
        INEXACT("1e-400"),
        EXACT("9007199254740992"),
        EXACT("9007199254740994"),
        EXACT("-9007199254740994.00"),
        EXACT("900719925474099400e-2"),
        EXACT("18446744073709551616"),
        EXACT("1e22"),
        EXACT("0"),
        EXACT("-0.0e-5"),
        EXACT("100e-2"),
        EXACT("0.05e2"),
        {"{\"type\":\"integer\"}", "{\"\\u0070\":9007199254740993}",
         "parameter p must be a whole number that a double holds exactly (up to 2^53 all are), not "
         "9007199254740993"},
        {"{\"type\":\"number\"}", "{\"p\":9007199254740993}", ""},
        {"{\"type\":\"any\"}", "{\"p\":[9007199254740993]}", ""},
    };

    (void)state;
    EXPECT_CHECKS(checks);
}

static void bounds_are_inclusive(void **state)
{
    static const struct check checks[] = {
        {"{\"type\":\"integer\",\"min\":1,\"max\":3}", "{\"p\":1}", ""},
        {"{\"type\":\"integer\",\"min\":1,\"max\":3}", "{\"p\":3}", ""},
        {"{\"type\":\"integer\",\"min\":1,\"max\":3}", "{\"p\":0}",
         "parameter p must be between 1 and 3, not 0"},
        {"{\"type\":\"integer\",\"min\":1,\"max\":3}", "{\"p\":4}",
         "parameter p must be between 1 and 3, not 4"},
        {"{\"type\":\"number\",\"min\":0.5}", "{\"p\":0.5}", ""},
        {"{\"type\":\"number\",\"min\":0.5}", "{\"p\":0.49}",
         "parameter p must be at least 0.5, not 0.49"},
        {"{\"type\":\"number\",\"max\":-1}", "{\"p\":-1}", ""},
        {"{\"type\":\"number\",\"max\":-1}", "{\"p\":-0.5}",
         "parameter p must be at most -1, not -0.5"},
        {"{\"type\":\"string\",\"min\":2,\"max\":4}", "{\"p\":\"ab\"}", ""},
        {"{\"type\":\"string\",\"min\":2,\"max\":4}", "{\"p\":\"\xC3\xA9\xC3\xA9\"}", ""},
        {"{\"type\":\"string\",\"min\":2,\"max\":4}", "{\"p\":\"a\"}",
         "parameter p must be between 2 and 4 bytes long, not 1"},
        {"{\"type\":\"string\",\"max\":4}", "{\"p\":\"\xC3\xA9\xC3\xA9x\"}",
         "parameter p must be at most 4 bytes long, not 5"},
        {"{\"type\":\"string\",\"max\":1}", "{\"p\":\"a\\u0000b\"}",
         "parameter p must be at most 1 bytes long, not 3"},
        {"{\"type\":\"array\",\"min\":1,\"max\":2}", "{\"p\":[1,2]}", ""},
        {"{\"type\":\"array\",\"min\":1,\"max\":2}", "{\"p\":[]}",
         "parameter p must be between 1 and 2 items long, not 0"},
        {"{\"type\":\"array\",\"max\":2}", "{\"p\":[1,2,3]}",
         "parameter p must be at most 2 items long, not 3"},
        {"{\"type\":\"any\",\"max\":2}", "{\"p\":3}", "parameter p must be at most 2, not 3"},
        {"{\"type\":\"any\",\"min\":5}", "{\"p\":true}", ""},
        {"{\"type\":\"object\",\"min\":5}", "{\"p\":{}}", ""},
        {"{\"type\":\"any\",\"min\":5}", "{\"p\":null}", ""},
    };

    (void)state;
    EXPECT_CHECKS(checks);
}

static void what_is_required_must_be_there(void **state)
{
    static const struct check checks[] = {
        {"{\"type\":\"integer\",\"required\":true}", "",
         "parameter p is missing: it must be an integer"},
        {"{\"type\":\"string\",\"required\":true}", "{\"q\":1}",
         "parameter p is missing: it must be a string"},
        {"{\"type\":\"string\",\"required\":true}", "{\"p\":null}",
         "parameter p is missing: it must be a string"},
        {"{\"type\":\"any\",\"required\":true}", "{\"p\":null}", ""},
        {"{\"type\":\"integer\",\"min\":1}", "{\"p\":null}", ""},
        {"{\"type\":\"integer\",\"required\":false}", "", ""},
        {"{\"type\":\"integer\"}", "{}", ""},
    };

    (void)state;
    EXPECT_CHECKS(checks);
}

static void what_is_not_declared_passes(void **state)
{
    static const struct check checks[] = {
        {"{\"type\":\"integer\"}", "{\"q\":[{}],\"p\":1,\"P\":\"x\",\"\":null}", ""}};
    struct version bare = {.description = json_loads("{\"description\":\"\"}", 0, NULL)};
    json_t *params = json_loads("{\"a\":1}", 0, NULL);
    struct err err;

    (void)state;
    EXPECT_CHECKS(checks);
    assert_true(params_check(&bare, params, none, &err));
    assert_true(params_check(&bare, NULL, none, &err));
    json_decref(params);
    json_decref(bare.description);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_body_is_an_object_or_empty),
        cmocka_unit_test(nesting_past_what_the_parser_takes_is_told),
        cmocka_unit_test(nesting_is_bounded_to_the_level),
        cmocka_unit_test(each_type_takes_its_values_only),
        cmocka_unit_test(sentences_name_the_parameter_and_what_it_must_be),
        cmocka_unit_test(whole_numbers_are_never_rounded),
        cmocka_unit_test(bounds_are_inclusive),
        cmocka_unit_test(what_is_required_must_be_there),
        cmocka_unit_test(what_is_not_declared_passes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
