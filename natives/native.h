/* native.h - what a native module is: C functions that a Lua function gets by `require`. */
/* SPDX-License-Identifier: MIT */
#pragma once

#include <luajit-2.1/lauxlib.h>
#include <luajit-2.1/lua.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* Rules for the C functions of a native:
 *
 *   memory   comes from lua_newuserdata (it counts towards the call's heap limit and dies with the
 *            state). The limit is enforced by leaving through siglongjmp from whatever asked for
 *            memory, so nothing that needs releasing may be held across a Lua call that allocates
 *            or raises: allocate first, then take the resource, use it, give it back. Around Lua
 *            calls that do neither: native_hold(), native_release().
 *   errors   luaL_error and luaL_argerror, while nothing is held
 *   state    no mutable statics: several states live in one process
 *   thread   the worker's; threads that a native starts have ended when it returns
 *   time     what may run for more than a millisecond asks native_stopped() about as often; when it
 *            is true, gives back what it holds and returns anything, without raising
 */
struct native_fn {
    const char *name;
    const char *usage; /* "module.name(arguments) -> results: what it does" */
    lua_CFunction fn;
};

struct native {
    const char *name;
    const char *summary;
    const struct native_fn *fns; /* ends with a NULL name */
};

/* Set by the host, from a signal handler, when what runs is to end: the state is left at its next
 * instruction, before Lua sees what a native returned. Never set by a native. */
extern _Atomic bool native_stop;

/* What the host wants to know of natives that run, for its profiles. */
struct native_watch {
    lua_State *volatile running;    /* the state that runs a native; NULL: none does */
    lua_CFunction volatile fn;      /* which, */
    void *volatile frame;           /* and the frame it was called from */
    volatile bool wanted;           /* by a signal's handler: `on_return` is to be called, */
    void (*on_return)(lua_State *); /* when the native has returned, before Lua code goes on */
    /* By natives, in the worker's thread, of threads of theirs: they waited `ns` in all for the
     * lock called `name`, `count` times; they took `ns` of processor time. NULL: nobody asks. */
    void (*on_waited)(lua_State *, const char *name, uint64_t count, uint64_t ns);
    void (*on_threads_ran)(lua_State *, uint64_t ns);
};
extern struct native_watch native_watch;

/* From any thread. */
static inline bool native_stopped(void)
{
    return atomic_load_explicit(&native_stop, memory_order_relaxed);
}

/* Not 0 while something is held that a jump out of LuaJIT would lose. Set to 0 by the host when it
 * enters a state. */
extern volatile unsigned native_held;

static inline void native_hold(void)
{
    native_held = native_held + 1;
    atomic_signal_fence(memory_order_seq_cst);
}

static inline void native_release(void)
{
    atomic_signal_fence(memory_order_seq_cst);
    native_held = native_held - 1;
}

/* Every native, ending with NULL. */
extern const struct native *const natives[];

/* The native called `name`, or NULL. */
const struct native *native_find(const char *name);

/* The name of `fn` with its module's, "sha256.iterate", into `name`. False when no native has it.
 */
bool native_name(lua_CFunction fn, char *name, size_t size);

/* Pushes a new table with the functions of `native`. May raise. */
void l_native_push(lua_State *L, const struct native *native);
