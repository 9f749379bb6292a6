/* sandbox.c - opening the allowed libraries. */
/* SPDX-License-Identifier: MIT */
#include "worker/sandbox.h"

#include <luajit-2.1/lauxlib.h>
#include <luajit-2.1/lualib.h>
#include <string.h>
#include <sys/random.h>

#include "base/buf.h"
#include "embedded_lua.h"
#include "native.h"
#include "worker/ctx.h"
#include "worker/json.h"
#include "worker/vm.h"

static const luaL_Reg libraries[] = {
    {"", luaopen_base},
    {LUA_TABLIBNAME, luaopen_table},
    {LUA_STRLIBNAME, luaopen_string},
    {LUA_MATHLIBNAME, luaopen_math},
    {LUA_BITLIBNAME, luaopen_bit},
    {LUA_OSLIBNAME, luaopen_os},
    {LUA_JITLIBNAME, luaopen_jit}, /* turns the compiler on; the table itself is taken away */
};

/* What those libraries have and functions do not get; a test compares what is left with a list. */
static const char *const globals_taken[] = {"dofile", "loadfile", "getfenv", "setfenv",
                                            "gcinfo", "newproxy", "module",  "jit"};
static const char *const os_kept[] = {"time", "date", "clock", "difftime"};

static const char park_mark, loading_mark;

void l_push_park_mark(lua_State *L)
{
    lua_pushlightuserdata(L, (void *)&park_mark);
}

int is_park_mark(lua_State *L, int index)
{
    return lua_touserdata(L, index) == &park_mark;
}

/* -- Replaced functions ---------------------------------------------------------------------- */

static int l_collectgarbage(lua_State *L)
{
    const char *what = luaL_optstring(L, 1, "collect");

    if (strcmp(what, "count") != 0)
        return luaL_error(L, "collectgarbage: only \"count\" is available, not \"%s\"", what);
    lua_pushnumber(L, lua_gc(L, LUA_GCCOUNT, 0) + lua_gc(L, LUA_GCCOUNTB, 0) / 1024.0);
    return 1;
}

static int l_print(lua_State *L)
{
    int count = lua_gettop(L);
    luaL_Buffer line;

    lua_getglobal(L, "tostring");
    luaL_buffinit(L, &line);
    for (int i = 1; i <= count; i++) {
        if (i > 1)
            luaL_addlstring(&line, "\t", 1);
        lua_pushvalue(L, count + 1);
        lua_pushvalue(L, i);
        lua_call(L, 1, 1);
        if (!lua_isstring(L, -1))
            return luaL_error(L, "print: tostring must return a string");
        luaL_addvalue(&line);
    }
    luaL_pushresult(&line);
    struct str text;
    text.at = lua_tolstring(L, -1, &text.len);
    ctx_log(L, LOG_INFO, text);
    return 0;
}

/* The pieces that a load function returns, as one string at index 1. */
static void l_gather(lua_State *L)
{
    luaL_Buffer text;

    luaL_buffinit(L, &text);
    for (;;) {
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

/* load(text or function, name, mode, environment): as Lua's, but text only. */
static int l_load(lua_State *L)
{
    size_t len;

    lua_settop(L, 4);
    if (lua_isfunction(L, 1))
        l_gather(L);
    const char *text = luaL_checklstring(L, 1, &len);
    const char *name = luaL_optstring(L, 2, text);
    if (luaL_loadbufferx(L, text, len, name, "t") != 0) {
        lua_pushnil(L);
        lua_insert(L, -2);
        return 2;
    }
    if (!lua_isnil(L, 4)) {
        lua_pushvalue(L, 4);
        lua_setfenv(L, -2);
    }
    return 1;
}

static int l_load_module(lua_State *L)
{
    struct chunk *module = lua_touserdata(L, 1);

    if (loader_load(L, module) != 0)
        return lua_error(L);
    lua_pushstring(L, module->name);
    lua_call(L, 1, 1);
    if (lua_isnil(L, -1))
        return luaL_error(L, "require: module \"%s\" returned nothing", module->name);
    return 1;
}

/* Pushes what the module returns. While it loads, SLOT_LOADED (at index 2) has the mark. */
static void l_require_module(lua_State *L, const char *name)
{
    struct chunk *module = loader_module(vm_of(L)->code, name);

    if (!module)
        luaL_error(L, "require: there is no native and no module lib/%s.lua called \"%s\"", name,
                   name);
    lua_pushlightuserdata(L, (void *)&loading_mark);
    lua_setfield(L, 2, name);
    lua_pushcfunction(L, l_load_module);
    lua_pushlightuserdata(L, module);
    if (lua_pcall(L, 1, 1, 0) == 0)
        return;
    lua_pushnil(L);
    lua_setfield(L, 2, name);
    lua_error(L);
}

static int l_require(lua_State *L)
{
    size_t len;
    const char *name = luaL_checklstring(L, 1, &len);
    const struct native *native;

    luaL_argcheck(L, strlen(name) == len, 1, "a module's name holds no NUL");
    lua_settop(L, 1);
    lua_rawgeti(L, LUA_REGISTRYINDEX, SLOT_LOADED);
    lua_getfield(L, 2, name);
    if (lua_touserdata(L, -1) == &loading_mark)
        return luaL_error(L, "require: module \"%s\" requires itself", name);
    if (!lua_isnil(L, -1))
        return 1;
    if ((native = native_find(name)))
        l_native_push(L, native);
    else if (strcmp(name, "json") == 0)
        l_json_push(L);
    else
        l_require_module(L, name);
    lua_pushvalue(L, -1);
    lua_setfield(L, 2, name);
    return 1;
}

/* -- Opening --------------------------------------------------------------------------------- */

static void l_open_libraries(lua_State *L)
{
    for (size_t i = 0; i < sizeof(libraries) / sizeof(*libraries); i++) {
        lua_pushcfunction(L, libraries[i].func);
        lua_pushstring(L, libraries[i].name);
        lua_call(L, 1, 0);
    }
}

static void l_trim_os(lua_State *L)
{
    lua_getglobal(L, LUA_OSLIBNAME);
    lua_createtable(L, 0, 4);
    for (size_t i = 0; i < sizeof(os_kept) / sizeof(*os_kept); i++) {
        lua_getfield(L, -2, os_kept[i]);
        lua_setfield(L, -2, os_kept[i]);
    }
    lua_setglobal(L, LUA_OSLIBNAME);
    lua_pop(L, 1);
}

static void l_take_away(lua_State *L)
{
    for (size_t i = 0; i < sizeof(globals_taken) / sizeof(*globals_taken); i++) {
        lua_pushnil(L);
        lua_setglobal(L, globals_taken[i]);
    }
    lua_getglobal(L, LUA_STRLIBNAME);
    lua_pushnil(L);
    lua_setfield(L, -2, "dump"); /* strings find it by their metatable too: the same table */
    lua_pop(L, 1);
    lua_pushliteral(L, "");
    lua_getmetatable(L, -1);
    lua_pushboolean(L, 0);
    lua_setfield(L, -2, "__metatable");
    lua_pop(L, 2);
}

static void l_replace(lua_State *L)
{
    static const luaL_Reg replaced[] = {{"collectgarbage", l_collectgarbage},
                                        {"print", l_print},
                                        {"load", l_load},
                                        {"loadstring", l_load},
                                        {"require", l_require}};

    for (size_t i = 0; i < sizeof(replaced) / sizeof(*replaced); i++) {
        lua_pushcfunction(L, replaced[i].func);
        lua_setglobal(L, replaced[i].name);
    }
}

static void l_run_prelude(lua_State *L)
{
    /* the worker's one copy of its bytecode */
    static struct chunk prelude = {.chunk_name = (char *)"@prelude.lua"};

    prelude.source = (char *)lua_prelude_text;
    prelude.source_len = lua_prelude_len;
    if (loader_load(L, &prelude) != 0)
        lua_error(L);
    l_push_park_mark(L);
    lua_call(L, 1, 0);
}

int l_sandbox_open(lua_State *L)
{
    l_open_libraries(L);
    lua_getglobal(L, LUA_MATHLIBNAME);
    lua_getfield(L, -1, "randomseed");
    lua_rawseti(L, LUA_REGISTRYINDEX, SLOT_SEED);
    lua_newtable(L);
    lua_rawseti(L, LUA_REGISTRYINDEX, SLOT_LOADED);
    l_trim_os(L);
    l_take_away(L);
    l_replace(L);
    l_run_prelude(L);
    l_sandbox_seed(L);
    return 0;
}

void l_sandbox_seed(lua_State *L)
{
    static uint64_t pool[64];
    static size_t left;

    if (left == 0) {
        if (getrandom(pool, sizeof(pool), 0) != sizeof(pool))
            luaL_error(L, "the system has no entropy");
        left = sizeof(pool) / sizeof(*pool);
    }
    lua_rawgeti(L, LUA_REGISTRYINDEX, SLOT_SEED);
    lua_pushnumber(L, (double)(pool[--left] >> 11)); /* 53 bits */
    lua_call(L, 1, 0);
}
