/* heap_inside.h - the parts of a heap, for its own files. */
/* SPDX-License-Identifier: MIT */
#pragma once

#include "worker/bits.h"
#include "worker/heap.h"

/* Reserved addresses cost nothing until touched: 1 GiB of pages, so that any region serves any
 * function's limit; a map with one bit for each page, set when it is used; marks with one bit for
 * each HEAP_GRAIN bytes, all 0 except while free blocks are merged. */
enum {
    HEAP_GRAIN = 16,
    HEAP_PAGE_GRAINS = HEAP_PAGE / HEAP_GRAIN,
    HEAP_RESERVE = 1 << 18,
    HEAP_MAP_BYTES = HEAP_RESERVE / 8,
    HEAP_MARK_BYTES = HEAP_RESERVE / 8 * HEAP_PAGE_GRAINS,
    HEAP_PAGES_AT = HEAP_PAGE + HEAP_MAP_BYTES + HEAP_MARK_BYTES,
};

static inline uint64_t *heap_page_map(const struct heap *h)
{
    return (uint64_t *)((char *)h + HEAP_PAGE);
}

static inline uint64_t *heap_marks(const struct heap *h)
{
    return (uint64_t *)((char *)h + HEAP_PAGE + HEAP_MAP_BYTES);
}

static inline char *heap_page_at(const struct heap *h, size_t page)
{
    return (char *)h + HEAP_PAGES_AT + page * HEAP_PAGE;
}

static inline size_t heap_page_of(const struct heap *h, const void *p)
{
    return (size_t)((const char *)p - heap_page_at(h, 0)) / HEAP_PAGE;
}

static inline size_t heap_pages_for(size_t size)
{
    return (size + HEAP_PAGE - 1) / HEAP_PAGE;
}

/* -- Pages: heap_pages.c ----------------------------------------------------------------------- */

/* Bytes in heap_account's count: true when they may be touched. */
bool heap_count(size_t bytes);
void heap_uncount(size_t bytes);

/* The bytes that count for a region whose pages below `high_page` were touched. */
size_t heap_region_bytes(size_t high_page);

/* The first free run of `count` pages; it may reach past the top. */
size_t heap_pages_find(struct heap *h, size_t count);

/* Uses free pages. False: the limit, the region or the count does not allow them. */
bool heap_pages_use(struct heap *h, size_t page, size_t count);
void heap_pages_give(struct heap *h, size_t page, size_t count);

/* Grows or shrinks a run where it lies. False: what follows is in use, or as heap_pages_use. */
bool heap_pages_resize(struct heap *h, size_t page, size_t old_count, size_t count);

/* -- Merging: heap_coalesce.c ------------------------------------------------------------------ */

/* True when the free bytes of used pages are many in comparison to the live ones. */
bool heap_is_hollow(const struct heap *h);

/* Merges free neighbours, or goes on with it, when the heap is hollow and enough has been freed
 * since the last time to pay for it. False: nothing was due. */
bool heap_coalesce_when_due(struct heap *h);

/* As above, when the limit is reached. False when next to nothing has been freed since. */
bool heap_coalesce_at_limit(struct heap *h);

/* Merges free neighbours; whole free pages go back to the page map. False: the count does not
 * allow the marks that this needs. */
bool heap_coalesce(struct heap *h);

/* Gives the memory of the marks back; no merging may be half done, or the heap starts anew. */
void heap_drop_marks(struct heap *h);

/* Before the heap is started anew or restored, for merging may have been half done. */
void heap_forget_marks(struct heap *h);
