/* leaf.c - memcpy and its kin as LuaJIT sees them. */
/* SPDX-License-Identifier: MIT */
#include "engine/leaf.h"

#include <stdlib.h>
#include <string.h>

enum { SHORT_MAX = 64 << 10 };

volatile bool leaf_runs;

/* The value of `call`, marked. The fences keep the compiler from moving it out of the marks. */
#define LEAF(call)                                                                                 \
    ({                                                                                             \
        leaf_runs = true;                                                                          \
        atomic_signal_fence(memory_order_seq_cst);                                                 \
        __auto_type result = call;                                                                 \
        atomic_signal_fence(memory_order_seq_cst);                                                 \
        leaf_runs = false;                                                                         \
        result;                                                                                    \
    })

void *luajit_memcpy(void *to, const void *from, size_t len)
{
    return len <= SHORT_MAX ? memcpy(to, from, len) : LEAF(memcpy(to, from, len));
}

void *luajit_memmove(void *to, const void *from, size_t len)
{
    return len <= SHORT_MAX ? memmove(to, from, len) : LEAF(memmove(to, from, len));
}

void *luajit_memset(void *to, int byte, size_t len)
{
    return len <= SHORT_MAX ? memset(to, byte, len) : LEAF(memset(to, byte, len));
}

int luajit_memcmp(const void *a, const void *b, size_t len)
{
    return len <= SHORT_MAX ? memcmp(a, b, len) : LEAF(memcmp(a, b, len));
}

void *luajit_memchr(const void *at, int byte, size_t len)
{
    return len <= SHORT_MAX ? memchr(at, byte, len) : LEAF(memchr(at, byte, len));
}

size_t luajit_strlen(const char *text)
{
    return LEAF(strlen(text));
}

char *luajit_strchr(const char *text, int byte)
{
    return LEAF(strchr(text, byte));
}

unsigned long luajit_strtoul(const char *text, char **end, int base)
{
    return LEAF(strtoul(text, end, base));
}
