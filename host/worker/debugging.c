/* debugging.c - the library `debug`, as far as it shows a function its own stack. */
/* SPDX-License-Identifier: MIT */
#include "worker/debugging.h"

#include <luajit-2.1/lauxlib.h>
#include <luajit-2.1/lualib.h>
#include <string.h>

#include "worker/libraries.h"
#include "worker/sandbox.h"
#include "worker/traceback.h"

enum { LEVEL_MAX = 1 << 20, LEVELS_FIRST = 12, LEVELS_LAST = 10, OPTIONS_MAX = 16 };

/* The coroutine of the first argument, and in `*arg` how many arguments that took. */
static lua_State *thread_of(lua_State *L, int *arg)
{
    *arg = lua_isthread(L, 1) ? 1 : 0;
    return *arg ? lua_tothread(L, 1) : L;
}

/* A level that no stack has for those that are no level. */
static int level_of(lua_Number level)
{
    return level >= 0 && level <= LEVEL_MAX ? (int)level : LEVEL_MAX;
}

/* -- traceback ------------------------------------------------------------------------------- */

static int depth_of(lua_State *L)
{
    lua_Debug frame;
    int low = 0, high = 1;

    while (lua_getstack(L, high, &frame)) {
        low = high;
        high *= 2;
    }
    while (low < high) {
        int middle = (low + high) / 2;

        if (lua_getstack(L, middle, &frame))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* A line for the frame, without the addresses that LuaJIT's own traceback has. */
static void l_add_frame(lua_State *L, luaL_Buffer *text, const lua_Debug *frame)
{
    lua_pushfstring(L, "\n\t%s:", frame->short_src);
    luaL_addvalue(text);
    if (frame->currentline > 0) {
        lua_pushfstring(L, "%d:", frame->currentline);
        luaL_addvalue(text);
    }
    if (frame->namewhat && *frame->namewhat)
        lua_pushfstring(L, " in function '%s'", frame->name);
    else if (*frame->what == 'm')
        lua_pushliteral(L, " in main chunk");
    else if (*frame->what == 'C')
        lua_pushliteral(L, " in ?");
    else
        lua_pushfstring(L, " in function <%s:%d>", frame->short_src, frame->linedefined);
    luaL_addvalue(text);
}

static int l_debug_traceback(lua_State *L)
{
    int arg;
    lua_State *of = thread_of(L, &arg);
    lua_Debug frame;
    luaL_Buffer text;

    if (!lua_isnoneornil(L, arg + 1) && !lua_isstring(L, arg + 1)) {
        lua_settop(L, arg + 1);
        return 1;
    }
    int level = level_of(luaL_optnumber(L, arg + 2, of == L ? 1 : 0)), depth = depth_of(of);
    int skip_from = level + LEVELS_FIRST, skip_to = depth - LEVELS_LAST;
    lua_settop(L, arg + 1);
    luaL_buffinit(L, &text);
    if (lua_isstring(L, arg + 1)) {
        lua_pushvalue(L, arg + 1);
        luaL_addvalue(&text);
        luaL_addchar(&text, '\n');
    }
    luaL_addstring(&text, "stack traceback:");
    for (; lua_getstack(of, level, &frame); level++) {
        if (level == skip_from && level < skip_to) {
            luaL_addstring(&text, "\n\t...");
            level = skip_to;
            if (!lua_getstack(of, level, &frame))
                break;
        }
        lua_getinfo(of, "Snl", &frame);
        if (!traceback_hides(of, level, &frame))
            l_add_frame(L, &text, &frame);
    }
    luaL_pushresult(&text);
    return 1;
}

/* -- getinfo --------------------------------------------------------------------------------- */

static void l_set_text(lua_State *L, const char *key, const char *text)
{
    lua_pushstring(L, text);
    lua_setfield(L, -2, key);
}

static void l_set_number(lua_State *L, const char *key, int number)
{
    lua_pushinteger(L, number);
    lua_setfield(L, -2, key);
}

static void l_push_info(lua_State *L, const lua_Debug *frame, const char *options)
{
    lua_createtable(L, 0, 9);
    if (strchr(options, 'S')) {
        l_set_text(L, "source", frame->source);
        l_set_text(L, "short_src", frame->short_src);
        l_set_text(L, "what", frame->what);
        l_set_number(L, "linedefined", frame->linedefined);
        l_set_number(L, "lastlinedefined", frame->lastlinedefined);
    }
    if (strchr(options, 'l'))
        l_set_number(L, "currentline", frame->currentline);
    if (strchr(options, 'u'))
        l_set_number(L, "nups", frame->nups);
    if (strchr(options, 'n')) {
        l_set_text(L, "name", frame->name);
        l_set_text(L, "namewhat", frame->namewhat);
    }
}

/* LuaJIT would take ">" for a function on its stack, and give out other frames' functions by "f".
 */
static int l_getinfo(lua_State *L)
{
    int arg;
    lua_State *of = thread_of(L, &arg);
    lua_Debug frame;
    const char *options = luaL_optstring(L, arg + 2, "nSlu");
    char with_function[OPTIONS_MAX + 2] = ">";

    luaL_argcheck(L, strlen(options) <= OPTIONS_MAX && !options[strspn(options, "nSlu")], arg + 2,
                  "invalid option: \"n\", \"S\", \"l\" and \"u\" are available");
    memset(&frame, 0, sizeof(frame));
    if (lua_isfunction(L, arg + 1)) {
        memcpy(with_function + 1, options, strlen(options) + 1);
        lua_pushvalue(L, arg + 1);
        lua_getinfo(L, with_function, &frame);
    } else {
        if (!lua_getstack(of, level_of(luaL_checknumber(L, arg + 1)), &frame)) {
            lua_pushnil(L);
            return 1;
        }
        lua_getinfo(of, options, &frame);
    }
    l_push_info(L, &frame, options);
    return 1;
}

/* -- Hooks and metatables -------------------------------------------------------------------- */

/* Lua's answer where a program that embeds it has set a hook. */
static int l_gethook(lua_State *L)
{
    lua_pushliteral(L, "external hook");
    return 1;
}

/* For libraries that load untrusted text with strings that have no methods: nil takes the metatable
 * of strings away, and false, which getmetatable gives for it, puts it back. */
static int l_setmetatable(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TSTRING);
    luaL_argcheck(L, lua_gettop(L) >= 2 && !lua_toboolean(L, 2), 2,
                  "nil or false expected: the metatable of strings can only be taken away and put "
                  "back");
    lua_settop(L, 2);
    l_libraries_open(L, libraries_named(STR(LUA_STRLIBNAME)));
    lua_rawgeti(L, LUA_REGISTRYINDEX, SLOT_STRING_META);
    if (!lua_isnil(L, 2)) {
        if (lua_istable(L, 3)) {
            lua_pushvalue(L, 3);
            lua_setmetatable(L, 1);
        }
    } else {
        if (lua_isnil(L, 3) && lua_getmetatable(L, 1))
            lua_rawseti(L, LUA_REGISTRYINDEX, SLOT_STRING_META);
        lua_pushnil(L);
        lua_setmetatable(L, 1);
    }
    lua_settop(L, 1);
    return 1;
}

/* -- Opening --------------------------------------------------------------------------------- */

int l_debugging_open(lua_State *L)
{
    static const luaL_Reg functions[] = {{"traceback", l_debug_traceback},
                                         {"getinfo", l_getinfo},
                                         {"gethook", l_gethook},
                                         {"setmetatable", l_setmetatable},
                                         {NULL, NULL}};

    luaL_register(L, LUA_DBLIBNAME, functions);
    return 1;
}
