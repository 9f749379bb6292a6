/* cstack_test.c - Lua code that calls itself through C gets deep enough, and no deeper. */
/* SPDX-License-Identifier: MIT */
#include "vm_rows.h"

#include "worker/cstack.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { SANITIZED = 1 };
#else
enum { SANITIZED = 0 };
#endif

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

/* Each way from Lua code into C and back, followed without end: a text that defines f, to be
 * called. The Lua stack, the C stack or the heap is full in the end; none ends the process. */
static const char *const ways[] = {
    "tostring = nil setmetatable(_G, {__index = function() print(1) end}) function f() "
    "print(1) end",
    "function tostring() print(1) end function f() print(1) end",
    "local t t = setmetatable({}, {__index = function() return os.time(t) end}) "
    "function f() return os.time(t) end",
    "function f() return table.sort({3, 1, 2}, f) end",
    "local m = {} m.__lt = function(a) table.sort({a, a, a}) end "
    "function f() return m.__lt(setmetatable({}, m)) end",
    "local m = {} m.__le = function(a, b) return a <= b end "
    "function f() return setmetatable({}, m) <= setmetatable({}, m) end",
    "local m = {} m.__eq = function(a, b) return a == b end "
    "function f() return setmetatable({}, m) == setmetatable({}, m) end",
    "local m = {} m.__index = function(t, k) return t[k] .. 'x' end "
    "function f() return setmetatable({}, m).x end",
    "local m = {} m.__newindex = function(t, k, v) t[k] = v return 1 end "
    "function f() setmetatable({}, m).x = 1 end",
    "local m = {} m.__call = function(t) return (t()) end "
    "function f() return (setmetatable({}, m)()) end",
    "local m = {} m.__concat = function(a, b) return (a .. b) end "
    "function f() return setmetatable({}, m) .. 'x' end",
    "local m = {} m.__add = function(a, b) return a + b + 1 end "
    "function f() return setmetatable({}, m) + 1 end",
    "local m = {} m.__unm = function(a) return -(-a) end "
    "function f() return -setmetatable({}, m) end",
    "local m = {} m.__tostring = function(t) return tostring(t) .. 'x' end "
    "function f() return tostring(setmetatable({}, m)) end",
    "local m = {} m.__tostring = function(t) return ('%s'):format(t) .. 'x' end "
    "function f() return ('%s'):format(setmetatable({}, m)) end",
    "function f(c) return (('x'):gsub('.', f)) end",
    "local t t = setmetatable({}, {__index = function() return (('x'):gsub('.', t)) end}) "
    "function f() return (('x'):gsub('.', t)) end",
    "function f() return load(f) end",
    "function f() local ok, e = pcall(f) error(e, 0) end",
    "function f() local ok, e = xpcall(f, function(e) return e end) error(e, 0) end",
    /* LuaJIT calls no hooks in an error's handler, so the error "stack overflow" cannot come there:
     * the stack that may not grow further is "not enough memory". */
    "function f() local ok, e = xpcall(error, f) error(tostring(e), 0) end",
    "function f() return coroutine.wrap(f)() end",
    /* LuaJIT's assert puts "probe.lua:1: " before the text of each of 3,000 levels, and collects no
     * garbage while errors are raised: together these texts take more than 64 MiB. */
    "function f() return select(2, assert(coroutine.resume(coroutine.create(f)))) end",
    "function f() return coroutine.wrap(function() return (('x'):gsub('.', f)) end)() end",
    "function f() return coroutine.wrap(function() table.sort({2, 1}, f) end)() end",
    "function f() local ok, e = pcall(coroutine.wrap(f)) error(e, 0) end",
    "local j = require('json') local m = {} m.__index = function(t, k) return j.encode(t) end "
    "m.__tostring = m.__index function f() return tostring(setmetatable({}, m)) .. f() end",
    "function f() return debug.traceback(f()) end",
    "function f() return next({}, f()) end",
    "local m = {} m.__index = function(t) return rawget(t, t.x) end "
    "function f() return setmetatable({}, m).x end",
};

static void every_way_into_c_has_an_end(void **state)
{
    (void)state;
    assert_true(cstack_guard());
    for (size_t i = 0; i < COUNT(ways); i++)
        for (int in_coroutine = 0; in_coroutine <= 1; in_coroutine++) {
            char source[1024];
            struct answer answer;
            struct err err = {.code = ERR_NONE};

            snprintf(source, sizeof(source), "%s return function() return %s end", ways[i],
                     in_coroutine ? "coroutine.wrap(f)()" : "f()");
            if (ask_source(source, 64 * MIB, &answer, &err) ||
                (err.code != ERR_MEMORY_LIMIT && !strstr(err.text, "stack overflow") &&
                 !strstr(err.text, "not enough memory")))
                fail_msg("%s: %s", source, err.text);
        }
}

/* -- The end of the stack -------------------------------------------------------------------- */

/* C code that does not check. */
static int l_call_unchecked(lua_State *L)
{
    volatile char frame[16 << 10];

    frame[0] = 1;
    lua_settop(L, 1);
    lua_pushvalue(L, 1);
    lua_pushvalue(L, 1);
    lua_call(L, 1, 0);
    return frame[0];
}

static int l_offer(lua_State *L)
{
    lua_pushcfunction(L, l_call_unchecked);
    lua_setglobal(L, "unchecked");
    return 0;
}

static void a_full_stack_ends_the_call_alone(void **state)
{
    static const char *const sources[] = {
        "return function() local function f() unchecked(f) end f() end",
        "return function() local function f() pcall(unchecked, f) end f() end",
        "return function() local function f() coroutine.wrap(unchecked)(f) end f() end",
        "return function() local function f() for i = 1, 100 do load('return ' .. i) end "
        "unchecked(f) end f() end",
        "return function() local t = setmetatable({}, {__index = function(t) unchecked(function() "
        "return t.x end) end}) return t.x end",
    };

    (void)state;
    assert_true(cstack_guard()); /* in place of cmocka's handler for this test */
    for (int round = 0; round < (SANITIZED ? 0 : 20); round++)
        for (size_t i = 0; i < COUNT(sources); i++) {
            struct code *code = code_of(sources[i]);
            struct answer answer;
            struct err err;
            struct vm *vm = vm_open(code, 32 * MIB, &err);

            assert_non_null(vm);
            assert_true(vm_protect(vm, l_offer, NULL, &err));
            if (ask(vm, &answer, &err) || err.code != ERR_FUNCTION_ERROR)
                fail_msg("%s: %s", sources[i], err.text);
            expect_contains(err.text, "stack overflow");
            vm_close(vm);
            code_drop(code);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_calls_itself_through_c_raises_in_time),
        cmocka_unit_test(some_hundred_calls_are_no_matter),
        cmocka_unit_test(every_way_into_c_has_an_end),
        cmocka_unit_test(a_full_stack_ends_the_call_alone),
    };

    return RUN_VM_TESTS(tests);
}
