/* heap.c - blocks of a heap: small ones by size class, large ones by pages. */
/* SPDX-License-Identifier: MIT */
#include "worker/heap_lists.h"

#include <assert.h>
#include <string.h>
#include <sys/mman.h>

#include "engine/leaf.h"

/* Pages are taken for small blocks by so many. Tiny blocks, most objects of Lua, lie apart from
 * others, mostly texts: where few objects outlive many texts, pages of texts become free. Tiny ones
 * are not cut from blocks larger than SCRAP_MAX while there are pages to take for them. */
enum { RUN_PAGES = 4, TINY_MAX = 128, SCRAP_MAX = 512 };

static const size_t region_bytes = HEAP_PAGES_AT + (size_t)HEAP_RESERVE * HEAP_PAGE;

_Static_assert(sizeof(struct heap) <= HEAP_PAGE, "the header is one page");

/* Of all heaps, as one thread has them. */
static struct {
    int64_t left;
    void (*on_sample)(size_t size);
} sampling;

/* -- Small blocks ---------------------------------------------------------------------------- */

static void *pop(struct heap *h, size_t class)
{
    void *block = h->free_list[class];

    h->free_list[class] = *(void **)block;
    h->got_bytes += heap_class_size(class);
    return block;
}

/* The smallest class from `class` on whose list is not empty, or HEAP_CLASSES. */
static size_t filled_class(struct heap *h, size_t class)
{
    while ((class = bits_next(h->filled, class, HEAP_CLASSES, true)) < HEAP_CLASSES) {
        if (h->free_list[class])
            break;
        h->filled[class / BITS_WORD] &= ~(1ULL << (class % BITS_WORD));
    }
    return class;
}

static void set_run(struct heap *h, struct heap_run *run, char *at, char *end)
{
    heap_push_all(h, run->at, run->end);
    *run = (struct heap_run){at, end};
}

static struct heap_run *run_of(struct heap *h, size_t size)
{
    return &h->runs[size > TINY_MAX];
}

/* Cuts the block from the smallest free one that is large enough, but not larger than `most`. NULL:
 * none is. Of the rest and the run, the larger one is the run from then on. */
static void *split(struct heap *h, size_t class, size_t most)
{
    size_t found = filled_class(h, class), size = heap_class_size(class);

    if (found == HEAP_CLASSES || heap_class_size(found) > most)
        return NULL;
    struct heap_run *run = run_of(h, size);
    char *block = pop(h, found), *rest = block + size, *end = block + heap_class_size(found);
    if (end - rest > run->end - run->at)
        set_run(h, run, rest, end);
    else
        heap_push_all(h, rest, end);
    return block;
}

static size_t at_most(size_t value, size_t most)
{
    return value < most ? value : most;
}

/* Takes pages for a run with room for `size` bytes; those that follow the run make it longer. */
static bool grow_run(struct heap *h, struct heap_run *run, size_t size)
{
    size_t left = (size_t)(run->end - run->at), need = heap_pages_for(size);
    size_t page = heap_pages_find(h, need);
    bool joins = left && run->end == heap_page_at(h, page);

    if (joins)
        need = heap_pages_for(size - left);
    size_t most = need < RUN_PAGES ? at_most(RUN_PAGES, h->limit_pages - h->used_pages) : need;
    size_t known = at_most(page + most, h->top_page);
    size_t end = bits_next(heap_page_map(h), page, known, true);
    size_t count = end < known ? end - page : most;
    if (count < need)
        count = need;
    if (!heap_pages_use(h, page, count))
        return false;
    if (!joins)
        set_run(h, run, heap_page_at(h, page), heap_page_at(h, page));
    run->end = heap_page_at(h, page + count);
    return true;
}

static void *cut(struct heap_run *run, size_t size)
{
    void *block = run->at;

    run->at += size;
    return block;
}

/* The lists have no block of this class, and the run no room for one. */
static void *take_elsewhere(struct heap *h, size_t class)
{
    size_t size = heap_class_size(class);
    size_t most = size <= TINY_MAX && !heap_is_hollow(h) ? SCRAP_MAX : HEAP_SMALL_MAX;
    void *block = split(h, class, most);

    if (!block && heap_coalesce_when_due(h))
        block = split(h, class, most);
    while (!block) {
        if (grow_run(h, run_of(h, size), size))
            return cut(run_of(h, size), size);
        block = split(h, class, HEAP_SMALL_MAX);
        if (!block && !heap_coalesce_at_limit(h))
            h->on_full(h->owner, heap_pages_for(size) * HEAP_PAGE);
    }
    return block;
}

static inline void *take_small(struct heap *h, size_t class, size_t size)
{
    struct heap_run *run = run_of(h, size);
    void *block = h->free_list[class];

    if (block) {
        h->free_list[class] = *(void **)block;
        h->got_bytes += size;
        return block;
    }
    if ((size_t)(run->end - run->at) >= size)
        return cut(run, size);
    return take_elsewhere(h, class);
}

/* -- Blocks ---------------------------------------------------------------------------------- */

/* Rare cases are not inlined: frequent ones would save registers for them too. */
static __attribute__((noinline)) void *take_pages(struct heap *h, size_t count)
{
    size_t page = heap_pages_find(h, count);

    if (page + count > h->top_page && heap_coalesce_when_due(h))
        page = heap_pages_find(h, count);
    while (!heap_pages_use(h, page, count)) {
        if (!heap_coalesce_at_limit(h))
            h->on_full(h->owner, count * HEAP_PAGE);
        page = heap_pages_find(h, count);
    }
    return heap_page_at(h, page);
}

/* The sizes of most blocks have a path of their own: their class needs no branch. */
static inline void *take(struct heap *h, size_t size)
{
    if (size <= HEAP_FINE_MAX) {
        size_t steps = (size + HEAP_FINE_STEP - 1) / HEAP_FINE_STEP;

        return take_small(h, steps - 1, steps * HEAP_FINE_STEP);
    }
    if (size > HEAP_SMALL_MAX)
        return take_pages(h, heap_pages_for(size));
    size_t class = heap_class_of(size);
    return take_small(h, class, heap_class_size(class));
}

static void give(struct heap *h, void *block, size_t size)
{
    if (size <= HEAP_SMALL_MAX)
        heap_push(h, block, heap_class_of(size));
    else
        heap_pages_give(h, heap_page_of(h, block), heap_pages_for(size));
}

/* Shrinking leaves a block where it is, so it never fails. One that grows may find room in the run
 * behind it. */
static bool resize_small(struct heap *h, char *block, size_t old_size, size_t size)
{
    size_t had = heap_class_size(heap_class_of(old_size));
    size_t needs = heap_class_size(heap_class_of(size));

    if (needs <= had) {
        heap_push_all(h, block + needs, block + had);
        return true;
    }
    struct heap_run *run = run_of(h, had);
    if (block + had != run->at || needs - had > (size_t)(run->end - run->at))
        return false;
    run->at += needs - had;
    return true;
}

/* A large block that becomes a small one keeps its first pages. */
static void shrink_to_small(struct heap *h, char *block, size_t old_size, size_t size)
{
    size_t needs = heap_class_size(heap_class_of(size)), pages = heap_pages_for(needs);

    heap_pages_resize(h, heap_page_of(h, block), heap_pages_for(old_size), pages);
    heap_push_all(h, block + needs, block + pages * HEAP_PAGE);
}

static bool resize_large(struct heap *h, void *block, size_t old_size, size_t size)
{
    size_t page = heap_page_of(h, block), had = heap_pages_for(old_size);
    size_t needs = heap_pages_for(size);

    if (needs > had && needs - had > h->limit_pages - h->used_pages)
        heap_coalesce_at_limit(h);
    return heap_pages_resize(h, page, had, needs);
}

/* True when a block of `old_size` bytes serves for `size` bytes where it is. */
static bool fits_in_place(struct heap *h, void *block, size_t old_size, size_t size)
{
    if (old_size <= HEAP_SMALL_MAX)
        return size <= HEAP_SMALL_MAX && resize_small(h, block, old_size, size);
    if (size > HEAP_SMALL_MAX)
        return resize_large(h, block, old_size, size);
    shrink_to_small(h, block, old_size, size);
    return true;
}

/* -- Heap ------------------------------------------------------------------------------------ */

struct heap *heap_open(void)
{
    struct heap *h = mmap(NULL, region_bytes, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    return h == MAP_FAILED ? NULL : h;
}

void heap_close(struct heap *heap)
{
    if (!heap)
        return;
    heap_uncount(heap_region_bytes(heap->high_page) + heap->mark_pages * HEAP_PAGE);
    munmap(heap, region_bytes);
}

void heap_start(struct heap *heap, size_t limit_bytes, void (*on_full)(void *, size_t), void *owner)
{
    size_t high = heap->high_page, marks = heap->mark_pages;

    assert(limit_bytes <= heap_limit_max());
    memset(heap_page_map(heap), 0, bits_bytes(high));
    heap_forget_marks(heap);
    *heap = (struct heap){.limit_pages = heap_pages_for(limit_bytes),
                          .reserve_pages = HEAP_RESERVE,
                          .high_page = high,
                          .mark_pages = marks,
                          .tight_at = heap_pages_for(limit_bytes) / 2,
                          .on_full = on_full,
                          .owner = owner};
}

void heap_on_tight(struct heap *heap, void (*on_tight)(void *owner))
{
    heap->on_tight = on_tight;
}

void heap_on_long(struct heap *heap, void (*on_long)(void *owner))
{
    heap->on_long = on_long;
}

void heap_sample(uint64_t after_bytes, void (*on_sample)(size_t size))
{
    sampling.left = after_bytes > INT64_MAX ? INT64_MAX : (int64_t)after_bytes;
    sampling.on_sample = on_sample;
}

/* True when the bytes are to be sampled. */
static inline bool count_bytes(size_t size)
{
    sampling.left -= (int64_t)size;
    return sampling.left < 0;
}

static void sample(size_t size)
{
    if (sampling.on_sample)
        sampling.on_sample(size);
}

static __attribute__((noinline)) void *take_sampled(struct heap *h, size_t size)
{
    sample(size);
    return size ? take(h, size) : NULL;
}

static __attribute__((noinline)) void *resize(struct heap *h, void *block, size_t old_size,
                                              size_t size)
{
    if (size > old_size && count_bytes(size - old_size))
        sample(size - old_size);
    if (fits_in_place(h, block, old_size, size))
        return block;
    void *moved = take(h, size);
    luajit_memcpy(moved, block, old_size < size ? old_size : size);
    give(h, block, old_size);
    return moved;
}

void *heap_alloc(void *heap, void *block, size_t old_size, size_t size)
{
    struct heap *h = heap;

    if (!block) {
        if (count_bytes(size))
            return take_sampled(h, size);
        return size ? take(h, size) : NULL;
    }
    if (size)
        return resize(h, block, old_size, size);
    give(h, block, old_size);
    return NULL;
}

void *heap_alloc_last(void *heap, void *block, size_t old_size, size_t size)
{
    return size ? heap_alloc(heap, block, old_size, size) : NULL;
}

size_t heap_used_bytes(const struct heap *heap)
{
    return heap->used_pages * HEAP_PAGE;
}

size_t heap_peak_bytes(const struct heap *heap)
{
    return heap->peak_pages * HEAP_PAGE;
}

size_t heap_limit_bytes(const struct heap *heap)
{
    return (heap->limit_pages + heap->outside_pages) * HEAP_PAGE;
}

size_t heap_limit_max(void)
{
    return (size_t)HEAP_RESERVE * HEAP_PAGE;
}

void heap_trim(struct heap *heap, size_t keep_bytes)
{
    size_t keep = heap_pages_for(keep_bytes);

    if (heap->high_page <= keep)
        return;
    madvise(heap_page_at(heap, keep), (heap->high_page - keep) * HEAP_PAGE, MADV_DONTNEED);
    memset(heap_page_map(heap), 0, bits_bytes(heap->high_page));
    heap_uncount(heap_region_bytes(heap->high_page) - heap_region_bytes(keep));
    heap_drop_marks(heap);
    heap->high_page = keep;
}
