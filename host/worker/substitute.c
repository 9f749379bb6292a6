/* substitute.c - where LuaJIT's function objects have their C function. */
/* SPDX-License-Identifier: MIT */
#include "worker/substitute.h"

#include <assert.h>
#include <string.h>

enum { FUNCTION_AT = 40 }; /* in a GCfuncC, of LuaJIT's GC64 layout */

static lua_CFunction exchange(lua_State *L, lua_CFunction fn)
{
    char *at = (char *)lua_topointer(L, -1) + FUNCTION_AT;
    lua_CFunction former;

    memcpy(&former, at, sizeof(former));
    memcpy(at, &fn, sizeof(fn));
    return former;
}

bool substitute_fits(lua_State *L)
{
    lua_CFunction found;

    memcpy(&found, (const char *)lua_topointer(L, -1) + FUNCTION_AT, sizeof(found));
    return found == lua_tocfunction(L, -1);
}

lua_CFunction substitute(lua_State *L, lua_CFunction fn)
{
    lua_CFunction known = lua_tocfunction(L, -1), former = exchange(L, fn);

    assert(known && former == known);
    return former;
}

lua_CFunction l_substitute_field(lua_State *L, const char *name, lua_CFunction fn)
{
    lua_getfield(L, -1, name);
    lua_CFunction former = substitute(L, fn);
    lua_pop(L, 1);
    return former;
}

lua_CFunction substitute_fallback(lua_State *L, lua_CFunction fn)
{
    assert(lua_iscfunction(L, -1) && !lua_tocfunction(L, -1));
    return exchange(L, fn);
}
