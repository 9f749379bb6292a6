/* fib.c - Fibonacci numbers by plain double recursion, to keep a processor and its stack busy. */
/* SPDX-License-Identifier: MIT */
#include "args.h"

enum {
    FIB_N_MAX = 45,
    UNWATCHED = 28, /* takes half a millisecond; less of it costs more */
};

/* As gcc -O2 likes it: it makes loops of some of the calls and unrolls others, in fewer but larger
 * frames. The stack still grows with n, to two thirds of what one frame a call would take; keeping
 * gcc from that takes three times as long. */
static uint64_t fib(unsigned n)
{
    return n < 2 ? n : fib(n - 1) + fib(n - 2);
}

static uint64_t fib_watched(unsigned n)
{
    if (native_stopped())
        return 0;
    return n <= UNWATCHED ? fib(n) : fib_watched(n - 1) + fib_watched(n - 2);
}

/* -- Binding ------------------------------------------------------------------------------- */

static int l_recursive(lua_State *L)
{
    unsigned n = (unsigned)l_arg_integer(L, 1, 0, FIB_N_MAX);
    lua_pushnumber(L, (lua_Number)fib_watched(n));
    return 1;
}

static const struct native_fn fns[] = {
    {"recursive", "fib.recursive(n) -> the n-th Fibonacci number, n from 0 to 45", l_recursive},
    {NULL, NULL, NULL},
};

const struct native native_fib = {"fib", "Fibonacci numbers by double recursion", fns};
