/* walk.h - C stacks without a debugger's tables, for handlers of signals. */
/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <ucontext.h>

enum { WALK_PCS = 48 };

/* Finds out where code lies, for this process and those forked from it. One thread; a second time
 * is fine. */
void walk_init(void);

/* For a signal's handler: the stack that `context` has interrupted into `pcs`, innermost first, up
 * to the function whose frame is `end`, with it or without; returns how many. It looks at nothing
 * but the stack from where it is up to `end`. */
uint32_t walk_take(uint64_t pcs[WALK_PCS], const ucontext_t *context, const void *end, bool with);

/* Where `context` was interrupted, and its stack pointer then. */
uint64_t walk_pc(const ucontext_t *context);
uint64_t walk_sp(const ucontext_t *context);

/* Is it code of this program, or of this program or one of its libraries? */
bool walk_is_own(uint64_t pc);
bool walk_is_code(uint64_t pc);
