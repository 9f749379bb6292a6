/* cjson_test.c - the modules "cjson" and "cjson.safe". */
/* SPDX-License-Identifier: MIT */
#include "vm_rows.h"

#define CJSON(expression) "(function() local cjson = require 'cjson' return " expression " end)()"
#define AFTER(statements, expression)                                                              \
    "(function() local cjson = require 'cjson' " statements " return " expression " end)()"

static void cjson_encodes_as_the_field_knows_it(void **state)
{
    static const struct row rows[] = {
        {CJSON("cjson.encode({1, 2, {a = true}})"), "[1,2,{\"a\":true}]"},
        {CJSON("cjson.encode({})"), "{}"},
        {CJSON("cjson.encode(nil)"), "null"},
        {CJSON("cjson.encode('a/b\\127')"), "\"a\\/b\\u007F\""},
        {CJSON("cjson.encode({1, nil, 3})"), "[1,null,3]"},
        {CJSON("cjson.encode({1, 2, x = 3})"), "{\"1\":1,\"2\":2,\"x\":3}"},
        {CJSON("cjson.encode({[-1] = 1, [1.5] = 2, b = 3, a = 4})"),
         "{\"-1\":1,\"1.5\":2,\"a\":4,\"b\":3}"},
        {CJSON("cjson.encode({[10] = 1, [9] = 2})"),
         "[null,null,null,null,null,null,null,null,2,1]"},
        {CJSON("cjson.encode(0.1 + 0.2)"), "0.30000000000000004"},
        {CJSON("cjson.encode(cjson.decode('[]'))"), "[]"},
        {CJSON("cjson.encode(cjson.decode('{\"a\":[[],{}]}'))"), "{\"a\":[[],{}]}"},
        {CJSON("cjson.null == json.null and cjson.null == cjson.decode('null')"), "true"},
        {CJSON("cjson.encode({a = cjson.null})"), "{\"a\":null}"},
        {CJSON("cjson._NAME .. cjson._VERSION"), "cjson2.1.0"},
        {CJSON("require('cjson') == cjson"), "true"},
    };

    (void)state;
    EXPECT_VALUES(rows);
}

static void options_change_one_instance(void **state)
{
    static const struct row rows[] = {
        {CJSON("cjson.encode_max_depth() .. ' ' .. cjson.decode_max_depth()"), "1000 1000"},
        {AFTER("cjson.encode_max_depth(2)", "pcall(cjson.encode, {{{}}})"), "false"},
        {AFTER("cjson.encode_max_depth(3)", "cjson.encode({{{}}})"), "[[{}]]"},
        {AFTER("cjson.decode_max_depth(2)", "pcall(cjson.decode, '[[[]]]')"), "false"},
        {AFTER("cjson.encode_number_precision(3)", "cjson.encode(1 / 3)"), "0.333"},
        {AFTER("local other = cjson.new() other.encode_number_precision(3)", "cjson.encode(1 / 3)"),
         "0.3333333333333333"},
        {CJSON("cjson.encode_number_precision()"), "17"},
        {CJSON("tostring(cjson.encode_invalid_numbers())"), "false"},
        {AFTER("cjson.encode_invalid_numbers('null')", "cjson.encode({0 / 0, 1 / 0})"),
         "[null,null]"},
        {AFTER("cjson.encode_invalid_numbers(true)", "cjson.encode({0 / 0, 1 / 0, -1 / 0})"),
         "[nan,inf,-inf]"},
        {CJSON("cjson.encode_invalid_numbers('null')"), "null"},
        {CJSON("cjson.encode_keep_buffer() and not cjson.encode_keep_buffer(false)"), "true"},
        {CJSON("table.concat({select(2, cjson.encode_sparse_array())}, ' ')"), "2 10"},
        {AFTER("cjson.encode_sparse_array(true)", "cjson.encode({[1000] = 1})"), "{\"1000\":1}"},
        {AFTER("cjson.encode_sparse_array(false, 0)", "#cjson.encode({[1000] = 1})"), "4998"},
        {CJSON("cjson.decode('0x10')"), "16"},
        {CJSON("cjson.decode('Infinity') == 1 / 0"), "true"},
        {AFTER("cjson.decode_invalid_numbers(false)", "pcall(cjson.decode, '0x10')"), "false"},
        {AFTER("cjson.decode_invalid_numbers(true) cjson.decode_max_depth(5)",
               "json.decode('NaN') == nil and json.decode('[[[[[[]]]]]]') ~= nil"),
         "true"},
    };

    (void)state;
    EXPECT_VALUES(rows);
}

static void errors_are_raised_with_the_place(void **state)
{
    static const struct row rows[] = {
        {CJSON("cjson.encode()"), "expected 1 argument"},
        {CJSON("cjson.encode({a = {print}})"), "Cannot serialise: a[1] is a function"},
        {CJSON("cjson.encode({1, 0 / 0})"), "[2] is not a finite number"},
        {CJSON("cjson.encode({a = '\\255'})"), "a is not valid UTF-8"},
        {CJSON("cjson.encode({[true] = 1})"), "has keys"},
        {CJSON("cjson.encode({[1000] = 1})"), "excessively sparse"},
        {AFTER("local t = {} t[1] = t", "cjson.encode(t)"), "contains itself"},
        {CJSON("cjson.decode()"), "expected 1 argument"},
        {CJSON("cjson.decode('[1,]')"), "Expected value but found T_ARR_END at character 4"},
        {CJSON("cjson.decode('\"\\255\"')"), "not valid UTF-8 at character 2"},
        {CJSON("cjson.decode('[1]\\0')"), "NUL character at character 4"},
        {CJSON("cjson.decode(('['):rep(1001) .. (']'):rep(1001))"), "too many nested"},
        {AFTER("cjson.decode_max_depth(1e6)", "cjson.decode(('['):rep(1e6))"), "too many nested"},
        {AFTER("cjson.encode_max_depth(1e6) local t = {} for i = 1, 1e5 do t = {t} end",
               "cjson.encode(t)"),
         "nested more than"},
        {CJSON("cjson.encode_max_depth(0)"), "expected integer between 1 and"},
        {CJSON("cjson.encode_max_depth('x')"), "number expected"},
        {CJSON("cjson.encode_max_depth(0 / 0)"), "expected integer"},
        {CJSON("cjson.decode_max_depth(0)"), "expected integer between 1 and"},
        {CJSON("cjson.encode_keep_buffer(1)"), "boolean expected"},
        {CJSON("cjson.encode_invalid_numbers('maybe')"), "invalid option"},
        {CJSON("cjson.encode_sparse_array(true, 1, 1, 1)"), "too many arguments"},
    };

    (void)state;
    EXPECT_ERRORS(rows);
}

static void the_safe_module_returns_nil_and_the_message(void **state)
{
#define SAFE(expression)                                                                           \
    "(function() local cjson = require 'cjson.safe' return " expression " end)()"
    static const struct row rows[] = {
        {SAFE("select('#', cjson.encode(print))"), "2"},
        {SAFE("cjson.encode(print) == nil"), "true"},
        {SAFE("select(2, cjson.decode('{'))"),
         "Expected object key string but found T_END at character 2"},
        {SAFE("cjson.encode(cjson.decode('[1]'))"), "[1]"},
        {SAFE("cjson.new().decode('nul') == nil"), "true"},
        {SAFE("cjson.null == json.null and cjson ~= require 'cjson'"), "true"},
    };

    (void)state;
    EXPECT_VALUES(rows);
#undef SAFE
}

/* -- What a call leaves behind --------------------------------------------------------------- */

/* Options, marks and buffers lie in the heap: a warm vm put back to its image has none of them. */
static void a_reset_vm_has_forgotten_options_and_lists(void **state)
{
    static const char source[] =
        "local cjson, json = require 'cjson', require 'json'\n"
        "return function() local depth = cjson.decode_max_depth() cjson.decode_max_depth(5) "
        "cjson.encode_max_depth(5) local list = json.decode('[1]') "
        "getmetatable(list).left = (getmetatable(list).left or 0) + 1 "
        "return depth .. ' ' .. cjson.encode_max_depth() .. ' ' .. getmetatable(list).left .. ' ' "
        ".. json.encode(list) .. #cjson.encode(('x'):rep(1e5)) end";
    struct code *code = code_of(source);
    struct answer answer;
    struct err err;
    struct vm *vm = vm_open(code, 8 * MIB, &err);

    (void)state;
    assert_non_null(vm);
    assert_true(vm_seal(vm, &err));
    for (int i = 0; i < 5; i++) {
        assert_true(ask(vm, &answer, &err));
        assert_string_equal(answer.text, "1000 5 1 [1]100002");
        assert_true(vm_reset(vm));
    }
    vm_close(vm);
    code_drop(code);
}

static void failures_leave_nothing_in_the_heap(void **state)
{
    struct answer answer;
    struct err err;

    (void)state;
    bool ok =
        ask_source("local json, cjson = require 'json', require 'cjson'\n"
                   "return function() local many = {} for i = 1, 1000 do many['k' .. i] = i end\n"
                   "local long, bad = ('x'):rep(1e5), '\"' .. ('x'):rep(1e5)\n"
                   "many.k500 = {long, print} for i = 1, 1000 do\n"
                   "assert(not pcall(json.encode, many)) assert(not pcall(cjson.encode, many))\n"
                   "assert(not pcall(cjson.decode, bad)) assert(json.decode(bad) == nil) end\n"
                   "return 'all' end",
                   4 * MIB, &answer, &err);
    assert_true(ok);
    assert_string_equal(answer.text, "all");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cjson_encodes_as_the_field_knows_it),
        cmocka_unit_test(options_change_one_instance),
        cmocka_unit_test(errors_are_raised_with_the_place),
        cmocka_unit_test(the_safe_module_returns_nil_and_the_message),
        cmocka_unit_test(a_reset_vm_has_forgotten_options_and_lists),
        cmocka_unit_test(failures_leave_nothing_in_the_heap),
    };

    return RUN_VM_TESTS(tests);
}
