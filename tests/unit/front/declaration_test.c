/* declaration_test.c - what a worker may say that a file declares, and what is not believed. */
/* SPDX-License-Identifier: MIT */
#include "../base/cases.h"

#include "front/declaration.h"

#define PARAM(spec)  "{\"description\":\"\",\"params\":{\"n\":" spec "}}"
#define LIMIT(limit) "{\"description\":\"\",\"params\":{}," limit "}"

static const struct settings settings = {
    .timeout_ms = 5000, .memory_mb = 64, .memory_mb_max = 1024};

/* A version that has nothing but what declaration_read gives it. */
static bool read_one(const char *json, struct version *v, struct err *err)
{
    *v = (struct version){0};
    return declaration_read(v, str_of(json), &settings, err);
}

static void what_is_left_open_comes_from_the_settings(void **state)
{
    struct version v;
    struct err err;

    (void)state;
    assert_true(read_one("{\"description\":\"words\",\"params\":{}}", &v, &err));
    assert_int_equal(v.timeout_ms, 5000);
    assert_int_equal(v.memory_bytes, 64 << 20);
    assert_int_equal(v.max_concurrency, 0);
    json_decref(v.description);
}

static void what_is_declared_is_taken(void **state)
{
    static const struct {
        const char *json;
        uint64_t timeout_ms, memory_mb;
        uint32_t max_concurrency;
    } cases[] = {
        {LIMIT("\"timeout_ms\":1,\"memory_mb\":1,\"max_concurrency\":1"), 1, 1, 1},
        {LIMIT("\"timeout_ms\":600000.0,\"memory_mb\":1024,\"max_concurrency\":65536"), 600000,
         1024, 65536},
        {PARAM("{\"type\":\"any\"}"), 5000, 64, 0},
        {PARAM("{\"type\":\"integer\",\"min\":-1,\"max\":2.5,\"default\":1,\"description\":\"\"}"),
         5000, 64, 0},
        {PARAM("{\"type\":\"object\",\"required\":true}"), 5000, 64, 0},
        {PARAM("{\"type\":\"string\",\"required\":false,\"default\":null}"), 5000, 64, 0},
    };
    struct version v;
    struct err err;

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        if (!read_one(cases[i].json, &v, &err))
            fail_msg("%s: %s", cases[i].json, err.text);
        assert_int_equal(v.timeout_ms, cases[i].timeout_ms);
        assert_int_equal(v.memory_bytes, cases[i].memory_mb << 20);
        assert_int_equal(v.max_concurrency, cases[i].max_concurrency);
        json_decref(v.description);
    }
}

static void the_settings_cap_memory(void **state)
{
    static const struct {
        const char *json;
        int64_t otherwise, most;
        uint64_t memory_mb;
    } cases[] = {
        {LIMIT("\"memory_mb\":100"), 64, 100, 100}, {LIMIT("\"memory_mb\":101"), 64, 100, 100},
        {LIMIT("\"memory_mb\":1024"), 64, 1, 1},    {LIMIT("\"timeout_ms\":1"), 64, 64, 64},
        {LIMIT("\"timeout_ms\":1"), 65, 64, 64},    {LIMIT("\"memory_mb\":5"), 65, 64, 5},
    };
    struct version v;
    struct err err;

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct settings capped = {
            .timeout_ms = 5000, .memory_mb = cases[i].otherwise, .memory_mb_max = cases[i].most};

        v = (struct version){0};
        assert_true(declaration_read(&v, str_of(cases[i].json), &capped, &err));
        assert_int_equal(v.memory_bytes, cases[i].memory_mb << 20);
        json_decref(v.description);
    }
}

static void anything_else_is_refused(void **state)
{
    static const struct {
        const char *json, *why;
    } cases[] = {
        {"", "no JSON"},
        {"{", "no JSON"},
        {"[]", "what the file declares"},
        {"5", "no JSON"},
        {"{}", "description"},
        {"{\"description\":5,\"params\":{}}", "what the file declares"},
        {"{\"description\":\"\"}", "params"},
        {"{\"description\":\"\",\"params\":[]}", "`params` is no object"},
        {"{\"description\":\"\",\"params\":null}", "`params` is no object"},
        {"{\"description\":\"\",\"params\":{},\"more\":1}", "more"},
        {PARAM("5"), "parameter `n`"},
        {PARAM("{}"), "type"},
        {PARAM("{\"type\":5}"), "parameter `n`"},
        {PARAM("{\"type\":\"int\"}"), "its type is none"},
        {PARAM("{\"type\":\"any\",\"min\":\"1\"}"), "parameter `n`"},
        {PARAM("{\"type\":\"any\",\"max\":{}}"), "parameter `n`"},
        {PARAM("{\"type\":\"any\",\"required\":1}"), "parameter `n`"},
        {PARAM("{\"type\":\"any\",\"description\":1}"), "parameter `n`"},
        {PARAM("{\"type\":\"any\",\"other\":1}"), "other"},
        {LIMIT("\"timeout_ms\":0"), "`timeout_ms` must be a whole number from 1 to 600000"},
        {LIMIT("\"timeout_ms\":600001"), "`timeout_ms`"},
        {LIMIT("\"timeout_ms\":-1e300"), "`timeout_ms`"},
        {LIMIT("\"timeout_ms\":1.5"), "`timeout_ms`"},
        {LIMIT("\"timeout_ms\":\"1\""), "what the file declares"},
        {LIMIT("\"timeout_ms\":null"), "what the file declares"},
        {LIMIT("\"memory_mb\":1025"), "`memory_mb` must be a whole number from 1 to 1024"},
        {LIMIT("\"memory_mb\":17592186044417"), "`memory_mb`"},
        {LIMIT("\"max_concurrency\":65537"), "`max_concurrency` must be a whole number from 1"},
        {LIMIT("\"max_concurrency\":-5"), "`max_concurrency`"},
    };
    struct version v;
    struct err err;

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        if (read_one(cases[i].json, &v, &err))
            fail_msg("%s is taken", cases[i].json);
        assert_int_equal(err.code, ERR_FUNCTION_ERROR);
        expect_contains(err.text, cases[i].why);
        assert_null(v.description);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_left_open_comes_from_the_settings),
        cmocka_unit_test(what_is_declared_is_taken),
        cmocka_unit_test(the_settings_cap_memory),
        cmocka_unit_test(anything_else_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
