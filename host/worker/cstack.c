/* cstack.c - where the C stack is, and where it is to end. */
/* SPDX-License-Identifier: MIT */
#include "worker/cstack.h"

#include <luajit-2.1/lauxlib.h>
#include <signal.h>
#include <stdint.h>

#include "base/walk.h"
#include "worker/safepoint.h"

enum { SHARE_BYTES = 256 << 10, NEAR_BYTES = 64 << 10 };

/* Sanitizers have a handler of their own, for their reports. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { HAS_GUARD = 0 };
#else
enum { HAS_GUARD = 1 };
#endif

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

/* -- The end of the stack -------------------------------------------------------------------- */

/* A frame that does not fit touches memory near the stack pointer, far below what a call may use.
 */
static bool is_overflow(const siginfo_t *info, const ucontext_t *context)
{
    uintptr_t sp = walk_sp(context), address = (uintptr_t)info->si_addr;

    return sp < lowest && address + NEAR_BYTES > sp && address < sp + NEAR_BYTES;
}

/* On a stack of its own. When it returns, the same fault ends the process; a signal that was sent
 * does not come again by itself. */
static void on_fault(int signal, siginfo_t *info, void *context)
{
    const struct sigaction fatal = {.sa_handler = SIG_DFL};

    if (is_overflow(info, context))
        safepoint_leave_full(context);
    sigaction(signal, &fatal, NULL);
    if (info->si_code <= 0)
        raise(signal);
}

bool cstack_guard(void)
{
    static char stack[64 << 10];
    const stack_t other = {.ss_sp = stack, .ss_size = sizeof(stack)};
    const struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK};

    if (!HAS_GUARD)
        return true;
    walk_init();
    return sigaltstack(&other, NULL) == 0 && sigaction(SIGSEGV, &action, NULL) == 0;
}
