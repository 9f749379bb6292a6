/* environment_test.c - getfenv and setfenv reach a function's own code, and debug its own stack. */
/* SPDX-License-Identifier: MIT */
#include "vm_rows.h"

static void environments_are_those_of_lua(void **state)
{
    static const struct row rows[] = {
        {"getfenv() == _G and getfenv(1) == _G and getfenv(0) == _G", "true"},
        {"getfenv(print) == _G and getfenv(coroutine.wrap) == _G and getfenv(getfenv) == _G",
         "true"},
        {"getfenv(require('sha256').iterate) == _G", "true"},
        {"(function() local f = function() return x end setfenv(f, {x = 7}) return f() end)()",
         "7"},
        {"(function() local f = function() end local e = {} return setfenv(f, e) == f and "
         "getfenv(f) == e end)()",
         "true"},
        {"(function() setfenv(1, {x = 8}) return x end)()", "8"},
        {"(function() local function inner() setfenv(2, {x = 9}) end inner() return x end)()", "9"},
        {"(function() local t = setmetatable({}, {__index = _G}) local f = loadstring('y = 3') "
         "setfenv(f, t) f() return tostring(rawget(_G, 'y')) .. t.y end)()",
         "nil3"},
        {"(function() local e = {} return getfenv(load('return getfenv(1)', 'n', 't', e)) == e "
         "end)()",
         "true"},
        {"(function() local e = {getfenv = getfenv} local c = coroutine.create(load("
         "'return getfenv(1), getfenv(0)', 'n', 't', e)) local _, a, b = coroutine.resume(c) "
         "return a == e and b == _G end)()",
         "true"},
    };

    (void)state;
    EXPECT_VALUES(rows);
}

static void environments_of_others_stay_as_they_are(void **state)
{
    static const struct row rows[] = {
        {"setfenv(0, {})", "the environment of the whole state (level 0) cannot be changed"},
        {"setfenv(print, {})", "'setfenv' cannot change environment of given object"},
        {"setfenv(setfenv, {})", "cannot change environment"},
        {"setfenv(string.rep, {})", "cannot change environment"},
        {"setfenv(require('gzip').compress, {})", "cannot change environment"},
        {"setfenv(coroutine.wrap, {})", "cannot change environment"},
        {"setfenv(coroutine.resume, {})", "cannot change environment"},
        {"setfenv(coroutine.wrap(print), {})", "cannot change environment"},
        {"error(select(2, pcall(setfenv, 1, {})))", "cannot change environment"},
        {"(setfenv(2, {}))", "cannot change environment"},
        {"setfenv(1000, {})", "invalid level"},
        {"setfenv(-1, {})", "level must be non-negative"},
        {"setfenv(0/0, {})", "level must be non-negative"},
        {"setfenv(2^53, {})", "invalid level"},
        {"setfenv(1/0, {})", "invalid level"},
        {"getfenv(-1)", "level must be non-negative"},
        {"getfenv(2^40)", "invalid level"},
        {"getfenv({})", "bad argument #1"},
        {"setfenv({}, {})", "bad argument #1"},
        {"setfenv()", "bad argument #2"},
        {"setfenv(function() end, 42)", "bad argument #2"},
        {"setfenv(function() end)", "bad argument #2"},
    };

    (void)state;
    EXPECT_ERRORS(rows);
}

/* -- debug ----------------------------------------------------------------------------------- */

static void tracebacks_show_the_own_stack(void **state)
{
    static const struct row rows[] = {
        {"(debug.traceback('m', 1))",
         "m\nstack traceback:\n\tprobe.lua:2: in function <probe.lua:2>"},
        {"debug.traceback(5):sub(1, 2)", "5\n"},
        {"debug.traceback():sub(1, 16)", "stack traceback:"},
        {"debug.traceback(false)", "false"},
        {"debug.traceback(nil, 1000)", "stack traceback:"},
        {"debug.traceback('x', -5)", "x\nstack traceback:"},
        {"debug.traceback('x', 0/0)", "x\nstack traceback:"},
        {"debug.traceback('x', 2^60)", "x\nstack traceback:"},
        {"select(2, xpcall(function() error('no', 0) end, debug.traceback)):match('^no\\n"
         "stack traceback:\\n\\t%[C%]: in function .error.\\n\\tprobe.lua:2: in function ') ~= nil",
         "true"},
        {"(function() local c = coroutine.create(function() local x = 1 coroutine.yield(x) end) "
         "coroutine.resume(c) return debug.traceback(c) end)()",
         "stack traceback:\n\t[C]: in function 'yield'\n\tprobe.lua:2: in function <probe.lua:2>"},
        {"debug.traceback(coroutine.create(print), 'm')", "m\nstack traceback:"},
        {"select(2, (function() local function f(n) if n == 0 then return debug.traceback() end "
         "local s = f(n - 1) return s end return f(100) end)():gsub('\\n', ''))",
         "22"},
        {"debug.traceback('m', 0):find('0x') or debug.traceback('m', 0):find('builtin')", "nil"},
    };

    (void)state;
    EXPECT_VALUES(rows);
}

static void information_has_no_functions(void **state)
{
    static const struct row rows[] = {
        {"debug.getinfo(1).short_src .. debug.getinfo(1, 'l').currentline", "probe.lua2"},
        {"debug.getinfo(1, 'S').what .. debug.getinfo(1, 'S').source", "Lua@probe.lua"},
        {"debug.getinfo(print).what", "C"},
        {"debug.getinfo(1).func", "nil"},
        {"debug.getinfo(1, 'S').currentline", "nil"},
        {"debug.getinfo(1000)", "nil"},
        {"debug.getinfo(-1)", "nil"},
        {"debug.getinfo(0/0)", "nil"},
        {"debug.getinfo(0, 'n').name", "getinfo"},
        {"debug.getinfo(function() end, 'u').nups", "0"},
        {"debug.getinfo(coroutine.create(print), 0)", "nil"},
        {"debug.gethook()", "external hook"},
    };
    static const struct row refused[] = {
        {"debug.getinfo(1, 'f')", "invalid option"},
        {"debug.getinfo(1, 'L')", "invalid option"},
        {"debug.getinfo(print, '>S')", "invalid option"},
        {"debug.getinfo(1, '>S')", "invalid option"},
        {"debug.getinfo(1, ('S'):rep(17))", "invalid option"},
        {"debug.getinfo()", "bad argument #1"},
        {"debug.getinfo({})", "bad argument #1"},
        {"debug.getinfo(coroutine.create(print))", "bad argument #2"},
    };

    (void)state;
    EXPECT_VALUES(rows);
    EXPECT_ERRORS(refused);
}

static void the_metatable_of_strings_goes_and_comes_back(void **state)
{
    static const struct row rows[] = {
        {"(function() debug.setmetatable('', nil) local ok = pcall(function() return ('x'):rep(2) "
         "end) debug.setmetatable('', false) return tostring(ok) .. ('x'):rep(2) end)()",
         "falsexx"},
        {"(function() local d, p = debug, pcall d.setmetatable('', nil) d.setmetatable('', nil) "
         "d.setmetatable('', false) d.setmetatable('', false) return ('a').rep('b', 2) .. "
         "tostring(getmetatable('')) end)()",
         "bbfalse"},
        {"(function() debug.setmetatable('', false) return ('x'):upper() end)()", "X"},
    };
    static const struct row refused[] = {
        {"debug.setmetatable('', {})", "nil or false expected"},
        {"debug.setmetatable('')", "nil or false expected"},
        {"debug.setmetatable({}, nil)", "bad argument #1"},
        {"debug.setmetatable(print, {})", "bad argument #1"},
        {"debug.setmetatable(json.array(), nil)", "bad argument #1"},
    };

    (void)state;
    EXPECT_VALUES(rows);
    EXPECT_ERRORS(refused);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(environments_are_those_of_lua),
        cmocka_unit_test(environments_of_others_stay_as_they_are),
        cmocka_unit_test(tracebacks_show_the_own_stack),
        cmocka_unit_test(information_has_no_functions),
        cmocka_unit_test(the_metatable_of_strings_goes_and_comes_back),
    };

    return RUN_VM_TESTS(tests);
}
