/* natives.c - the one list of what functions can require. */
/* SPDX-License-Identifier: MIT */
#include "native.h"

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

const struct native *native_find(const char *name)
{
    for (size_t i = 0; natives[i]; i++) {
        if (strcmp(natives[i]->name, name) == 0)
            return natives[i];
    }
    return NULL;
}

void l_native_push(lua_State *L, const struct native *native)
{
    lua_newtable(L);
    for (const struct native_fn *fn = native->fns; fn->name; fn++) {
        lua_pushcfunction(L, fn->fn);
        lua_setfield(L, -2, fn->name);
    }
}
