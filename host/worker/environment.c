/* environment.c - getfenv and setfenv, for Lua functions of the function's own code. */
/* SPDX-License-Identifier: MIT */
#include "worker/environment.h"

#include <luajit-2.1/lauxlib.h>
#include <stdbool.h>

#include "worker/libraries.h"

enum { LEVEL_MAX = 1 << 20 }; /* more than a stack has */

/* Level 0 stands for the state. */
static int l_check_level(lua_State *L, bool optional)
{
    lua_Number level = optional ? luaL_optnumber(L, 1, 1) : luaL_checknumber(L, 1);

    luaL_argcheck(L, level >= 0, 1, "level must be non-negative");
    luaL_argcheck(L, level <= LEVEL_MAX, 1, "invalid level");
    return (int)level;
}

static void l_push_at_level(lua_State *L, int level)
{
    lua_Debug frame;

    if (!lua_getstack(L, level, &frame))
        luaL_argerror(L, 1, "invalid level");
    lua_getinfo(L, "f", &frame);
}

/* Is the function at the top of the stack one whose environment is its own affair? */
static bool is_own_code(lua_State *L)
{
    lua_Debug frame;

    if (!lua_isfunction(L, -1) || lua_iscfunction(L, -1))
        return false;
    lua_pushvalue(L, -1);
    lua_getinfo(L, ">S", &frame);
    return !libraries_is_host(frame.source);
}

static int l_getfenv(lua_State *L)
{
    if (lua_isfunction(L, 1)) {
        lua_pushvalue(L, 1);
    } else {
        int level = l_check_level(L, true);

        if (level > 0)
            l_push_at_level(L, level);
        else
            lua_pushnil(L);
    }
    if (is_own_code(L))
        lua_getfenv(L, -1);
    else
        lua_pushvalue(L, LUA_GLOBALSINDEX);
    return 1;
}

static int l_setfenv(lua_State *L)
{
    luaL_checktype(L, 2, LUA_TTABLE);
    if (lua_isfunction(L, 1)) {
        lua_pushvalue(L, 1);
    } else {
        int level = l_check_level(L, false);

        if (level == 0)
            return luaL_error(L, "setfenv: the environment of the whole state (level 0) cannot be "
                                 "changed");
        l_push_at_level(L, level);
    }
    if (!is_own_code(L))
        return luaL_error(L, "'setfenv' cannot change environment of given object");
    lua_pushvalue(L, 2);
    lua_setfenv(L, -2);
    return 1;
}

void l_environment_open(lua_State *L)
{
    lua_pushcfunction(L, l_getfenv);
    lua_setglobal(L, "getfenv");
    lua_pushcfunction(L, l_setfenv);
    lua_setglobal(L, "setfenv");
}
