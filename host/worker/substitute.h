/* substitute.h - C functions of ours in the place of LuaJIT's. */
/* SPDX-License-Identifier: MIT */
#pragma once

#include <luajit-2.1/lua.h>
#include <stdbool.h>

/* Lets LuaJIT's function at the top of the stack call `fn`, in each use of it in this state. To the
 * compiler it stays what it was: it goes on compiling what it knows of it without calling `fn`.
 * Returns what it called, which `fn` may call with its own arguments. */
lua_CFunction substitute(lua_State *L, lua_CFunction fn);

/* Does the C function at the top of the stack lie where substitute looks for it? */
bool substitute_fits(lua_State *L);

/* The same with the field `name` of the table at the top of the stack. May raise. */
lua_CFunction l_substitute_field(lua_State *L, const char *name, lua_CFunction fn);

/* The same with a function at the top of the stack that LuaJIT has in machine code (tostring), and
 * the C function that it calls for what it does not do itself. That returns 0 to have the function
 * look at its arguments again, which it may have changed. */
lua_CFunction substitute_fallback(lua_State *L, lua_CFunction fn);
