/* sandbox.c - what base does otherwise here. */
/* SPDX-License-Identifier: MIT */
#include "worker/sandbox.h"

#include <luajit-2.1/lauxlib.h>
#include <string.h>

#include "native.h"
#include "worker/cstack.h"
#include "worker/libraries.h"
#include "worker/output.h"
#include "worker/require.h"
#include "worker/vm.h"

static const char park_mark;

void l_push_park_mark(lua_State *L)
{
    lua_pushlightuserdata(L, (void *)&park_mark);
}

int is_park_mark(lua_State *L, int index)
{
    return lua_touserdata(L, index) == &park_mark;
}

/* -- Replaced functions ---------------------------------------------------------------------- */

/* The pieces that a load function returns, as one string at index 1. */
static void l_gather(lua_State *L)
{
    luaL_Buffer text;

    luaL_buffinit(L, &text);
    for (;;) {
        l_cstack_check(L);
        lua_pushvalue(L, 1);
        lua_call(L, 0, 1);
        if (lua_isnil(L, -1) || (lua_isstring(L, -1) && lua_objlen(L, -1) == 0))
            break;
        if (!lua_isstring(L, -1))
            luaL_error(L, "load: the reader must return a string");
        luaL_addvalue(&text);
    }
    lua_pop(L, 1);
    luaL_pushresult(&text);
    lua_replace(L, 1);
}

/* In pieces, between which it is asked whether to go on. */
static const char *next_piece(lua_State *L, void *rest, size_t *len)
{
    enum { PIECE_MAX = 16 << 10 };
    struct str *text = rest;
    const char *piece = text->at;

    (void)L;
    *len = text->len < PIECE_MAX ? text->len : PIECE_MAX;
    text->at += *len;
    text->len -= *len;
    return *len && !native_stopped() ? piece : NULL;
}

static int l_load_failed(lua_State *L)
{
    lua_pushnil(L);
    lua_insert(L, -2);
    return 2;
}

/* load(text or function, name, mode, environment): as Lua's, but text only. Everything is checked
 * before anything is compiled: lua_setfenv takes any value for a table. */
static int l_load(lua_State *L)
{
    struct str text;

    lua_settop(L, 4);
    const char *mode = luaL_optstring(L, 3, "t");
    if (!lua_isnil(L, 4))
        luaL_checktype(L, 4, LUA_TTABLE);
    if (lua_isfunction(L, 1))
        l_gather(L);
    text.at = luaL_checklstring(L, 1, &text.len);
    const char *name = luaL_optstring(L, 2, text.at);
    if (!strchr(mode, 't')) {
        lua_pushliteral(L, "attempt to load a text chunk (the mode must contain \"t\")");
        return l_load_failed(L);
    }
    if (lua_loadx(L, next_piece, &text, name, "t") != 0)
        return l_load_failed(L);
    if (!lua_isnil(L, 4)) {
        lua_pushvalue(L, 4);
        lua_setfenv(L, -2);
    }
    return 1;
}

/* -- Opening --------------------------------------------------------------------------------- */

static void l_replace(lua_State *L)
{
    static const luaL_Reg replaced[] = {
        {"print", l_print}, {"load", l_load}, {"loadstring", l_load}, {"require", l_require}};

    for (size_t i = 0; i < sizeof(replaced) / sizeof(*replaced); i++) {
        lua_pushcfunction(L, replaced[i].func);
        lua_setglobal(L, replaced[i].name);
    }
}

void l_sandbox_open(lua_State *L, unsigned libraries)
{
    l_libraries_begin(L);
    lua_newtable(L);
    lua_rawseti(L, LUA_REGISTRYINDEX, SLOT_LOADED);
    l_replace(L);
    l_libraries_open(L, libraries);
}
