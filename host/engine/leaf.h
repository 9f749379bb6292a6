/* leaf.h - libc's memcpy and its kin, which a jump may leave. */
/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

/* A copy of some hundred megabytes takes longer than a call may be late. A signal's handler that
 * interrupts libc cannot see whether a lock is held there; so the build leads LuaJIT's calls of
 * functions that hold nothing here, where they are marked as such while they run. */
extern volatile bool leaf_runs;

/* Short ones are not worth the mark. */
void *luajit_memcpy(void *to, const void *from, size_t len);
void *luajit_memmove(void *to, const void *from, size_t len);
void *luajit_memset(void *to, int byte, size_t len);
int luajit_memcmp(const void *a, const void *b, size_t len);
void *luajit_memchr(const void *at, int byte, size_t len);
size_t luajit_strlen(const char *text);
char *luajit_strchr(const char *text, int byte);
unsigned long luajit_strtoul(const char *text, char **end, int base);
unsigned long luajit_isoc23_strtoul(const char *text, char **end, int base);
