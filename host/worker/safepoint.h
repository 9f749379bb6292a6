/* safepoint.h - reaching Lua code that runs, compiled or not: to end it, or to look at it. */
/* SPDX-License-Identifier: MIT */
#pragma once

#include <luajit-2.1/lua.h>
#include <stdbool.h>
#include <stdint.h>
#include <ucontext.h>

#include "base/err.h"
#include "engine/mcode.h"

/* Hooks alone do not do it: compiled code never looks at them. But code that was compiled while its
 * state has the profiling mode "l" looks at one byte at each line, the profile bit of the hook
 * mask, and leaves for the interpreter when it is set. A timer's signal sets that bit, and a hook,
 * which leaves by a jump: an error could be caught, and an error's handler runs without hooks.
 *
 * The signal also sets native_stop, which natives look at. A native that Lua code called last, in
 * place of itself, returns to the host without any instruction in between: so safepoint_leave says
 * whether what ran was told to end.
 *
 * LuaJIT's own C code looks at nothing: it rehashes, interns, parses or marks to the end. When it
 * has not come back to Lua code some milliseconds after the deadline, the signal's handler jumps
 * out of it. The state is torn then: it is in the midst of a change, and nothing may be done with
 * it but to drop its memory. Nothing else is torn:
 *
 *   - The handler jumps only from LuaJIT's own code, from what LuaJIT compiled, and from functions
 * of libc that hold nothing (engine/leaf.h). The rest of libc, and libgcc, have locks: they and our
 *     own code go on until they return.
 *   - LuaJIT's variables outside of states are three: that of the profiler, which an idle state
 *     occupies always; the hint of an allocator that states here do not use; and the exception
 *     object of a thread, which each error fills anew.
 *   - The memory of a state is its heap and its machine code; the host drops both as a whole.
 *   - native_held keeps the handler from jumping while C code of ours, or of the profiler, holds
 *     something across calls of Lua's API.
 *
 * One thread: the worker's.
 */

/* Once in a worker. `is_cancelled` is asked in a handler of CONTROL_SIGNAL, which whoever makes it
 * true sends; NULL: nothing is. False when the byte was not found in this LuaJIT: then states do
 * not compile, for what is interpreted sees hooks. */
bool safepoint_init(bool (*is_cancelled)(void));

/* For looking at what runs: `visit` is called in its state, before its next instruction, after
 * safepoint_ask, which a signal's handler may call, or what runs. */
void safepoint_on_visit(void (*visit)(lua_State *L));
void safepoint_ask(void);

/* Raises the error "stack overflow" in what runs, before its next instruction. */
void safepoint_overflow(void);

/* Makes a new state's code reachable, with its compiler open. */
void safepoint_prepare(lua_State *L);

/* What runs from now on lets others have the processor twice a millisecond, if it `shares`. Linux
 * lets a process that wakes wait for its next tick, some milliseconds, when that ran a little more
 * than its part just before: as the front does that has given the call. */
void safepoint_share(bool shares);

/* What runs from now on has to end by `deadline_ns` (clock_now_ns). */
void safepoint_limit(uint64_t deadline_ns);

/* Jumps out of the state that runs, `why` being ERR_DEADLINE or ERR_CANCELLED, or
 * ERR_FUNCTION_ERROR when the C stack is full. The state may then only be closed; not even that
 * when it is `torn`. `at` is the coroutine that runs, or the state when a C function leaves; NULL
 * when its stack may not be walked. */
typedef void (*safepoint_exit)(void *owner, enum err_code why, bool torn, lua_State *at);

/* Code of `L` and its coroutines runs from here to safepoint_leave. When it is late or cancelled,
 * `leave` is called with `owner`, from a hook or a signal's handler. `mcode` is the state's. */
void safepoint_enter(lua_State *L, const struct mcode *mcode, safepoint_exit leave, void *owner);

/* As safepoint_enter, for lua_close with a deadline of its own: no hook is set, the jump comes as
 * soon as it may. */
void safepoint_enter_close(lua_State *L, const struct mcode *mcode, uint64_t deadline_ns,
                           safepoint_exit leave, void *owner);

/* Leaves now if what runs is to end: for C code that holds nothing but memory of the state. */
void safepoint_look(void);

/* As safepoint_look, from within an allocation: what asked for memory is in the midst of a change,
 * so the state is torn, and its stack may not be walked. */
void safepoint_tear(void);

/* For the handler of a fault at the end of the C stack: leaves what runs, its state being torn.
 * Returns when nothing runs, or when it interrupted code that may hold something. */
void safepoint_leave_full(const ucontext_t *context);

/* ERR_NONE, or why what ran was told to end: then its results are worth nothing, and the state may
 * only be closed. */
enum err_code safepoint_leave(void);
