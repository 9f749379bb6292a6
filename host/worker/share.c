/* share.c - the budget as heaps know it. */
/* SPDX-License-Identifier: MIT */
#include "worker/share.h"

#include "worker/heap.h"

static struct budget *budget;
static size_t own;

static bool take(size_t bytes)
{
    return budget_take(budget, own, bytes);
}

static void give(size_t bytes)
{
    budget_give(budget, own, bytes);
}

void share_init(const struct switchboard *board, size_t slot)
{
    budget = board->budget;
    own = slot;
    heap_account(take, give);
}
