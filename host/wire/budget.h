/* budget.h - what the heaps of all workers may hold together. */
/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { BUDGET_SLOTS_MAX = 64 };

/* In memory that front and workers share. Each worker counts in a place of its own, so that what
 * one had is known when it has died. One that breaks out of Lua can make calls of others fail for
 * want of memory by what it writes here, but nothing else. */
struct budget {
    uint64_t limit_bytes; /* 0: no limit; set before the first fork */
    _Atomic uint64_t used_bytes[BUDGET_SLOTS_MAX];
};

/* Counts `bytes` more for the worker `slot`, unless all together would then have more than the
 * limit: false. Two that ask at once for the last of it may both be refused. */
bool budget_take(struct budget *budget, size_t slot, size_t bytes);
void budget_give(struct budget *budget, size_t slot, size_t bytes);

/* Forgets what a worker had that is gone. */
void budget_reset(struct budget *budget, size_t slot);

uint64_t budget_used(const struct budget *budget);
