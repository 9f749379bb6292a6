/* lua_rows.h - runs tables of Lua expressions in a state that can require the natives. */
/* SPDX-License-Identifier: MIT */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "native.h"

#include <luajit-2.1/lualib.h>

/* An expression, and what tostring makes of its value, or a part of the error that it raises. */
struct lua_row {
    const char *expression;
    const char *expected;
};

static inline int l_require(lua_State *L)
{
    const char *name = luaL_checkstring(L, 1);
    const struct native *native = native_find(name);
    if (!native)
        return luaL_error(L, "no native is called %s", name);
    l_native_push(L, native);
    return 1;
}

/* The natives stand ready as globals too, for short rows. */
static inline void lua_rows_prepare(lua_State *L)
{
    luaL_openlibs(L);
    lua_register(L, "require", l_require);
    for (size_t i = 0; natives[i]; i++) {
        l_native_push(L, natives[i]);
        lua_setglobal(L, natives[i]->name);
    }
}

static inline int lua_rows_setup(void **state)
{
    lua_State *L = luaL_newstate();
    if (!L)
        return -1;
    lua_rows_prepare(L);
    *state = L;
    return 0;
}

static inline int lua_rows_teardown(void **state)
{
    lua_close(*state);
    return 0;
}

/* Runs `code`, which must not raise. Its one result, or nil, is left on the stack. */
static inline void lua_run(lua_State *L, const char *code)
{
    if (luaL_loadstring(L, code) != 0 || lua_pcall(L, 0, 1, 0) != 0)
        fail_msg("%s\nin %s", lua_tostring(L, -1), code);
}

/* Evaluates `expression`: true, and its value as a string on the stack; or false, and the error. */
static inline bool lua_evaluate(lua_State *L, const char *expression)
{
    lua_pushfstring(L, "return tostring(%s)", expression);
    bool done = luaL_loadstring(L, lua_tostring(L, -1)) == 0 && lua_pcall(L, 0, 1, 0) == 0;
    lua_remove(L, -2);
    return done;
}

static inline void assert_values(lua_State *L, const struct lua_row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (!lua_evaluate(L, rows[i].expression))
            fail_msg("%s raised: %s", rows[i].expression, lua_tostring(L, -1));
        if (strcmp(lua_tostring(L, -1), rows[i].expected) != 0) {
            fail_msg("%s is %s, not %s", rows[i].expression, lua_tostring(L, -1), rows[i].expected);
        }
        lua_pop(L, 1);
    }
}

static inline void assert_errors(lua_State *L, const struct lua_row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (lua_evaluate(L, rows[i].expression))
            fail_msg("%s did not raise: %s", rows[i].expression, lua_tostring(L, -1));
        if (!strstr(lua_tostring(L, -1), rows[i].expected)) {
            fail_msg("%s raised: %s, without: %s", rows[i].expression, lua_tostring(L, -1),
                     rows[i].expected);
        }
        lua_pop(L, 1);
    }
}

#define ASSERT_VALUES(L, rows) assert_values(L, rows, sizeof(rows) / sizeof((rows)[0]))
#define ASSERT_ERRORS(L, rows) assert_errors(L, rows, sizeof(rows) / sizeof((rows)[0]))

#define LUA_TEST(name) cmocka_unit_test_setup_teardown(name, lua_rows_setup, lua_rows_teardown)
