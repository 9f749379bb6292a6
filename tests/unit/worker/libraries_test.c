/* libraries_test.c - a text finds every library it can reach, and others are not opened for it. */
/* SPDX-License-Identifier: MIT */
#include "vm_fixture.h"

#include <luajit-2.1/lualib.h>

#include "worker/compiler.h"
#include "worker/libraries.h"

static struct answer answer;

static void assert_answers(const char *source, const char *expected)
{
    struct err err;

    if (!ask_source(source, 8 * MIB, &answer, &err))
        fail_msg("%s\nraised: %s", source, err.text);
    if (strcmp(answer.text, expected) != 0)
        fail_msg("%s\nis %s, not %s", source, answer.text, expected);
}

static void every_way_to_a_library_finds_it_open(void **state)
{
    static const char *const sources[][2] = {
        {"return function() return math.floor(1.5) end", "1"},
        {"local m = math return function() return m.max(1, 2) end", "2"},
        {"return function() return _G['ma' .. 'th'].floor(1.5) end", "1"},
        {"return function() return load('return ma' .. 'th.floor(1.5)')() end", "1"},
        {"return function() return loadstring('return ma' .. 'th.floor(1.5)')() end", "1"},
        {"return function() return table.concat({1, 2}) end", "12"},
        {"return function() return bit.band(7, 3) end", "3"},
        {"return function() return type(os.time()) end", "number"},
        {"return function() return string.rep('a', 3) end", "aaa"},
        {"return function() return ('a'):rep(3) end", "aaa"},
        {"return function() return ('a').rep('b', 3) end", "bbb"},
        {"return function() return ('a')['re' .. 'p']('b', 3) end", "bbb"},
        {"local s = '' local f = s.byte return function() return f('a') end", "97"},
        {"return function() return select(2, pcall(function() return ('x'):upper() end)) end", "X"},
        {"return function() local n = 0 for _ in ('a,b'):gmatch('%a') do n = n + 1 end return n "
         "end",
         "2"},
        {"return function() return coroutine.wrap(function() return 4 end)() end", "4"},
        {"return function() local n = 0 for k in pairs(_G) do n = n + (k == 'math' and 1 or 0) end "
         "return n end",
         "1"},
        {"return function() return getfenv()['ma' .. 'th'].floor(1.5) end", "1"},
        {"return function() return package.loaded['ma' .. 'th'].floor(1.5) end", "1"},
        {"return function() return require('ma' .. 'th').floor(1.5) end", "1"},
        {"return function() return require('_' .. 'G').type(1) end", "number"},
        {"-- math: named in a comment only\nreturn function() return 5 end", "5"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(sources); i++)
        assert_answers(sources[i][0], sources[i][1]);
}

static void what_is_left_out_stays_out_however_a_library_was_opened(void **state)
{
    static const char *const sources[][2] = {
        {"return function() return string.dump end", "nil"},
        {"return function() return ('').dump end", "nil"},
        {"return function() local s = ('x'):rep(2) return (s).dump end", "nil"},
        {"return function() return getmetatable('') end", "false"},
        {"return function() local s = ('x'):rep(2) return getmetatable(s) end", "false"},
        {"return function() return os.execute or os.exit or os.remove or os.rename end", "nil"},
        {"return function() return _G.jit or _G.ffi or _G.module or _G.newproxy end", "nil"},
        {"return function() return io.popen or io.tmpfile or io.output or io.close end", "nil"},
        {"return function() return debug.sethook or debug.getlocal or debug.getupvalue end", "nil"},
        {"return function() return debug.getregistry or debug.setupvalue or debug.getfenv end",
         "nil"},
        {"return function() return package.loadlib or package.loaders or package.seeall end",
         "nil"},
        {"return function() return ('a').nothing end", "nil"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(sources); i++)
        assert_answers(sources[i][0], sources[i][1]);
}

static void a_text_names_only_what_its_words_are(void **state)
{
    const unsigned table = libraries_named(STR("table")), math = libraries_named(STR("math"));

    (void)state;
    assert_int_equal(libraries_named(STR("")), 0);
    assert_int_equal(libraries_named(STR("return function() return {} end")), 0);
    assert_int_equal(libraries_named(STR("mathx xmath math_ _math math2 tables m.ath \xc3math")),
                     0);
    assert_int_not_equal(table, 0);
    assert_int_not_equal(math, 0);
    assert_int_not_equal(table, math);
    assert_int_equal(libraries_named(STR("x=math.floor(table.maxn(y))")), table | math);
    assert_int_equal(libraries_named(STR("(math)")), math);
    assert_true(libraries_named(STR("x = _G")) == LIBRARIES_ALL);
    assert_true(libraries_named(STR("load(x)")) == LIBRARIES_ALL);
    assert_true(libraries_named(STR("loadstring(x)")) == LIBRARIES_ALL);
    assert_true(libraries_named(STR("getfenv(1)")) == LIBRARIES_ALL);
    assert_true(libraries_named(STR("setfenv(1, x)")) == LIBRARIES_ALL);
    assert_true(libraries_named(STR("package.loaded")) == LIBRARIES_ALL);
    assert_int_equal(libraries_named(STR("loads _Gx reload")), 0);
}

/* Where the stack ends there is no room to open a library: that fails as any call does there. */
static void a_library_opened_at_the_end_of_the_stack_is_whole(void **state)
{
    static const char source[] =
        "local failed = 0\n"
        "local function fill(n) return 1 + fill(n) end\n" /* ends before the stack's last tenth */
        "local function try() return ('x').upper end\n"
        "local function deep(n)\n"
        "  pcall(deep, n + 1)\n"
        "  if not pcall(try) then failed = failed + 1 end\n"
        "end\n"
        "return function()\n"
        "  pcall(fill, 1)\n"
        "  pcall(deep, 1)\n"
        "  return ('x'):upper() .. tostring(('x').dump) .. tostring(getmetatable('')) ..\n"
        "         tostring(failed > 0)\n"
        "end";

    (void)state;
    assert_answers(source, "Xnilfalsetrue");
}

static void a_byte_order_mark_is_no_letter(void **state)
{
    (void)state;
    assert_answers("\xEF\xBB\xBFmath.randomseed(1) return function() return math.floor(1.5) end",
                   "1");
}

/* What a function makes of a name that it does not read as a library is its own. */
static void a_global_of_the_functions_own_survives_a_late_opening(void **state)
{
    (void)state;
    assert_answers("string = nil\nreturn function() return string == nil and ('a'):rep(2) end",
                   "aa");
}

static void random_numbers_differ_between_states(void **state)
{
    static const char source[] = "return function() return math.random(1, 1e15) end";
    char first[ANSWER_BYTES];
    struct err err;

    (void)state;
    assert_true(ask_source(source, 8 * MIB, &answer, &err));
    memcpy(first, answer.text, sizeof(first));
    assert_true(ask_source(source, 8 * MIB, &answer, &err));
    assert_string_not_equal(first, answer.text);
}

static int l_open_compiler(lua_State *L)
{
    size_t *counts = lua_touserdata(L, 1);

    lua_settop(L, 0);
    luaopen_base(L);
    int top = lua_gettop(L), kib = lua_gc(L, LUA_GCCOUNT, 0), bytes = lua_gc(L, LUA_GCCOUNTB, 0);
    compiler_open(L);
    counts[0] = (size_t)(lua_gettop(L) - top);
    counts[1] = (size_t)(lua_gc(L, LUA_GCCOUNT, 0) - kib) * 1024 +
                (size_t)(lua_gc(L, LUA_GCCOUNTB, 0) - bytes);
    lua_getfield(L, LUA_REGISTRYINDEX, "_LOADED");
    lua_getfield(L, -1, LUA_JITLIBNAME);
    counts[2] = !lua_isnil(L, -1);
    return 0;
}

/* That it compiles then is seen by layout_test. */
static void the_compiler_is_opened_without_its_library(void **state)
{
    size_t counts[3]; /* values, bytes, libraries */
    lua_State *L = luaL_newstate();

    (void)state;
    assert_int_equal(lua_cpcall(L, l_open_compiler, counts), 0);
    assert_int_equal(counts[0], 0);
    assert_int_equal(counts[1], 0);
    assert_int_equal(counts[2], 0);
    lua_close(L);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_way_to_a_library_finds_it_open),
        cmocka_unit_test(what_is_left_out_stays_out_however_a_library_was_opened),
        cmocka_unit_test(a_text_names_only_what_its_words_are),
        cmocka_unit_test(a_library_opened_at_the_end_of_the_stack_is_whole),
        cmocka_unit_test(a_byte_order_mark_is_no_letter),
        cmocka_unit_test(a_global_of_the_functions_own_survives_a_late_opening),
        cmocka_unit_test(random_numbers_differ_between_states),
        cmocka_unit_test(the_compiler_is_opened_without_its_library),
    };

    return RUN_VM_TESTS(tests);
}
