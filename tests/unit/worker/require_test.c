/* require_test.c - require finds what Lua's would, and package shows it. */
/* SPDX-License-Identifier: MIT */
#include "vm_rows.h"

static const struct row modules[] = {
    {"plain", "return {name = ...}"},
    {"text.words", "return {name = ...}"},
    {"pl", "return 'file'"},
    {"pl.init", "return 'folder'"},
    {"kit.init", "return {name = ...}"},
    {"Camel-Case_1", "return 'odd name'"},
    {"json", "return 'own json'"},
    {"gzip", "return 'own gzip'"},
    {"table.new", "return 'own table.new'"},
    {"string", "return 'own string'"},
    {"io", "return 'own io'"},
    {"silent", "count = (count or 0) + 1"},
    {"sets", "package.loaded[...] = 'set by itself'"},
    {"both", "package.loaded[...] = 'set' return 'returned'"},
    {"peeks", "return {package.loaded[...]}"},
    {"self", "return require 'self'"},
    {"late", "return {upper = ('x'):upper(), floor = math.floor(1.5)}"},
};

static void answer_of(const char *expression, struct answer *answer, struct err *err, bool *ok)
{
    char source[2048];

    snprintf(source, sizeof(source), "return function() return %s\nend", expression);
    struct code *code = code_with_modules(source, modules, COUNT(modules));
    struct vm *vm = vm_open(code, 8 * MIB, err);

    *ok = vm && ask(vm, answer, err);
    vm_close(vm);
    code_drop(code);
}

static void expect_all(const struct row *rows, size_t count, bool succeeds)
{
    for (size_t i = 0; i < count; i++) {
        struct answer answer;
        struct err err = {.code = ERR_NONE};
        bool ok;

        answer_of(rows[i].expression, &answer, &err, &ok);
        if (ok != succeeds)
            fail_msg("%s: %s", rows[i].expression, ok ? answer.text : err.text);
        if (succeeds)
            assert_string_equal(answer.text, rows[i].expected);
        else
            expect_contains(err.text, rows[i].expected);
    }
}

static void a_module_is_found_where_lua_would_find_it(void **state)
{
    static const struct row rows[] = {
        {"require('plain').name", "plain"},
        {"require('text.words').name", "text.words"},
        {"require 'pl'", "file"},
        {"require 'pl.init'", "folder"},
        {"require('kit').name", "kit"},
        {"require 'Camel-Case_1'", "odd name"},
        {"require('plain') == require('plain')", "true"},
        {"require('late').upper .. require('late').floor", "X1"},
        {"require 'silent'", "true"},
        {"tostring(require 'silent') .. tostring(require 'silent') .. count", "truetrue1"},
        {"require 'sets'", "set by itself"},
        {"require 'both'", "returned"},
        {"#require 'peeks'", "0"},
    };

    (void)state;
    expect_all(rows, COUNT(rows), true);
}

static void the_libraries_of_lua_can_be_required(void **state)
{
    static const struct row rows[] = {
        {"require('ma' .. 'th') == math", "true"},
        {"require 'table' == table and require 'os' == os and require 'bit' == bit", "true"},
        {"require 'coroutine' == coroutine and require 'package' == package", "true"},
        {"require 'debug' == debug and require '_G' == _G and require 'io' == io", "true"},
        {"require('o' .. 's').execute", "nil"},
        {"require('o' .. 's').time() > 0", "true"},
        {"require('str' .. 'ing').dump", "nil"},
        {"(function() math = nil return require('math').floor(1.5) end)()", "1"},
        {"type(require 'table.new')", "function"},
        {"table.new == nil and require 'table.new' == table.new", "true"},
        {"#require('table.new')(4, 4)", "0"},
        {"(function() local t = {1, 2, x = 3} require('table.clear')(t) return next(t) end)()",
         "nil"},
        {"package.loaded.string == string and package.loaded._G == _G", "true"},
    };

    (void)state;
    EXPECT_VALUES(rows);
}

static void table_new_and_clear_check_their_arguments(void **state)
{
    static const struct row rows[] = {
        {"require 'table.new' (2^31 - 1, 0)", "table overflow"},
        {"require 'table.new' (-1, -1)", "table overflow"},
        {"require 'table.new' (0, 2^30)", "table overflow"},
        {"require 'table.new' ({}, 0)", "bad argument #1"},
        {"require 'table.new' (1)", "bad argument #2"},
        {"require 'table.clear' (1)", "bad argument #1"},
        {"require 'table.clear' ()", "bad argument #1"},
    };
    struct answer answer;
    struct err err;

    (void)state;
    EXPECT_ERRORS(rows);
    assert_false(evaluate("#require 'table.new' (2^26, 0)", &answer, &err));
    assert_int_equal(err.code, ERR_MEMORY_LIMIT);
}

/* It may not be passed over in silence: it wins, or it is refused. */
static void a_module_with_the_name_of_another_wins_or_is_refused(void **state)
{
    static const struct row wins[] = {
        {"require 'json'", "own json"},
        {"require 'gzip'", "own gzip"},
        {"require 'table.new'", "own table.new"},
        {"type(require('table.clear'))", "function"},
    };
    static const struct row refused[] = {
        {"require 'string'", "lib/string.lua has the name of one of Lua's own libraries, so it "
                             "cannot be required: give it another name"},
        {"require 'io'", "lib/io.lua has the name of one of Lua's own libraries"},
        {"require 'self'", "module \"self\" requires itself"},
    };

    (void)state;
    expect_all(wins, COUNT(wins), true);
    expect_all(refused, COUNT(refused), false);
}

static void package_decides_what_require_returns(void **state)
{
    static const struct row rows[] = {
        {"(function() package.loaded.plain = 5 return require 'plain' end)()", "5"},
        {"(function() package.loaded.new = 'n' return require 'new' end)()", "n"},
        {"(function() local a = require 'plain' package.loaded.plain = nil "
         "return a ~= require 'plain' and package.loaded.plain == require 'plain' end)()",
         "true"},
        {"(function() package.preload.plain = function(n) return n .. '!' end "
         "return require 'plain' end)()",
         "plain!"},
        {"(function() package.preload.made = function() end return require 'made' end)()", "true"},
        {"(function() package.preload.plain = 5 return require('plain').name end)()", "plain"},
        {"(function() local n = 0 package.preload.once = function() n = n + 1 return {} end "
         "return require 'once' == require 'once' and n end)()",
         "1"},
        {"(function() package.preload.bad = function() error('no', 0) end "
         "local a, b = pcall(require, 'bad') local c, d = pcall(require, 'bad') "
         "return b .. d end)()",
         "nono"},
        {"(function() package.preload.x = function() return require 'x' end "
         "return select(2, pcall(require, 'x')) end)()",
         "require: module \"x\" requires itself"},
        {"(function() setmetatable(package.loaded, {__index = error, __newindex = error}) "
         "return require('plain').name end)()",
         "plain"},
        {"(function() package.loaded, package.preload = nil return require('plain').name end)()",
         "plain"},
        {"package.config:sub(1, 1) .. package.path .. package.cpath", "/lib/?.lua;lib/?/init.lua"},
        {"package.loaded.json", "nil"},
        {"require 'plain' == package.loaded.plain", "true"},
    };

    (void)state;
    expect_all(rows, COUNT(rows), true);
}

/* Each takes C stack. */
static void loaders_that_require_each_other_do_not_overflow_the_stack(void **state)
{
    static const struct row rows[] = {
        {"(function() setmetatable(package.preload, nil) local n = 0 "
         "local function load() n = n + 1 package.preload['m' .. n] = load "
         "return require('m' .. n) end package.preload.m0 = load return require 'm0' end)()",
         "C stack overflow"},
    };

    (void)state;
    EXPECT_ERRORS(rows);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_module_is_found_where_lua_would_find_it),
        cmocka_unit_test(the_libraries_of_lua_can_be_required),
        cmocka_unit_test(table_new_and_clear_check_their_arguments),
        cmocka_unit_test(a_module_with_the_name_of_another_wins_or_is_refused),
        cmocka_unit_test(package_decides_what_require_returns),
        cmocka_unit_test(loaders_that_require_each_other_do_not_overflow_the_stack),
    };

    return RUN_VM_TESTS(tests);
}
