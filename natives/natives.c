/* natives.c - the one list of what functions can require. */
/* SPDX-License-Identifier: MIT */
#include "native.h"

#include <stdio.h>
#include <string.h>

#define NATIVES(X)                                                                                 \
    X(fib)                                                                                         \
    X(gzip)                                                                                        \
    X(matrix)                                                                                      \
    X(mutex)                                                                                       \
    X(random)                                                                                      \
    X(regex)                                                                                       \
    X(sha256)                                                                                      \
    X(sieve)                                                                                       \
    X(sort)

#define NATIVE_DECLARE(name) extern const struct native native_##name;
#define NATIVE_ENTRY(name)   &native_##name,

NATIVES(NATIVE_DECLARE)

const struct native *const natives[] = {NATIVES(NATIVE_ENTRY) NULL};

_Atomic bool native_stop;
volatile unsigned native_held;
struct native_watch native_watch;

const struct native *native_find(const char *name)
{
    for (size_t i = 0; natives[i]; i++) {
        if (strcmp(natives[i]->name, name) == 0)
            return natives[i];
    }
    return NULL;
}

bool native_name(lua_CFunction fn, char *name, size_t size)
{
    for (size_t i = 0; natives[i]; i++)
        for (const struct native_fn *one = natives[i]->fns; one->name; one++)
            if (one->fn == fn) {
                snprintf(name, size, "%s.%s", natives[i]->name, one->name);
                return true;
            }
    return false;
}

/* Runs the native that is its upvalue, watched. A native that raises stays `running` until the host
 * sees Lua code again. */
static int l_run_watched(lua_State *L)
{
    struct native_watch *watch = &native_watch;
    lua_CFunction fn = (lua_CFunction)lua_touserdata(L, lua_upvalueindex(1));

    watch->fn = fn;
    watch->frame = __builtin_frame_address(0);
    watch->running = L;
    int results = fn(L);
    if (watch->wanted)
        watch->on_return(L);
    watch->running = NULL;
    return results;
}

void l_native_push(lua_State *L, const struct native *native)
{
    lua_newtable(L);
    for (const struct native_fn *fn = native->fns; fn->name; fn++) {
        lua_pushlightuserdata(L, (void *)fn->fn);
        lua_pushcclosure(L, l_run_watched, 1);
        lua_setfield(L, -2, fn->name);
    }
}
