/* cstack.h - how much of the C stack Lua code may fill by calling itself through C functions. */
/* SPDX-License-Identifier: MIT */
#pragma once

#include <luajit-2.1/lua.h>

/* LuaJIT bounds the Lua stack alone: what calls itself through a C function that calls Lua code,
 * like a gsub in a gsub's callback, takes C stack each time. The bound here is in bytes, and
 * counted from the address where the host entered the state: no error or jump can leave a count
 * behind.
 *
 * One thread: the worker's.
 */

/* The host enters a state here; half of what the stack may grow to (RLIMIT_STACK) is for it. */
void cstack_begin(void);

/* For a C function that is about to call Lua code. Raises "C stack overflow". */
void l_cstack_check(lua_State *L);
