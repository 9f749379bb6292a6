/* fib.c - Fibonacci numbers by plain double recursion, to keep a processor and its stack busy. */
/* SPDX-License-Identifier: MIT */
#include "args.h"

enum { FIB_N_MAX = 45 };

/* The barrier hides both results from gcc, which would otherwise make a loop of one of the calls:
 * the point of this native is the depth of its stack. */
__attribute__((noinline, noclone)) static uint64_t fib(unsigned n)
{
    if (n < 2)
        return n;
    uint64_t first = fib(n - 1);
    uint64_t second = fib(n - 2);
    __asm__ volatile("" : "+r"(first), "+r"(second));
    return first + second;
}

/* -- Binding ------------------------------------------------------------------------------- */

static int l_recursive(lua_State *L)
{
    unsigned n = (unsigned)l_arg_integer(L, 1, 0, FIB_N_MAX);
    lua_pushnumber(L, (lua_Number)fib(n));
    return 1;
}

static const struct native_fn fns[] = {
    {"recursive", "fib.recursive(n) -> the n-th Fibonacci number, n from 0 to 45", l_recursive},
    {NULL, NULL, NULL},
};

const struct native native_fib = {"fib", "Fibonacci numbers by double recursion", fns};
