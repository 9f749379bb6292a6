/* index.c - open addressing with linear probing. */
/* SPDX-License-Identifier: MIT */
#include "profile/index.h"

#include <assert.h>
#include <stdatomic.h>
#include <sys/auxv.h>

enum { FIRST_ROOM = 64 };

struct slot {
    uint32_t hash, number_and_1; /* 0: free */
};

/* getauxval searches, so its answer is kept: any thread may find it first, for it is the same. */
static uint64_t seed(void)
{
    static _Atomic uint64_t kept;
    uint64_t it = atomic_load_explicit(&kept, memory_order_relaxed);

    if (!it) {
        memcpy(&it, (const void *)getauxval(AT_RANDOM), sizeof(it));
        atomic_store_explicit(&kept, it, memory_order_relaxed);
    }
    return it;
}

static uint64_t mix(uint64_t h)
{
    h *= 0x9E3779B97F4A7C15;
    return h ^ h >> 29;
}

uint64_t index_hash64(const void *bytes, size_t len)
{
    const char *from = bytes;
    uint64_t h = seed() ^ len, word;

    for (; len >= sizeof(word); from += sizeof(word), len -= sizeof(word)) {
        memcpy(&word, from, sizeof(word));
        h = mix(h ^ word);
    }
    if (len) {
        word = 0;
        memcpy(&word, from, len);
        h = mix(h ^ word);
    }
    return mix(h);
}

uint32_t index_hash(const void *bytes, size_t len)
{
    return (uint32_t)(index_hash64(bytes, len) >> 32);
}

static struct slot *slot_at(const struct index *ix, size_t at)
{
    return (struct slot *)ix->slots.at + (at & (ix->room - 1));
}

uint32_t index_next(const struct index *ix, uint32_t hash, size_t *at)
{
    while (*at < ix->room) {
        const struct slot *slot = slot_at(ix, hash + (*at)++);

        if (!slot->number_and_1)
            break;
        if (slot->hash == hash)
            return slot->number_and_1 - 1;
    }
    return INDEX_NONE;
}

static void put(struct index *ix, struct slot new)
{
    size_t at = new.hash;

    while (slot_at(ix, at)->number_and_1)
        at++;
    *slot_at(ix, at) = new;
    ix->used++;
}

static void grow(struct index *ix)
{
    struct index larger = {.room = ix->room ? 2 * ix->room : FIRST_ROOM};
    size_t bytes = larger.room * sizeof(struct slot);

    memset(buf_extend(&larger.slots, bytes), 0, bytes);
    for (size_t i = 0; i < ix->room; i++)
        if (slot_at(ix, i)->number_and_1)
            put(&larger, *slot_at(ix, i));
    index_fini(ix);
    *ix = larger;
}

void index_add(struct index *ix, uint32_t hash, uint32_t number)
{
    assert(number < INDEX_MAX);
    if (4 * (ix->used + 1) > 3 * ix->room)
        grow(ix);
    put(ix, (struct slot){hash, number + 1});
}

void index_clear(struct index *ix)
{
    if (ix->room)
        memset(ix->slots.at, 0, ix->room * sizeof(struct slot));
    ix->used = 0;
}

void index_fini(struct index *ix)
{
    buf_fini(&ix->slots);
    *ix = (struct index){0};
}
