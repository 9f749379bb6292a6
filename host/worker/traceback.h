/* traceback.h - where errors were raised: noted while their frames stand, for the one that ends a
 * call. */
/* SPDX-License-Identifier: MIT */
#pragma once

#include <luajit-2.1/lua.h>
#include <stdbool.h>

#include "base/str.h"

/* LuaJIT knows the line of the innermost frame only until the error leaves it. So a message handler
 * notes the frames, for every error that no pcall of the function catches. A coroutine has a
 * handler of its own: its frames are noted first, those of who resumed it are added when the same
 * error is raised again there.
 *
 * A worker has one note. It lies outside of all heaps: noting allocates nothing in a vm, but for
 * the registry's slot that remembers the error value.
 */

/* Is the frame at `level` of `L`, of which lua_getinfo gave "S" and "l", none of the function's?
 * Those of the functions that stand in for coroutine's are not, nor what these call, nor what calls
 * the handler or a coroutine. */
bool traceback_hides(lua_State *L, int level, const lua_Debug *frame);

/* The message handler: notes where `L` is, returns the error value as it came. */
int l_traceback(lua_State *L);

/* Drops what is noted. */
void traceback_forget(void);

/* Notes where `L` is, in place of what was noted. It runs a hook or a C function, or is parked. */
void traceback_note(lua_State *L);

/* As traceback_note, with the frames of `L`, which is parked, behind what is noted. */
void traceback_add(lua_State *L);

/* The error value at `index` ends the call: what is noted of another one is dropped. */
void traceback_settle(lua_State *L, int index);

/* One line a frame, innermost first; empty: nothing is noted. Borrowed until the next of these. */
struct str traceback_text(void);
