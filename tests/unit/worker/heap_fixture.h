/* heap_fixture.h - heaps whose limit is survived, and blocks that know what is in them. */
/* SPDX-License-Identifier: MIT */
#pragma once

#include "../base/cases.h"

#include "worker/heap.h"
#include "worker/heap_image.h"

static sigjmp_buf heap_escape;
static size_t heap_wanted; /* what on_full was told last */

static inline void heap_leave(void *owner, size_t wanted)
{
    (void)owner;
    heap_wanted = wanted;
    siglongjmp(heap_escape, 1);
}

/* As heap_alloc, but NULL when the heap is full. */
static inline void *try_alloc(struct heap *heap, void *block, size_t old_size, size_t size)
{
    if (sigsetjmp(heap_escape, 0) != 0)
        return NULL;
    return heap_alloc(heap, block, old_size, size);
}

static inline struct heap *open_heap(size_t limit_bytes)
{
    struct heap *heap = heap_open();

    assert_non_null(heap);
    heap_start(heap, limit_bytes, heap_leave, NULL);
    return heap;
}

/* A block and the seed of its contents. */
struct block {
    unsigned char *at;
    size_t size;
    uint64_t seed;
};

static inline unsigned char block_byte(const struct block *b, size_t i)
{
    return (unsigned char)((b->seed + i * 0x9E3779B97F4A7C15ULL) >> 56);
}

static inline void block_fill(const struct block *b, size_t from)
{
    for (size_t i = from; i < b->size; i++)
        b->at[i] = block_byte(b, i);
}

static inline void block_check(const struct block *b, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (b->at[i] != block_byte(b, i))
            fail_msg("byte %zu of a block of %zu has changed", i, b->size);
}

/* Makes the block `size` bytes large (0: frees it). False when the heap is full. */
static inline bool block_resize(struct heap *heap, struct block *b, size_t size)
{
    size_t kept = b->size < size ? b->size : size;
    unsigned char *at = try_alloc(heap, b->at, b->size, size);

    if (!at && size)
        return false;
    assert_int_equal((uintptr_t)at % 16, 0);
    *b = (struct block){at, size, b->seed};
    block_check(b, kept);
    block_fill(b, kept);
    return true;
}
