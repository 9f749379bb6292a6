/* heap.h - the memory of one vm: a region of addresses, given out by size class. */
/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The region starts with this header. A map of used pages, room for marks and the pages follow.
 * All state lies in the region, so a copy of its used pages is a copy of the heap.
 *
 * Blocks have no headers: whoever frees one says its size, as lua_Alloc does. Blocks of up to
 * HEAP_SMALL_MAX bytes are cut from runs of pages and go back to a list of their size class. Larger
 * ones are runs of whole pages, where neighbours merge at once. Free neighbours among the small
 * merge when they have become many, or when the limit would be reached (heap_coalesce.c).
 *
 * One thread. */
enum {
    HEAP_SMALL_MAX = 32 << 10,
    HEAP_CLASSES = 128,
    HEAP_PAGE = 4096,
    HEAP_SEARCHES = 64,
    HEAP_RUNS = 2
};

enum heap_merging { HEAP_RESTS, HEAP_DRAINS, HEAP_PLACES };

/* The rest of pages that small blocks are cut from. */
struct heap_run {
    char *at, *end;
};

struct heap {
    size_t limit_pages; /* what may be used, of reserve_pages */
    size_t reserve_pages;
    size_t used_pages, peak_pages;   /* the peak is that of used and outside pages together */
    size_t outside_pages;            /* heap_take_outside's; limit_pages is less by these */
    size_t top_page;                 /* pages at and past it are free */
    size_t high_page;                /* pages at and past it were never touched */
    size_t mark_pages;               /* of the marks, so many were touched */
    struct heap_run runs[HEAP_RUNS]; /* of tiny blocks, and of other small ones */
    size_t put_bytes, got_bytes;     /* what the lists were given, and what was taken from them */
    size_t merged_at;                /* put_bytes when free blocks were merged last */
    enum heap_merging merging;
    size_t marked_bytes, place_at; /* free, but in no list; marks past place_at are none */
    void *free_list[HEAP_CLASSES];
    uint64_t filled[HEAP_CLASSES / 64]; /* a class whose bit is 0 has an empty list */
    uint32_t search[HEAP_SEARCHES];     /* no n + 1 free pages lie together below search[n] */
    bool starved;                       /* full because heap_account's `ask` said no */
    size_t tight_at;                    /* used pages from which on_tight is called next */
    void (*on_full)(void *owner, size_t wanted); /* does not return */
    void (*on_tight)(void *owner);               /* NULL: nobody asks */
    void (*on_long)(void *owner);                /* NULL: nobody looks */
    void *owner;
};

/* A new, empty region. NULL when the system has no address space left. */
struct heap *heap_open(void);
void heap_close(struct heap *heap);

/* Empties the heap and sets what it may hold. `on_full` is called, and must leave by a jump, when
 * memory is asked for past the limit: compiled Lua code does not survive a NULL. */
void heap_start(struct heap *heap, size_t limit_bytes, void (*on_full)(void *, size_t),
                void *owner);

/* `on_tight` is called, from within an allocation, when more than half of the limit is used, and
 * again for each eighth more: time to look for garbage. It may not allocate. */
void heap_on_tight(struct heap *heap, void (*on_tight)(void *owner));

/* `on_long` is called now and then from within an allocation that takes long. It may leave by a
 * jump, as on_full does, and may not allocate. */
void heap_on_long(struct heap *heap, void (*on_long)(void *owner));

/* Counts memory outside of the region, such as machine code, in the heap's limit and peak and in
 * heap_account's count. Bytes are rounded up to whole pages.
 *
 *   fails   false: the limit or the count does not allow them
 */
bool heap_take_outside(struct heap *heap, size_t bytes);
void heap_give_outside(struct heap *heap, size_t bytes);

/* lua_Alloc's contract, with `heap` as its user data, but never NULL for a size over 0. */
void *heap_alloc(void *heap, void *block, size_t old_size, size_t size);

/* As heap_alloc, for closing what lives in a heap that is then started anew or closed: what is
 * given back is not kept for reuse. */
void *heap_alloc_last(void *heap, void *block, size_t old_size, size_t size);

/* `on_sample` is called once about `after_bytes` more were asked for, of any heap, from within the
 * allocation that passes them, with its bytes; it says when next. It may not allocate. */
void heap_sample(uint64_t after_bytes, void (*on_sample)(size_t size));

/* Counts the memory that heaps and images of this process touch. `ask` is called before more is
 * touched; where it returns false, the heap is full. `tell` is called with what went back to the
 * system. */
void heap_account(bool (*ask)(size_t bytes), void (*tell)(size_t bytes));

size_t heap_used_bytes(const struct heap *heap);
size_t heap_peak_bytes(const struct heap *heap);
size_t heap_limit_bytes(const struct heap *heap);

/* The largest limit a heap can have. */
size_t heap_limit_max(void);

/* Gives memory past `keep_bytes` back to the system. The heap must be about to start anew. */
void heap_trim(struct heap *heap, size_t keep_bytes);
