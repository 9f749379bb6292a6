/* ring_fixture.h - a ring between two pages that nobody may touch, and records made of a seed. */
/* SPDX-License-Identifier: MIT */
#pragma once

#include "../base/cases.h"

#include <sys/mman.h>

#include "wire/ring.h"

enum { GUARD = 4096, RECORD_MOST = 1 << 20 };

struct guarded {
    char *mapping;
    size_t memory;
    struct ring *ring;
    struct ring_end writer, reader;
};

/* The bytes of the ring end where the last guard page begins. */
static inline struct guarded guarded_open(size_t memory)
{
    struct guarded g = {.memory = memory};
    size_t pages = (memory + GUARD - 1) / GUARD * GUARD;

    g.mapping = mmap(NULL, pages + 2 * GUARD, PROT_NONE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(g.mapping, MAP_FAILED);
    assert_int_equal(mprotect(g.mapping + GUARD, pages, PROT_READ | PROT_WRITE), 0);
    g.ring = (struct ring *)(g.mapping + GUARD + pages - memory);
    ring_reset(g.ring);
    g.writer = g.reader = ring_end_of(g.ring, memory);
    return g;
}

static inline void guarded_close(struct guarded *g)
{
    munmap(g->mapping, (g->memory + GUARD - 1) / GUARD * GUARD + (size_t)2 * GUARD);
}

/* As if nothing had been written yet; what lies in the ring stays. */
static inline void guarded_reset(struct guarded *g)
{
    ring_reset(g->ring);
    g->writer = g->reader = ring_end_of(g->ring, g->memory);
}

/* `len` bytes told by `seed`; they die with the next call of the same thread. */
static inline struct str record_of(uint64_t seed, size_t len)
{
    static _Thread_local char bytes[RECORD_MOST];

    for (size_t i = 0; i < len; i++)
        bytes[i] = (char)(seed * 31 + i * 7 + (i >> 8));
    return (struct str){bytes, len};
}

static inline bool put_record(struct guarded *g, uint64_t seed, size_t len)
{
    return ring_write(&g->writer, record_of(seed, len), NULL, 0);
}

/* True when the next record is the one of `seed`, which is then consumed. */
static inline bool take_record(struct guarded *g, uint64_t seed, size_t len)
{
    struct str record;

    if (ring_read(&g->reader, &record) != RING_RECORD || !str_equal(record, record_of(seed, len)))
        return false;
    ring_consume(&g->reader, record);
    return true;
}

/* Pages of the ring that take up memory. */
static inline size_t resident_pages(const struct guarded *g)
{
    static unsigned char map[1 << 16];
    size_t pages = (g->memory + GUARD - 1) / GUARD, count = 0;

    assert_in_range(pages, 0, sizeof(map));
    assert_int_equal(mincore(g->mapping + GUARD, pages * GUARD, map), 0);
    for (size_t i = 0; i < pages; i++)
        count += map[i] & 1;
    return count;
}
