/* failure_test.c - what a worker may say of a call that failed, and what is not believed. */
/* SPDX-License-Identifier: MIT */
#include "../base/cases.h"

#include "front/failure.h"

/* Versions of clang-format disagree here. */
/* clang-format off */
#define FIELD(which, text) {[which] = STR(text)}
/* clang-format on */

static char letters[(16 << 10) + 1];

static bool read_one(enum err_code code, uint32_t status, const struct str *texts,
                     struct failure *failure)
{
    const struct message m = {.type = MESSAGE_DONE, .code = code, .done.status = status};

    return failure_read(failure, &m, texts);
}

static void what_a_function_chose_is_taken(void **state)
{
    static const struct str texts[MESSAGE_TEXTS] = {[MESSAGE_SENTENCE] = STR("none left"),
                                                    [MESSAGE_TRACEBACK] =
                                                        STR("a.lua:1: in function"),
                                                    [MESSAGE_DETAILS] = STR("{\"left\":0}"),
                                                    [MESSAGE_WORD] = STR("sold_out"),
                                                    [MESSAGE_CHILD] = STR("shop")};
    const struct err err = {.code = ERR_FUNCTION_ERROR};
    struct failure f;

    (void)state;
    assert_true(read_one(ERR_FUNCTION_ERROR, 409, texts, &f));
    assert_int_equal(failure_status(&f, &err), 409);
    expect_str(failure_code(&f, &err), STR("sold_out"));
    expect_str(f.child, STR("shop"));
    expect_str(f.details, STR("{\"left\":0}"));
    expect_str(f.traceback, STR("a.lua:1: in function"));
}

static void what_it_left_open_comes_from_the_err(void **state)
{
    static const struct str texts[MESSAGE_TEXTS] = {STR("no")};
    const struct err err = {.code = ERR_DEADLINE};
    struct failure f;

    (void)state;
    assert_true(read_one(ERR_DEADLINE, 0, texts, &f));
    assert_int_equal(failure_status(&f, &err), 504);
    expect_str(failure_code(&f, &err), STR("deadline"));
    assert_int_equal(failure_status(NULL, &err), 504);
    expect_str(failure_code(NULL, &err), STR("deadline"));
}

static void bounds_of_the_status(void **state)
{
    static const struct {
        uint32_t status;
        bool taken;
    } cases[] = {{1, false},   {200, false},       {399, false},        {400, true}, {599, true},
                 {600, false}, {INT32_MAX, false}, {UINT32_MAX, false}, {0, true}};
    static const struct str texts[MESSAGE_TEXTS] = {STR("no")};
    struct failure f;

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++)
        if (read_one(ERR_FUNCTION_ERROR, cases[i].status, texts, &f) != cases[i].taken)
            fail_msg("%u", cases[i].status);
}

static void what_no_function_may_choose_is_refused(void **state)
{
    memset(letters, 'x', sizeof(letters));
    const struct {
        enum err_code code;
        struct str texts[MESSAGE_TEXTS];
        bool taken;
    } cases[] = {
        {ERR_FUNCTION_ERROR, FIELD(MESSAGE_WORD, "a"), true},
        {ERR_FUNCTION_ERROR, FIELD(MESSAGE_WORD, "A"), false},
        {ERR_FUNCTION_ERROR, FIELD(MESSAGE_WORD, "1a"), false},
        {ERR_FUNCTION_ERROR, FIELD(MESSAGE_WORD, "_a"), false},
        {ERR_FUNCTION_ERROR, FIELD(MESSAGE_WORD, "a\"b"), false},
        {ERR_FUNCTION_ERROR, FIELD(MESSAGE_WORD, "a\0b"), false},
        {ERR_FUNCTION_ERROR, {[MESSAGE_WORD] = {letters, 64}}, true},
        {ERR_FUNCTION_ERROR, {[MESSAGE_WORD] = {letters, 65}}, false},
        {ERR_FUNCTION_ERROR, {[MESSAGE_CHILD] = {letters, 64}}, true},
        {ERR_FUNCTION_ERROR, {[MESSAGE_CHILD] = {letters, 65}}, false},
        {ERR_FUNCTION_ERROR, {[MESSAGE_TRACEBACK] = {letters, 16 << 10}}, true},
        {ERR_FUNCTION_ERROR, {[MESSAGE_TRACEBACK] = {letters, (16 << 10) + 1}}, false},
        {ERR_FUNCTION_ERROR, FIELD(MESSAGE_DETAILS, "null"), true},
        {ERR_FUNCTION_ERROR, FIELD(MESSAGE_DETAILS, "[1,\"\\u0000\",1e300]"), true},
        {ERR_FUNCTION_ERROR, FIELD(MESSAGE_DETAILS, "x"), false},
        {ERR_FUNCTION_ERROR, FIELD(MESSAGE_DETAILS, "1,\"code\":\"ok\""), false},
        {ERR_FUNCTION_ERROR, FIELD(MESSAGE_DETAILS, "{}}"), false},
        {ERR_FUNCTION_ERROR, FIELD(MESSAGE_DETAILS, "\"\xFF\""), false},
        {ERR_DEADLINE, FIELD(MESSAGE_TRACEBACK, "a.lua:1"), true},
        {ERR_DEADLINE, FIELD(MESSAGE_DETAILS, "1"), false},
        {ERR_DEADLINE, FIELD(MESSAGE_WORD, "a"), false},
        {ERR_DEADLINE, FIELD(MESSAGE_CHILD, "a"), false},
    };
    struct failure f;

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        if (read_one(cases[i].code, 0, cases[i].texts, &f) != cases[i].taken)
            fail_msg("case %zu", i);
        if (!cases[i].taken)
            assert_int_equal(f.code.len + f.child.len + f.details.len + f.traceback.len, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_function_chose_is_taken),
        cmocka_unit_test(what_it_left_open_comes_from_the_err),
        cmocka_unit_test(bounds_of_the_status),
        cmocka_unit_test(what_no_function_may_choose_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
