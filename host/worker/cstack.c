/* cstack.c - where the C stack is, and where it is to end. */
/* SPDX-License-Identifier: MIT */
#include "worker/cstack.h"

#include <luajit-2.1/lauxlib.h>
#include <stdint.h>

enum { SHARE_BYTES = 256 << 10 };

static uintptr_t lowest;

void cstack_begin(void)
{
    lowest = (uintptr_t)__builtin_frame_address(0) - SHARE_BYTES;
}

bool cstack_is_full(void)
{
    return (uintptr_t)__builtin_frame_address(0) < lowest;
}

void l_cstack_check(lua_State *L)
{
    if (cstack_is_full())
        luaL_error(L, "C stack overflow");
}

int l_cstack_is_full(lua_State *L)
{
    lua_pushboolean(L, cstack_is_full());
    return 1;
}
