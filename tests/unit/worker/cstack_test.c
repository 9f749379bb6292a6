/* cstack_test.c - Lua code that calls itself through C gets deep enough, and no deeper. */
/* SPDX-License-Identifier: MIT */
#include "vm_rows.h"

static void what_calls_itself_through_c_raises_in_time(void **state)
{
    static const struct row rows[] = {
        {"(function() local function f(c) return (c:gsub('.', f)) end return f('x') end)()",
         "C stack overflow"},
        {"(function() local t t = setmetatable({}, {__index = function(_, k) return (k:gsub('.', "
         "t)) "
         "end}) return t.x end)()",
         "C stack overflow"},
        {"(function() local function f() table.sort({1, 2}, f) end f() end)()", "C stack overflow"},
        {"(function() local mt = {} function mt.__lt() table.sort({setmetatable({}, mt), "
         "setmetatable({}, mt)}) return true end return mt.__lt() end)()",
         "C stack overflow"},
        {"(function() local mt = {} function mt.__tostring(x) local s = ('%s'):format(x) return s "
         "end "
         "return tostring(setmetatable({}, mt)) end)()",
         "C stack overflow"},
        {"(function() local function f() load(f) end f() end)()", "C stack overflow"},
        {"(function() local mt = {} function mt.__tostring(x) print(x) return '' end return "
         "tostring(setmetatable({}, mt)) end)()",
         "C stack overflow"},
        {"(function() local function f() return coroutine.wrap(f)() end return f() end)()",
         "C stack overflow"},
        {"(function() local function f() return (('x'):gsub('.', coroutine.wrap(f))) end return "
         "f() "
         "end)()",
         "C stack overflow"},
    };

    (void)state;
    EXPECT_ERRORS(rows);
}

/* What it gets to is more than half of what Lua's own limit, 200, lets it get to. */
static void some_hundred_calls_are_no_matter(void **state)
{
    static const struct row rows[] = {
        {"(function() local n = 0 local function f(c) n = n + 1 return n < 100 and c:gsub('.', f) "
         "or "
         "'end' end return f('x') end)()",
         "end"},
        {"(function() local n = 0 local function f() n = n + 1 if n < 200 then "
         "return coroutine.wrap(f)() end return 'end' end return f() end)()",
         "end"},
        {"select(2, coroutine.resume(coroutine.create(function() local function f() return "
         "select(2, coroutine.resume(coroutine.create(f))) end return f() end)))",
         "C stack overflow"},
        {"(function() local function f(c) return (c:gsub('.', f)) end for i = 1, 1000 do pcall(f, "
         "'x') "
         "end return (('x'):gsub('.', function(c) return c .. 'y' end)) end)()",
         "xy"},
    };

    (void)state;
    EXPECT_VALUES(rows);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_calls_itself_through_c_raises_in_time),
        cmocka_unit_test(some_hundred_calls_are_no_matter),
    };

    return RUN_VM_TESTS(tests);
}
