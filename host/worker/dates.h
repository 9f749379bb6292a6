/* dates.h - os.time and os.date. */
/* SPDX-License-Identifier: MIT */
#pragma once

#include <luajit-2.1/lua.h>

/* Puts them in place of LuaJIT's, in the table at the top of the stack. LuaJIT's own make strftime
 * write a text of any length at once, and call metamethods of a table without a look at the C
 * stack. May raise. */
void l_dates_open(lua_State *L);
