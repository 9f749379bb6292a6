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

/* LuaJIT also asks for nothing, at NULL, which libc does not promise to take. */
#define BYTES(call, none) (len == 0 ? (none) : len <= SHORT_MAX ? (call) : LEAF(call))

void *luajit_memcpy(void *to, const void *from, size_t len)
{
    return BYTES(memcpy(to, from, len), to);
}

void *luajit_memmove(void *to, const void *from, size_t len)
{
    return BYTES(memmove(to, from, len), to);
}

void *luajit_memset(void *to, int byte, size_t len)
{
    return BYTES(memset(to, byte, len), to);
}

int luajit_memcmp(const void *a, const void *b, size_t len)
{
    return BYTES(memcmp(a, b, len), 0);
}

void *luajit_memchr(const void *at, int byte, size_t len)
{
    return BYTES(memchr(at, byte, len), NULL);
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

unsigned long luajit_isoc23_strtoul(const char *text, char **end, int base)
    __attribute__((alias("luajit_strtoul")));
