/* heap_coalesce.c - free blocks that lie side by side become larger ones, and whole pages. */
/* SPDX-License-Identifier: MIT */
#include "worker/heap_lists.h"

#include <string.h>
#include <sys/mman.h>

/* dlmalloc and TLSF merge neighbours at once, by headers on blocks. That costs each allocation time
 * and each block 8 to 16 bytes, where most blocks of a Lua state have 16 to 64, and most calls end
 * before merging pays. mimalloc gives each size its own pages, and reuses a page for another size
 * only when it is empty: a block in fifty that stays pins all of them. Here the lists stay as fast
 * as they were, and all free blocks are merged together, seldom: each sets its bits among the
 * marks, each run of bits is a free range, and its whole pages go back to the page map. The rest
 * makes new lists, lowest addresses first. */

/* Unused bytes may be a quarter of what lives, or LEAST, before they are merged; an eighth, or half
 * of LEAST, must have been freed anew. A limit is off by a 256th of what is used at most. */
enum { LEAST = 256 << 10, LIVE_SHARE = 4, FREED_SHARE = 8, LIMIT_SHARE = 256 };

/* Blocks or ranges that one allocation merges at most; the next one that needs pages goes on. Only
 * when the limit is reached all of it is done at once. A block that was freed in random order takes
 * some 200 ns, for each misses the processor's caches: so there is a look at the deadline after
 * each PIECE. */
enum { MOST = 65536, PIECE = 8192 };

static size_t grain_of(const struct heap *h, const void *p)
{
    return (size_t)((const char *)p - heap_page_at(h, 0)) / HEAP_GRAIN;
}

static char *grain_at(const struct heap *h, size_t grain)
{
    return heap_page_at(h, 0) + grain * HEAP_GRAIN;
}

/* -- Marks ------------------------------------------------------------------------------------- */

static bool touch_marks(struct heap *h)
{
    enum { PAGES_A_MARK_PAGE = HEAP_PAGE * 8 / HEAP_PAGE_GRAINS };
    size_t pages = (h->top_page + PAGES_A_MARK_PAGE - 1) / PAGES_A_MARK_PAGE;

    if (pages <= h->mark_pages)
        return true;
    if (!heap_count((pages - h->mark_pages) * HEAP_PAGE))
        return false;
    h->mark_pages = pages;
    return true;
}

/* Blocks of the lists become marks, at most `*most` of them. False: some are left. */
static bool drain(struct heap *h, size_t *most)
{
    uint64_t *marks = heap_marks(h);

    for (size_t class = 0; class < HEAP_CLASSES; class ++) {
        size_t size = heap_class_size(class), count = 0;
        void *block = h->free_list[class];

        for (; block && count < *most; block = *(void **)block, count++)
            bits_fill(marks, grain_of(h, block), size / HEAP_GRAIN, true);
        h->free_list[class] = block;
        h->got_bytes += count * size;
        h->marked_bytes += count * size;
        *most -= count;
        if (block)
            return false;
    }
    return true;
}

static void drain_runs(struct heap *h)
{
    for (size_t i = 0; i < HEAP_RUNS; i++) {
        const struct heap_run *run = &h->runs[i];
        size_t bytes = (size_t)(run->end - run->at);

        if (bytes)
            bits_fill(heap_marks(h), grain_of(h, run->at), bytes / HEAP_GRAIN, true);
        h->marked_bytes += bytes;
    }
    memset(h->runs, 0, sizeof(h->runs));
}

/* -- Free ranges ------------------------------------------------------------------------------- */

static void place(struct heap *h, size_t grain, size_t end)
{
    size_t page = (grain + HEAP_PAGE_GRAINS - 1) / HEAP_PAGE_GRAINS;
    size_t end_page = end / HEAP_PAGE_GRAINS;

    if (page < end_page) {
        heap_push_all(h, grain_at(h, end_page * HEAP_PAGE_GRAINS), grain_at(h, end));
        heap_pages_give(h, page, end_page - page);
        end = page * HEAP_PAGE_GRAINS;
    }
    heap_push_all(h, grain_at(h, grain), grain_at(h, end));
}

/* Marks become free pages and blocks of the lists, at most `*most` ranges, from the end on: low
 * addresses are then taken first. False: some are left. */
static bool place_marked(struct heap *h, size_t *most)
{
    uint64_t *marks = heap_marks(h);

    for (; *most; --*most) {
        size_t end = bits_run_before(marks, h->place_at, false);
        size_t grain = bits_run_before(marks, end, true);

        h->place_at = grain;
        if (grain == end)
            return true;
        bits_fill(marks, grain, end - grain, false);
        h->marked_bytes -= (end - grain) * HEAP_GRAIN;
        size_t put_bytes = h->put_bytes;
        place(h, grain, end);
        h->merged_at += h->put_bytes - put_bytes; /* what else is put was not merged yet */
    }
    return false;
}

/* -- Merging ----------------------------------------------------------------------------------- */

/* False: the count does not allow the marks that the next step needs. */
static bool may_merge(struct heap *h)
{
    return h->merging == HEAP_PLACES || touch_marks(h);
}

/* Goes on merging, for so many blocks and ranges. True when it is done. Between steps the heap is
 * whole, and may be left by a jump. */
static bool merge(struct heap *h, size_t most)
{
    if (h->merging == HEAP_RESTS)
        h->merging = HEAP_DRAINS;
    if (h->merging == HEAP_DRAINS) {
        if (!drain(h, &most))
            return false;
        drain_runs(h);
        h->place_at = h->top_page * HEAP_PAGE_GRAINS;
        h->merged_at = h->put_bytes;
        h->merging = HEAP_PLACES;
    }
    if (!place_marked(h, &most))
        return false;
    h->merging = HEAP_RESTS;
    h->put_bytes -= h->got_bytes; /* equal heaps have equal images */
    h->merged_at -= h->got_bytes;
    h->got_bytes = 0;
    return true;
}

/* As merge, in pieces. False: some are left, or the count does not allow the marks. */
static bool merge_watched(struct heap *h, size_t most)
{
    for (size_t done = 0; done < most && may_merge(h); done += PIECE) {
        if (merge(h, PIECE))
            return true;
        if (h->on_long)
            h->on_long(h->owner);
    }
    return false;
}

bool heap_coalesce(struct heap *h)
{
    return heap_unused(h) == 0 || merge_watched(h, SIZE_MAX - PIECE);
}

void heap_drop_marks(struct heap *h)
{
    if (h->mark_pages == 0)
        return;
    madvise(heap_marks(h), h->mark_pages * HEAP_PAGE, MADV_DONTNEED);
    heap_uncount(h->mark_pages * HEAP_PAGE);
    h->mark_pages = 0;
}

void heap_forget_marks(struct heap *h)
{
    if (h->merging != HEAP_RESTS)
        memset(heap_marks(h), 0, h->mark_pages * HEAP_PAGE);
    h->merging = HEAP_RESTS;
}

static size_t live(const struct heap *h)
{
    return h->used_pages * HEAP_PAGE - heap_unused(h);
}

bool heap_is_hollow(const struct heap *h)
{
    size_t unused = heap_unused(h);

    return unused >= LEAST && unused >= live(h) / LIVE_SHARE;
}

bool heap_coalesce_when_due(struct heap *h)
{
    size_t freed = h->put_bytes - h->merged_at;

    if (h->merging == HEAP_RESTS &&
        (freed < LEAST / 2 || freed < live(h) / FREED_SHARE || !heap_is_hollow(h)))
        return false;
    merge_watched(h, MOST);
    return true;
}

bool heap_coalesce_at_limit(struct heap *h)
{
    size_t freed = h->put_bytes - h->merged_at;

    if (heap_unused(h) == 0)
        return false;
    if (h->merging == HEAP_RESTS && (!freed || freed < h->used_pages * HEAP_PAGE / LIMIT_SHARE))
        return false;
    return heap_coalesce(h);
}
