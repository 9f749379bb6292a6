/* lists.h - table.sort and table.insert, that a deadline ends. */
/* SPDX-License-Identifier: MIT */
#pragma once

#include <luajit-2.1/lua.h>

/* Puts them in the place of LuaJIT's in its table library, at the top of the stack. They do what
 * those do, with the same errors: sort works in place, and is not stable. When native_stop is set,
 * they return at once and leave the list as it is then. May raise. */
void l_lists_open(lua_State *L);
