/* libraries.h - Lua's own libraries, each opened only in states whose texts can reach it. */
/* SPDX-License-Identifier: MIT */
#pragma once

#include <luajit-2.1/lua.h>

#include "base/str.h"

/* Every library, for l_libraries_open. */
#define LIBRARIES_ALL (~0u)

/* The libraries that a Lua text names, one bit each; all of them when it names a way to reach
 * globals that it does not spell out (_G, load). A text reaches no other but by what it gets from
 * others: strings bring their methods, and modules are asked when they load.
 */
unsigned libraries_named(struct str text);

/* How the chunk names of the host's own Lua code begin, which no file of a function has. */
#define HOST_CHUNK "@["

/* Is `source`, as lua_getinfo gives it, such a name? */
bool libraries_is_host(const char *source);

/* Opens base and the compiler, without what functions do not get, in a new state. May raise. */
void l_libraries_begin(lua_State *L);

/* Opens those of `wanted` that this state does not have yet. May raise. */
void l_libraries_open(lua_State *L, unsigned wanted);

/* Is `name` that of a library's table, as in package.loaded? */
bool libraries_have(const char *name);

/* Opens the library called `name`, or LuaJIT's extension table.new or table.clear, and pushes what
 * require returns for it. False, with nothing pushed, when there is none. May raise. */
bool l_libraries_push(lua_State *L, const char *name);

/* Sets, in the table at the top of the stack, the fields of all libraries; they are open. */
void l_libraries_list(lua_State *L);

/* Gives math.random, where it is open, a seed from the system's entropy. May raise. */
void l_libraries_seed(lua_State *L);
