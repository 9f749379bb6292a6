/* safepoint.h - reaching Lua code that runs, compiled or not: to end it, or to look at it. */
/* SPDX-License-Identifier: MIT */
#pragma once

#include <luajit-2.1/lua.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

/* Hooks alone do not do it: compiled code never looks at them. But code that was compiled while its
 * state has the profiling mode "l" looks at one byte at each line, the profile bit of the hook
 * mask, and leaves for the interpreter when it is set. A timer's signal sets that bit, and a hook,
 * which leaves by a jump: an error could be caught, and an error's handler runs without hooks.
 *
 * The signal also sets native_stop, which natives look at. A native that Lua code called last, in
 * place of itself, returns to the host without any instruction in between: so safepoint_leave says
 * whether what ran was told to end.
 *
 * One thread: the worker's. What Lua code is stuck in, when that is other C, is not ended by this.
 */

/* Once in a worker. `is_cancelled` is asked in a handler of CONTROL_SIGNAL, which whoever makes it
 * true sends; NULL: nothing is. False when the byte was not found in this LuaJIT: then states do
 * not compile, for what is interpreted sees hooks. */
bool safepoint_init(bool (*is_cancelled)(void));

/* For looking at what runs: `visit` is called in its state, before its next instruction, after
 * safepoint_ask, which a signal's handler may call, or what runs. */
void safepoint_on_visit(void (*visit)(lua_State *L));
void safepoint_ask(void);

/* Makes a new state's code reachable, with its compiler open. */
void safepoint_prepare(lua_State *L);

/* What runs from now on lets others have the processor twice a millisecond, if it `shares`. Linux
 * lets a process that wakes wait for its next tick, some milliseconds, when that ran a little more
 * than its part just before: as the front does that has given the call. */
void safepoint_share(bool shares);

/* What runs from now on has to end by `deadline_ns` (clock_now_ns). */
void safepoint_limit(uint64_t deadline_ns);

/* Code of `L` and its coroutines runs from here to safepoint_leave. When it is late or cancelled,
 * `leave` is called, from a hook, with ERR_DEADLINE or ERR_CANCELLED: it does not return, and the
 * state may then only be closed. */
void safepoint_enter(lua_State *L, void (*leave)(lua_State *L, enum err_code why));

/* Leaves now if what runs is to end: for C code that holds nothing but memory of the state. */
void safepoint_look(void);

/* ERR_NONE, or why what ran was told to end: then its results are worth nothing, and the state may
 * only be closed. */
enum err_code safepoint_leave(void);
