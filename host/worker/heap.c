/* heap.c - a region allocator with size classes and a page map. */
/* SPDX-License-Identifier: MIT */
#include "worker/heap.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "engine/leaf.h"

/* Reserved addresses cost nothing until touched: 1 GiB of pages, so that any region serves any
 * function's limit, and 32 KiB of page map, one bit a page, set when used. */
enum { RESERVE_PAGES = 1 << 18, MAP_BYTES = RESERVE_PAGES / 8, RUN_PAGES = 4, WORD_BITS = 64 };
enum { FINE_MAX = 1024, FINE_STEP = 16, COARSE_STEP = 128, TIGHT_STEPS = 8 };

static const size_t region_bytes = HEAP_PAGE + MAP_BYTES + (size_t)RESERVE_PAGES * HEAP_PAGE;

_Static_assert(sizeof(struct heap) <= HEAP_PAGE, "the header is one page");
_Static_assert(FINE_MAX / FINE_STEP + (HEAP_SMALL_MAX - FINE_MAX) / COARSE_STEP == HEAP_CLASSES,
               "each small size has its class");

/* Of all heaps, as one thread has them. */
static struct {
    int64_t left;
    void (*on_sample)(size_t size);
} sampling;

static struct {
    bool (*take)(size_t bytes); /* NULL: nobody counts */
    void (*give)(size_t bytes);
} account;

static uint64_t *page_map(const struct heap *h)
{
    return (uint64_t *)((char *)h + HEAP_PAGE);
}

static char *page_at(const struct heap *h, size_t page)
{
    return (char *)h + HEAP_PAGE + MAP_BYTES + page * HEAP_PAGE;
}

static size_t page_of(const struct heap *h, const void *p)
{
    return (size_t)((const char *)p - page_at(h, 0)) / HEAP_PAGE;
}

static size_t pages_for(size_t size)
{
    return (size + HEAP_PAGE - 1) / HEAP_PAGE;
}

/* -- Pages ----------------------------------------------------------------------------------- */

static bool page_is_used(const struct heap *h, size_t page)
{
    return page_map(h)[page / WORD_BITS] >> (page % WORD_BITS) & 1;
}

static void mark(struct heap *h, size_t page, size_t count, bool used)
{
    uint64_t *map = page_map(h);

    while (count) {
        size_t bit = page % WORD_BITS, n = WORD_BITS - bit < count ? WORD_BITS - bit : count;
        uint64_t bits = (n == WORD_BITS ? UINT64_MAX : (1ULL << n) - 1) << bit;

        if (used)
            map[page / WORD_BITS] |= bits;
        else
            map[page / WORD_BITS] &= ~bits;
        page += n;
        count -= n;
    }
}

/* The first page at or after `page` that is free (or used), at most `end`. */
static size_t next_page(const struct heap *h, size_t page, size_t end, bool used)
{
    while (page < end) {
        uint64_t word = page_map(h)[page / WORD_BITS];
        uint64_t want = (used ? word : ~word) >> (page % WORD_BITS);

        if (want) {
            page += (size_t)__builtin_ctzll(want);
            return page < end ? page : end;
        }
        page = (page / WORD_BITS + 1) * WORD_BITS;
    }
    return end;
}

/* The first run of `count` free pages below the top, or the top itself. */
static size_t find_run(struct heap *h, size_t count)
{
    size_t page = next_page(h, h->search, h->top_page, false);

    h->search = page;
    while (page < h->top_page) {
        size_t end = next_page(h, page, h->top_page, true);

        if (end - page >= count || end == h->top_page)
            return page;
        page = next_page(h, end, h->top_page, false);
    }
    return h->top_page;
}

static void count_used(struct heap *h, size_t pages)
{
    h->used_pages += pages;
    if (h->used_pages > h->peak_pages)
        h->peak_pages = h->used_pages;
    if (h->used_pages < h->tight_at)
        return;
    h->tight_at = h->used_pages + h->limit_pages / TIGHT_STEPS;
    if (h->on_tight)
        h->on_tight(h->owner);
}

/* Before pages below `end` are touched. */
static bool reach(struct heap *h, size_t end)
{
    if (end <= h->high_page)
        return true;
    if (account.take && !account.take((end - h->high_page) * HEAP_PAGE)) {
        h->starved = true;
        return false;
    }
    h->high_page = end;
    return true;
}

static void *take_pages(struct heap *h, size_t count)
{
    if (count > h->limit_pages - h->used_pages)
        h->on_full(h->owner, count * HEAP_PAGE);
    size_t page = find_run(h, count);
    if (page + count > h->reserve_pages || !reach(h, page + count))
        h->on_full(h->owner, count * HEAP_PAGE);
    mark(h, page, count, true);
    if (page + count > h->top_page)
        h->top_page = page + count;
    count_used(h, count);
    return page_at(h, page);
}

static void give_pages(struct heap *h, size_t page, size_t count)
{
    mark(h, page, count, false);
    h->used_pages -= count;
    if (h->used_pages < h->limit_pages / 2)
        h->tight_at = h->limit_pages / 2;
    if (page + count == h->top_page)
        h->top_page = page;
    if (page < h->search)
        h->search = page;
}

/* Grows or shrinks a run of pages where it lies; false when what follows is not free. */
static bool resize_in_place(struct heap *h, void *block, size_t old_pages, size_t pages)
{
    size_t page = page_of(h, block);

    if (pages <= old_pages) {
        if (pages < old_pages)
            give_pages(h, page + pages, old_pages - pages);
        return true;
    }
    size_t more = pages - old_pages, at = page + old_pages;
    if (more > h->limit_pages - h->used_pages || at + more > h->reserve_pages)
        return false;
    size_t end = at + more < h->top_page ? at + more : h->top_page;
    if (at < end && (page_is_used(h, at) || next_page(h, at, end, true) != end))
        return false;
    if (!reach(h, at + more))
        h->on_full(h->owner, more * HEAP_PAGE);
    mark(h, at, more, true);
    h->top_page = at + more > h->top_page ? at + more : h->top_page;
    count_used(h, more);
    return true;
}

/* -- Small blocks ---------------------------------------------------------------------------- */

static size_t class_of(size_t size)
{
    if (size <= FINE_MAX)
        return (size + FINE_STEP - 1) / FINE_STEP - 1;
    return FINE_MAX / FINE_STEP + (size - FINE_MAX + COARSE_STEP - 1) / COARSE_STEP - 1;
}

static size_t class_size(size_t class)
{
    size_t fine = FINE_MAX / FINE_STEP;

    return class < fine ? (class + 1) * FINE_STEP : FINE_MAX + (class - fine + 1) * COARSE_STEP;
}

static void push_free(struct heap *h, void *block, size_t class)
{
    *(void **)block = h->free_list[class];
    h->free_list[class] = block;
}

/* What is left of the run goes to the lists as the largest blocks it holds. */
static void retire_run(struct heap *h)
{
    while ((size_t)(h->run_end - h->run) >= FINE_STEP) {
        size_t left = (size_t)(h->run_end - h->run);
        size_t class = left >= HEAP_SMALL_MAX ? HEAP_CLASSES - 1 : class_of(left);

        if (class_size(class) > left)
            class --;
        push_free(h, h->run, class);
        h->run += class_size(class);
    }
}

static void *take_small(struct heap *h, size_t class)
{
    void *block = h->free_list[class];
    size_t size = class_size(class);

    if (block) {
        h->free_list[class] = *(void **)block;
        return block;
    }
    if ((size_t)(h->run_end - h->run) < size) {
        /* the last pages of a limit are no whole run */
        size_t left = h->limit_pages - h->used_pages;
        size_t pages = left >= RUN_PAGES || left == 0 ? RUN_PAGES : left;
        char *run = take_pages(h, pages);

        retire_run(h);
        h->run = run;
        h->run_end = run + pages * HEAP_PAGE;
    }
    block = h->run;
    h->run += size;
    return block;
}

static void *take(struct heap *h, size_t size)
{
    if (size <= HEAP_SMALL_MAX)
        return take_small(h, class_of(size));
    return take_pages(h, pages_for(size));
}

static void give(struct heap *h, void *block, size_t size)
{
    if (size <= HEAP_SMALL_MAX)
        push_free(h, block, class_of(size));
    else
        give_pages(h, page_of(h, block), pages_for(size));
}

/* True when a block of `old_size` bytes serves for `size` bytes where it is. */
static bool fits_in_place(struct heap *h, void *block, size_t old_size, size_t size)
{
    if (old_size <= HEAP_SMALL_MAX)
        return size <= HEAP_SMALL_MAX && class_of(size) == class_of(old_size);
    return size > HEAP_SMALL_MAX && resize_in_place(h, block, pages_for(old_size), pages_for(size));
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
    if (account.give)
        account.give(heap->high_page * HEAP_PAGE);
    munmap(heap, region_bytes);
}

void heap_start(struct heap *heap, size_t limit_bytes, void (*on_full)(void *, size_t), void *owner)
{
    size_t high = heap->high_page;

    assert(limit_bytes <= heap_limit_max());
    memset(page_map(heap), 0, (high + WORD_BITS - 1) / WORD_BITS * sizeof(uint64_t));
    *heap = (struct heap){.limit_pages = pages_for(limit_bytes),
                          .reserve_pages = RESERVE_PAGES,
                          .high_page = high,
                          .tight_at = pages_for(limit_bytes) / 2,
                          .on_full = on_full,
                          .owner = owner};
}

void heap_on_tight(struct heap *heap, void (*on_tight)(void *owner))
{
    heap->on_tight = on_tight;
}

void heap_sample(uint64_t after_bytes, void (*on_sample)(size_t size))
{
    sampling.left = after_bytes > INT64_MAX ? INT64_MAX : (int64_t)after_bytes;
    sampling.on_sample = on_sample;
}

void heap_account(bool (*ask)(size_t bytes), void (*tell)(size_t bytes))
{
    account.take = ask;
    account.give = tell;
}

static void count_bytes(size_t size)
{
    sampling.left -= (int64_t)size;
    if (sampling.left < 0 && sampling.on_sample)
        sampling.on_sample(size);
}

void *heap_alloc(void *heap, void *block, size_t old_size, size_t size)
{
    struct heap *h = heap;

    if (!block) {
        count_bytes(size);
        return size ? take(h, size) : NULL;
    }
    if (size == 0) {
        give(h, block, old_size);
        return NULL;
    }
    if (size > old_size)
        count_bytes(size - old_size);
    if (fits_in_place(h, block, old_size, size))
        return block;
    void *moved = take(h, size);
    luajit_memcpy(moved, block, old_size < size ? old_size : size);
    give(h, block, old_size);
    return moved;
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
    return heap->limit_pages * HEAP_PAGE;
}

size_t heap_limit_max(void)
{
    return (size_t)RESERVE_PAGES * HEAP_PAGE;
}

void heap_trim(struct heap *heap, size_t keep_bytes)
{
    size_t keep = pages_for(keep_bytes);

    if (heap->high_page <= keep)
        return;
    madvise(page_at(heap, keep), (heap->high_page - keep) * HEAP_PAGE, MADV_DONTNEED);
    memset(page_map(heap), 0, (heap->high_page + WORD_BITS - 1) / WORD_BITS * sizeof(uint64_t));
    if (account.give)
        account.give((heap->high_page - keep) * HEAP_PAGE);
    heap->high_page = keep;
}

/* -- Images ---------------------------------------------------------------------------------- */

static size_t map_bytes_for(size_t pages)
{
    return (pages + WORD_BITS - 1) / WORD_BITS * sizeof(uint64_t);
}

struct heap_image *heap_save(const struct heap *heap)
{
    size_t map = map_bytes_for(heap->top_page), pages = heap->top_page * HEAP_PAGE;
    size_t bytes = sizeof(struct heap) + map + pages;
    struct heap_image *image = malloc(sizeof(*image) + bytes);

    if (!image)
        return NULL;
    *image = (struct heap_image){heap->top_page, map, bytes};
    memcpy(image->data, heap, sizeof(struct heap));
    memcpy(image->data + sizeof(struct heap), page_map(heap), map);
    memcpy(image->data + sizeof(struct heap) + map, page_at(heap, 0), pages);
    return image;
}

void heap_restore(struct heap *heap, const struct heap_image *image)
{
    size_t high = heap->high_page, map_high = map_bytes_for(high);
    const char *data = image->data;

    memcpy(heap, data, sizeof(struct heap));
    heap->high_page = high;
    data += sizeof(struct heap);
    memcpy(page_map(heap), data, image->map_bytes);
    if (map_high > image->map_bytes)
        memset((char *)page_map(heap) + image->map_bytes, 0, map_high - image->map_bytes);
    memcpy(page_at(heap, 0), data + image->map_bytes, image->top_page * HEAP_PAGE);
}
