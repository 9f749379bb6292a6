/* environment.h - getfenv and setfenv, for Lua functions of the function's own code. */
/* SPDX-License-Identifier: MIT */
#pragma once

#include <luajit-2.1/lua.h>

/* Sets the globals `getfenv` and `setfenv`: as Lua's, but a function in C, or one of the host's own
 * Lua code, has the global table as its environment, which cannot be changed; and neither can that
 * of the whole state (level 0). Texts that name them can reach every global, so they come with the
 * libraries of such texts, and cost others nothing. May raise. */
void l_environment_open(lua_State *L);
