/* environment.h - getfenv and setfenv, for Lua functions of the function's own code. */
/* SPDX-License-Identifier: MIT */
#pragma once

#include <luajit-2.1/lua.h>

/* The globals `getfenv` and `setfenv`, as Lua's, but: a function in C, or one of the host's own Lua
 * code, has the global table as its environment, which cannot be changed; and neither can that of
 * the whole state (level 0). */
int l_getfenv(lua_State *L);
int l_setfenv(lua_State *L);
