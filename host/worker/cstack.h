/* cstack.h - how much of the C stack Lua code may fill by calling itself through C functions. */
/* SPDX-License-Identifier: MIT */
#pragma once

#include <luajit-2.1/lua.h>
#include <stdbool.h>

/* LuaJIT bounds the Lua stack alone, and each coroutine has its own: what calls itself through C
 * functions, like a gsub in a gsub's callback, or a coroutine that resumes another, would fill the
 * C stack. The bound is in bytes, some hundred calls, as Lua's own: an error that passes many more
 * takes LuaJIT a time that grows with their square. It counts from the address where the host
 * entered the state, so that no error or jump can leave a count behind.
 *
 * One thread: the worker's.
 */

/* Once in a worker. Should code that does not check fill the C stack to its end, the call that runs
 * is ended, not the worker. Other faults end it, as before. */
bool cstack_guard(void);

/* The host enters a state here. */
void cstack_begin(void);

/* Is the bound passed? For C functions that call themselves. */
bool cstack_is_full(void);

/* For a C function that is about to call Lua code. Raises "C stack overflow". */
void l_cstack_check(lua_State *L);

/* The same as a function for Lua. */
int l_cstack_is_full(lua_State *L);
