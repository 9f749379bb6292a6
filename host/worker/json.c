/* json.c - what functions get by require "json", and what the host encodes. */
/* SPDX-License-Identifier: MIT */
#include "worker/json.h"

#include <luajit-2.1/lauxlib.h>

#include "worker/heap.h"
#include "worker/json_encode.h"
#include "worker/sandbox.h"
#include "worker/vm.h"

/* -- Lists ----------------------------------------------------------------------------------- */

/* The mark is a metatable without fields. It is not locked: programs may give a decoded list a
 * metatable of their own. */
void l_json_mark_list(lua_State *L)
{
    lua_rawgeti(L, LUA_REGISTRYINDEX, SLOT_LIST);
    if (lua_isnil(L, -1)) {
        lua_pop(L, 1);
        lua_newtable(L);
        lua_pushvalue(L, -1);
        lua_rawseti(L, LUA_REGISTRYINDEX, SLOT_LIST);
    }
    lua_setmetatable(L, -2);
}

bool l_json_is_list(lua_State *L, int index)
{
    if (!lua_getmetatable(L, index))
        return false;
    lua_rawgeti(L, LUA_REGISTRYINDEX, SLOT_LIST);
    bool marked = lua_rawequal(L, -1, -2);
    lua_pop(L, 2);
    return marked;
}

/* -- Encoding -------------------------------------------------------------------------------- */

bool l_json_encode(lua_State *L, int index, size_t max, struct buf *out, struct err *err)
{
    struct json_text text;
    bool ok = l_json_build(L, index, &json_strict, vm_of(L)->heap, max, &text, err);

    if (ok)
        buf_put(out, text.at, text.len);
    json_text_fini(&text);
    return ok;
}

/* -- The module ------------------------------------------------------------------------------ */

static int l_decode(lua_State *L)
{
    struct str text;

    text.at = luaL_checklstring(L, 1, &text.len);
    return l_json_decode(L, text);
}

static int l_encode(lua_State *L)
{
    struct json_text text;
    struct err err;
    struct heap *heap = vm_of(L)->heap;

    luaL_checkany(L, 1);
    bool ok = l_json_build(L, 1, &json_strict, heap, heap_limit_bytes(heap), &text, &err);
    if (ok)
        lua_pushlstring(L, text.at, text.len);
    json_text_fini(&text);
    return ok ? 1 : luaL_error(L, "json.encode: %s", err.text);
}

static int l_array(lua_State *L)
{
    if (lua_isnoneornil(L, 1)) {
        lua_settop(L, 0);
        lua_newtable(L);
    }
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 1);
    l_json_mark_list(L);
    return 1;
}

void l_json_push(lua_State *L)
{
    lua_createtable(L, 0, 4);
    lua_pushcfunction(L, l_decode);
    lua_setfield(L, -2, "decode");
    lua_pushcfunction(L, l_encode);
    lua_setfield(L, -2, "encode");
    lua_pushcfunction(L, l_array);
    lua_setfield(L, -2, "array");
    lua_pushlightuserdata(L, NULL);
    lua_setfield(L, -2, "null");
}
