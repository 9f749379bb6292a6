/* cstack.c - where the C stack is, and where it is to end. */
/* SPDX-License-Identifier: MIT */
#include "worker/cstack.h"

#include <luajit-2.1/lauxlib.h>
#include <stdint.h>
#include <sys/resource.h>

static struct {
    size_t share; /* bytes; 0: not known yet */
    uintptr_t lowest;
} s;

/* A stack without a limit is taken for one of the usual size. */
static size_t find_share(void)
{
    enum { USUAL = 8 << 20, MOST = 64 << 20 };
    struct rlimit limit;

    if (getrlimit(RLIMIT_STACK, &limit) != 0 || limit.rlim_cur > MOST)
        return USUAL / 2;
    return limit.rlim_cur / 2;
}

void cstack_begin(void)
{
    if (s.share == 0)
        s.share = find_share();
    s.lowest = (uintptr_t)__builtin_frame_address(0) - s.share;
}

void l_cstack_check(lua_State *L)
{
    if ((uintptr_t)__builtin_frame_address(0) < s.lowest)
        luaL_error(L, "C stack overflow");
}
