/* sandbox.h - the libraries that functions find, and nothing else. */
/* SPDX-License-Identifier: MIT */
#pragma once

#include <luajit-2.1/lua.h>

/* Places in the registry of a vm; luaL_ref is not used beside them. */
enum sandbox_slot {
    SLOT_HANDLER = 1,
    SLOT_PARAMS,
    SLOT_DEFINITION,
    SLOT_THREAD,
    SLOT_SEED,
    SLOT_LOADED,
    SLOT_DESCRIBE
};

/* What a yield to the host carries, so that a function's own yields are told from it. */
void l_push_park_mark(lua_State *L);
int is_park_mark(lua_State *L, int index);

/* Opens the allowed libraries in a new state: base without what reaches files, code of others or
 * bytecode; table, string, math, bit, coroutine; os.time, date, clock and difftime; require of
 * natives, json and the function's modules. A lua_CFunction for lua_cpcall. */
int l_sandbox_open(lua_State *L);

/* Gives math.random a seed from the system's entropy. May raise. */
void l_sandbox_seed(lua_State *L);
