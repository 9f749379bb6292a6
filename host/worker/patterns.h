/* patterns.h - string.find, match, gmatch and gsub, by a matcher that a deadline ends. */
/* SPDX-License-Identifier: MIT */
#pragma once

#include <luajit-2.1/lua.h>

/* Puts them in the place of LuaJIT's in its string library, at the top of the stack, and bounds how
 * deep string.format may call itself. They do what those do, to the texts of their errors; when
 * native_stop is set, they return at once, and what they return is worth nothing. May raise. */
void l_patterns_open(lua_State *L);
