/* func_test.c - names of functions, versions that crash, and replies in JSON. */
/* SPDX-License-Identifier: MIT */
#include "../base/cases.h"
#include "../base/clocks.h"

#include "base/clock.h"
#include "front/func.h"
#include "front/reply.h"

/* -- Names ----------------------------------------------------------------------------------- */

#define CHARACTERS_64 "a123456789a123456789a123456789a123456789a123456789a123456789abcd"

static void names_are_short_and_plain(void **state)
{
    static const struct {
        struct str name;
        bool valid;
    } cases[] = {
        {STR("a"), true},         {STR("0"), true},           {STR("z9-_"), true},
        {STR("a--"), true},       {STR(CHARACTERS_64), true}, {STR(CHARACTERS_64 "x"), false},
        {STR(""), false},         {{NULL, 0}, false},         {STR("-a"), false},
        {STR("_a"), false},       {STR("A"), false},          {STR("aB"), false},
        {STR("a.b"), false},      {STR("a/b"), false},        {STR(".."), false},
        {STR("a b"), false},      {STR("a\0"), false},        {STR("\0"), false},
        {STR("\xC3\xA9"), false}, {STR("a\n"), false},        {STR("a%20"), false},
    };

    (void)state;
    assert_int_equal(sizeof(CHARACTERS_64) - 1, FUNC_NAME_MAX);
    for (size_t i = 0; i < COUNT(cases); i++)
        if (func_name_is_valid(cases[i].name) != cases[i].valid)
            fail_msg("\"%.*s\"", STR_ARG(cases[i].name));
}

static void a_name_of_64_characters_is_kept_whole(void **state)
{
    struct func *func = func_open(STR(CHARACTERS_64));

    (void)state;
    assert_string_equal(func->name, CHARACTERS_64);
    func_unref(func);
}

/* -- Crashes --------------------------------------------------------------------------------- */

/* Seconds at which a version crashed; the last of them puts it into quarantine, or none does. */
static void three_crashes_within_a_minute_are_too_many(void **state)
{
    static const struct {
        uint64_t at_s[5];
        int quarantined_by;
    } cases[] = {
        {{100, 100, 100}, 2},           {{100, 130, 160}, 2},
        {{100, 130, 161}, -1},          {{100, 200, 300, 400}, -1},
        {{100, 170, 180, 190}, 3},      {{100, 101}, -1},
        {{100, 150, 199, 201, 220}, 3}, {{1, 2, 3}, 2},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct version version = {0};

        for (int k = 0; k < 5 && cases[i].at_s[k]; k++) {
            bool quarantined = version_crashed(&version, cases[i].at_s[k] * NS_PER_S);

            if (quarantined != (k == cases[i].quarantined_by))
                fail_msg("case %zu, crash %d", i, k);
            if (quarantined)
                assert_true(version.quarantined);
        }
        assert_int_equal(version.quarantined, cases[i].quarantined_by >= 0);
    }
}

static void one_nanosecond_past_the_minute_counts(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2 * COUNT(clocks_ns); i++) {
        const uint64_t now = clocks_ns[i / 2], past = i % 2;
        struct version version = {0};

        assert_false(version_crashed(&version, now));
        assert_false(version_crashed(&version, now));
        assert_int_equal(version_crashed(&version, now + 60 * NS_PER_S + past), past == 0);
    }
}

static void quarantine_is_told_once(void **state)
{
    struct version version = {0};
    int told = 0;

    (void)state;
    for (int i = 0; i < 10; i++)
        told += version_crashed(&version, NS_PER_S);
    assert_int_equal(told, 1);
}

/* -- References ------------------------------------------------------------------------------ */

static void modules_live_as_long_as_somebody_holds_them(void **state)
{
    struct blob *blob = blob_open();

    (void)state;
    buf_put_str(&blob->text, STR("text"));
    assert_ptr_equal(blob_ref(blob), blob);
    blob_unref(blob);
    expect_str(buf_str(&blob->text), STR("text"));
    blob_unref(blob);
    blob_unref(NULL);
    version_unref(NULL);
}

/* -- Replies --------------------------------------------------------------------------------- */

static void a_result_gets_its_latency(void **state)
{
    static const struct {
        const char *json;
        bool warm;
        uint64_t latency_ns;
        const char *expected;
    } cases[] = {
        {"{}", false, 0, "{\"latency_ms\":0.000}"},
        {"{}", true, 1500, "{\"latency_ms\":0.002,\"warm\":true}"},
        {"{\"a\":1}", false, 1234567, "{\"a\":1,\"latency_ms\":1.235}"},
        {"{\"a\":{}}", true, 60 * NS_PER_S, "{\"a\":{},\"latency_ms\":60000.000,\"warm\":true}"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct buf b = {0};
        struct reply reply = {.json = str_of(cases[i].json),
                              .warm = cases[i].warm,
                              .latency_ns = cases[i].latency_ns};

        reply_put_result(&b, &reply);
        expect_str(buf_str(&b), str_of(cases[i].expected));
        buf_fini(&b);
    }
}

static void an_error_is_escaped_and_without_what_is_empty(void **state)
{
    static const struct {
        const char *text, *function, *call_id, *details, *expected;
    } cases[] = {
        {"no", "", "", "", "{\"error\":\"no\",\"code\":\"deadline\"}"},
        {"", "f", "c", "d",
         "{\"error\":\"\",\"code\":\"deadline\",\"function\":\"f\",\"call_id\":\"c\","
         "\"details\":\"d\"}"},
        {"a \"b\"\n\xFF", "", "x\"", "1\n2",
         "{\"error\":\"a \\\"b\\\"\\n\xEF\xBF\xBD\",\"code\":\"deadline\",\"call_id\":\"x\\\"\","
         "\"details\":\"1\\n2\"}"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct buf b = {0};
        struct err err;

        err_set(&err, ERR_DEADLINE, "%s", cases[i].text);
        reply_put_error(&b, &err, str_of(cases[i].function), str_of(cases[i].call_id),
                        &(struct failure){.traceback = str_of(cases[i].details)});
        expect_str(buf_str(&b), str_of(cases[i].expected));
        buf_fini(&b);
    }
}

/* What is taken for an object can be spliced, and what is sound stays JSON: a worker may send
 * anything. */
static void replies_that_cannot_be_spliced_are_refused(void **state)
{
    static const struct {
        struct str json;
        bool object, sound;
    } cases[] = {
        {STR("{}"), true, true},
        {STR("{\"a\":1}"), true, true},
        {STR("{\"a\":[1,\"\\u0000\"]}"), true, true},
        {STR("{\"a\":}"), true, false},
        {STR("{\"a\":\"\xFF\"}"), true, false},
        {STR("{\"\0\"}"), true, false},
        {STR("{ }"), false, false},
        {STR("{} "), false, false},
        {STR(" {\"a\":1}"), false, false},
        {STR("{}}"), false, false},
        {STR("{}\0"), false, false},
        {STR("[]"), false, false},
        {STR("1"), false, false},
        {STR("{"), false, false},
        {STR("}"), false, false},
        {STR(""), false, false},
        {{NULL, 0}, false, false},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct reply reply = {.json = cases[i].json};
        struct buf b = {0};

        assert_int_equal(reply_is_object(&reply), cases[i].object);
        assert_int_equal(reply_is_sound(&reply), cases[i].sound);
        if (!cases[i].sound)
            continue;
        reply_put_result(&b, &reply);
        json_t *value = json_loadb(b.at, b.len, JSON_ALLOW_NUL, NULL);
        assert_non_null(value);
        assert_true(json_is_real(json_object_get(value, "latency_ms")));
        json_decref(value);
        buf_fini(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_short_and_plain),
        cmocka_unit_test(a_name_of_64_characters_is_kept_whole),
        cmocka_unit_test(three_crashes_within_a_minute_are_too_many),
        cmocka_unit_test(one_nanosecond_past_the_minute_counts),
        cmocka_unit_test(quarantine_is_told_once),
        cmocka_unit_test(modules_live_as_long_as_somebody_holds_them),
        cmocka_unit_test(a_result_gets_its_latency),
        cmocka_unit_test(an_error_is_escaped_and_without_what_is_empty),
        cmocka_unit_test(replies_that_cannot_be_spliced_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
