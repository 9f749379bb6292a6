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

/* Opens base and the compiler, without what functions do not get, in a new state. May raise. */
void l_libraries_begin(lua_State *L);

/* Opens those of `wanted` that this state does not have yet. May raise. */
void l_libraries_open(lua_State *L, unsigned wanted);

/* Gives math.random, where it is open, a seed from the system's entropy. May raise. */
void l_libraries_seed(lua_State *L);
