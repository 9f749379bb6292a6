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
    SLOT_LOADING,
    SLOT_PRELOAD,
    SLOT_DESCRIBE,
    SLOT_LIBRARIES,
    SLOT_CTX,
    SLOT_OUTPUT,
    SLOT_STREAMS,
    SLOT_STRING_META,
    SLOT_XPCALL,
    SLOT_TRACEBACK,   /* the message handler */
    SLOT_CHILD_ERROR, /* the metatable of children's error objects */
    SLOT_RAISED,      /* the error value that traceback.c has noted the frames of */
    SLOT_LIST         /* the metatable that marks lists */
};

/* What a yield to the host carries, so that a function's own yields are told from it. */
void l_push_park_mark(lua_State *L);
int is_park_mark(lua_State *L, int index);

/* Makes a new state what functions find: base without what reaches files, code of others or
 * bytecode; those of Lua's `libraries` (libraries.h) that are wanted; require of natives, json and
 * the function's modules. May raise. */
void l_sandbox_open(lua_State *L, unsigned libraries);
