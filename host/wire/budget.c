/* budget.c - counting by worker, and the sum of that. */
/* SPDX-License-Identifier: MIT */
#include "wire/budget.h"

bool budget_take(struct budget *budget, size_t slot, size_t bytes)
{
    atomic_fetch_add(&budget->used_bytes[slot], bytes);
    if (!budget->limit_bytes || budget_used(budget) <= budget->limit_bytes)
        return true;
    budget_give(budget, slot, bytes);
    return false;
}

void budget_give(struct budget *budget, size_t slot, size_t bytes)
{
    atomic_fetch_sub(&budget->used_bytes[slot], bytes);
}

void budget_reset(struct budget *budget, size_t slot)
{
    atomic_store(&budget->used_bytes[slot], 0);
}

uint64_t budget_used(const struct budget *budget)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < BUDGET_SLOTS_MAX; i++)
        sum += atomic_load_explicit(&budget->used_bytes[i], memory_order_relaxed);
    return sum;
}
