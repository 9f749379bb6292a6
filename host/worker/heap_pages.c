/* heap_pages.c - pages of a heap: which are used, which may be, which were touched. */
/* SPDX-License-Identifier: MIT */
#include "worker/heap_inside.h"

enum { TIGHT_STEPS = 8, FIXED_PAGES = 2 };

static struct {
    bool (*take)(size_t bytes); /* NULL: nobody counts */
    void (*give)(size_t bytes);
} account;

void heap_account(bool (*ask)(size_t bytes), void (*tell)(size_t bytes))
{
    account.take = ask;
    account.give = tell;
}

bool heap_count(size_t bytes)
{
    return !account.take || account.take(bytes);
}

void heap_uncount(size_t bytes)
{
    if (account.give && bytes)
        account.give(bytes);
}

/* The header and the first page of the map are touched with the first page. */
size_t heap_region_bytes(size_t high_page)
{
    return high_page ? (high_page + FIXED_PAGES) * HEAP_PAGE : 0;
}

/* -- Finding ----------------------------------------------------------------------------------- */

static size_t search_of(size_t count)
{
    return (count < HEAP_SEARCHES ? count : HEAP_SEARCHES) - 1;
}

/* Each length has its own place to search from, or a hole too small for one would be passed again
 * and again. They never decrease from one length to the next. */
size_t heap_pages_find(struct heap *h, size_t count)
{
    const uint64_t *map = heap_page_map(h);
    size_t first = search_of(count), top = h->top_page;
    size_t page = bits_next(map, h->search[first], top, false);

    while (page < top) {
        size_t end = bits_next(map, page, page + count < top ? page + count : top, true);

        if (end - page >= count || end == top)
            break;
        page = bits_next(map, end, top, false);
    }
    if (count <= HEAP_SEARCHES)
        for (size_t i = first; i < HEAP_SEARCHES && h->search[i] < page; i++)
            h->search[i] = (uint32_t)page;
    return page;
}

static void search_again(struct heap *h, size_t page, size_t count)
{
    for (size_t i = search_of(count) + 1; i-- > 0 && h->search[i] > page;)
        h->search[i] = (uint32_t)page;
}

/* -- Use --------------------------------------------------------------------------------------- */

static void note_peak(struct heap *h)
{
    size_t pages = h->used_pages + h->outside_pages;

    if (pages > h->peak_pages)
        h->peak_pages = pages;
}

static void count_used(struct heap *h, size_t pages)
{
    h->used_pages += pages;
    note_peak(h);
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
    if (!heap_count(heap_region_bytes(end) - heap_region_bytes(h->high_page)))
        return false;
    h->high_page = end;
    return true;
}

bool heap_pages_use(struct heap *h, size_t page, size_t count)
{
    h->starved = false;
    if (count > h->limit_pages - h->used_pages || page + count > h->reserve_pages)
        return false;
    if (!reach(h, page + count)) {
        h->starved = true;
        return false;
    }
    bits_fill(heap_page_map(h), page, count, true);
    if (page + count > h->top_page)
        h->top_page = page + count;
    count_used(h, count);
    return true;
}

void heap_pages_give(struct heap *h, size_t page, size_t count)
{
    uint64_t *map = heap_page_map(h);

    bits_fill(map, page, count, false);
    h->used_pages -= count;
    if (h->used_pages < h->limit_pages / 2)
        h->tight_at = h->limit_pages / 2;
    size_t end = page + count, first = bits_run_before(map, page, false);
    if (end < h->top_page)
        end = bits_next(map, end, h->top_page, true);
    if (end == h->top_page)
        h->top_page = first;
    search_again(h, first, end - first);
}

bool heap_pages_resize(struct heap *h, size_t page, size_t old_count, size_t count)
{
    size_t end = page + old_count, wanted = page + count;

    if (count <= old_count) {
        if (count < old_count)
            heap_pages_give(h, wanted, old_count - count);
        return true;
    }
    size_t known = wanted < h->top_page ? wanted : h->top_page;
    if (bits_next(heap_page_map(h), end, known, true) < known)
        return false;
    return heap_pages_use(h, end, count - old_count);
}

/* -- Memory outside ---------------------------------------------------------------------------- */

bool heap_take_outside(struct heap *heap, size_t bytes)
{
    size_t pages = heap_pages_for(bytes);

    if (pages > heap->limit_pages - heap->used_pages || !heap_count(pages * HEAP_PAGE))
        return false;
    heap->limit_pages -= pages;
    heap->outside_pages += pages;
    note_peak(heap);
    return true;
}

void heap_give_outside(struct heap *heap, size_t bytes)
{
    size_t pages = heap_pages_for(bytes);

    heap->limit_pages += pages;
    heap->outside_pages -= pages;
    heap_uncount(pages * HEAP_PAGE);
}
