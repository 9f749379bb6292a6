/* args.c - checks of the arguments that natives take from Lua. */
/* SPDX-License-Identifier: MIT */
#include "args.h"

#include <math.h>

int64_t l_arg_integer(lua_State *L, int arg, int64_t min, int64_t max)
{
    luaL_checktype(L, arg, LUA_TNUMBER);
    lua_Number value = lua_tonumber(L, arg);
    /* The comparison is written so that NaN fails it. */
    if (!(value >= (lua_Number)min && value <= (lua_Number)max) || floor(value) != value) {
        luaL_argerror(L, arg,
                      lua_pushfstring(L, "integer from %f to %f expected, got %f", (lua_Number)min,
                                      (lua_Number)max, value));
    }
    return (int64_t)value;
}

size_t l_arg_list(lua_State *L, int arg)
{
    luaL_checktype(L, arg, LUA_TTABLE);
    return lua_objlen(L, arg);
}

const char *l_arg_list_string(lua_State *L, int arg, size_t index, size_t *length)
{
    const char *text = NULL;
    if (!arg_list_string(L, arg, index, &text, length)) {
        lua_rawgeti(L, arg, (int)index);
        luaL_argerror(L, arg,
                      lua_pushfstring(L, "string expected at index %d, got %s", (int)index,
                                      luaL_typename(L, -1)));
    }
    return text;
}
