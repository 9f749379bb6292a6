/* vm.h - one lua_State on its own heap, with one function version loaded. */
/* SPDX-License-Identifier: MIT */
#pragma once

#include <luajit-2.1/lua.h>
#include <setjmp.h>

#include "base/err.h"
#include "engine/mcode.h"
#include "worker/heap.h"
#include "worker/loader.h"

struct call;
struct output;

struct vm {
    struct heap *heap;
    lua_State *L;
    lua_State *thread; /* the coroutine its handler runs in, while it serves a call */
    struct code *code;
    struct call *call;            /* the call it serves; NULL while loading or idle in a pool */
    struct heap_image *image;     /* of a warm instance: what it is put back to */
    struct output *output;        /* in the heap; NULL: nothing was written yet */
    struct output *sealed_output; /* that of the image */
    size_t logged_bytes;          /* while it loads, and again in each call */
    uint64_t identity_key[2];     /* identity.h; drawn when it is first needed */
    bool has_identity_key;
    struct mcode mcode;
    sigjmp_buf escape;
    bool dead; /* left by a jump: it may only be closed */
    bool torn; /* the jump was out of LuaJIT: its state is in the midst of a change */
};

/* Opens a state, its libraries and `code`, and runs the chunk: the handler is ready to be called.
 *
 *   owns    the caller: vm_close
 *   thread  a worker has one; the same for all functions here
 *   fails   NULL, with ERR_FUNCTION_ERROR (does not compile, raised, returned no handler),
 *           ERR_MEMORY_LIMIT, ERR_DEADLINE or ERR_INTERNAL
 */
struct vm *vm_open(struct code *code, size_t limit_bytes, struct err *err);

/* As vm_open; `prepare` is run after the libraries were opened, before the file has run. */
struct vm *vm_open_prepared(struct code *code, size_t limit_bytes, lua_CFunction prepare,
                            struct err *err);

/* Takes 10 ms at most, however much the state holds. */
void vm_close(struct vm *vm);

/* Keeps the image of a vm that has served no call, to be put back after each.
 *
 *   fails   as vm_protect, and ERR_MEMORY_LIMIT: no memory for the image; the vm may only be closed
 */
bool vm_seal(struct vm *vm, struct err *err);

/* Puts a sealed vm back to its image. False when it is dead: close it. */
bool vm_reset(struct vm *vm);

/* Runs `fn` as lua_cpcall does, and comes back also when the heap's limit or the deadline is
 * reached.
 *
 *   fails   ERR_FUNCTION_ERROR with the message raised; ERR_MEMORY_LIMIT, or ERR_DEADLINE when
 *           safepoint_limit's time is over: the vm is dead then
 */
bool vm_protect(struct vm *vm, lua_CFunction fn, void *argument, struct err *err);

/* lua_resume on vm->thread under the same protection; `*status` is what it returned. When that is
 * an error, `err` has its message, and the call still returns true. */
bool vm_resume(struct vm *vm, int arguments, int *status, struct err *err);

/* The vm that a state or one of its coroutines belongs to. */
struct vm *vm_of(lua_State *L);

/* Closes the regions kept for the next vm. */
void vm_drop_spare_heaps(void);
