/* tallies.c - a place for each function's count, never given back. */
/* SPDX-License-Identifier: MIT */
#include "profile/tallies.h"

static struct call_tally *add(struct tallies *t, uint32_t count, struct str name)
{
    struct call_tally *it = &t->all[count];

    memcpy(it->name, name.at, name.len);
    atomic_store_explicit(&t->count, count + 1, memory_order_release);
    return it;
}

struct call_tally *tallies_of(struct tallies *t, struct str name)
{
    uint32_t count = atomic_load_explicit(&t->count, memory_order_relaxed);

    for (uint32_t i = 0; i < count; i++)
        if (strncmp(t->all[i].name, name.at, name.len) == 0 && !t->all[i].name[name.len])
            return &t->all[i];
    if (count == TALLIES_MAX)
        return &t->all[TALLIES_MAX - 1];
    return add(t, count, count < TALLIES_MAX - 1 ? name : str_of(table_other_function));
}

/* Nobody else writes it. */
void tallies_count(struct call_tally *tally, enum sample_start start)
{
    uint64_t ended = atomic_load_explicit(&tally->ended[start], memory_order_relaxed);

    atomic_store_explicit(&tally->ended[start], ended + 1, memory_order_relaxed);
}

uint32_t tallies_used(const struct tallies *t)
{
    return atomic_load_explicit(&t->count, memory_order_acquire);
}

uint64_t tallies_ended(const struct tallies *t, uint32_t tally, enum sample_start start)
{
    return atomic_load_explicit(&t->all[tally].ended[start], memory_order_relaxed);
}
