/* heap_lists.h - size classes, and the lists of free blocks, for the files of a heap. */
/* SPDX-License-Identifier: MIT */
#pragma once

#include "worker/heap_inside.h"

/* The steps waste an eighth of a block at most, except of tiny ones. */
enum {
    HEAP_FINE_MAX = 1024,
    HEAP_FINE_STEP = HEAP_GRAIN,
    HEAP_MIDDLE_MAX = 4096,
    HEAP_MIDDLE_STEP = 128,
    HEAP_COARSE_MAX = 16 << 10,
    HEAP_COARSE_STEP = 512,
    HEAP_LAST_STEP = 1024,
    HEAP_FINE_CLASSES = HEAP_FINE_MAX / HEAP_FINE_STEP,
    HEAP_MIDDLE_CLASSES = HEAP_FINE_CLASSES + (HEAP_MIDDLE_MAX - HEAP_FINE_MAX) / HEAP_MIDDLE_STEP,
    HEAP_COARSE_CLASSES =
        HEAP_MIDDLE_CLASSES + (HEAP_COARSE_MAX - HEAP_MIDDLE_MAX) / HEAP_COARSE_STEP,
};

_Static_assert(HEAP_COARSE_CLASSES + (HEAP_SMALL_MAX - HEAP_COARSE_MAX) / HEAP_LAST_STEP ==
                   HEAP_CLASSES,
               "each small size has its class");

static inline size_t heap_class_of(size_t size)
{
    if (size <= HEAP_FINE_MAX)
        return (size + HEAP_FINE_STEP - 1) / HEAP_FINE_STEP - 1;
    if (size <= HEAP_MIDDLE_MAX)
        return HEAP_FINE_CLASSES + (size - HEAP_FINE_MAX - 1) / HEAP_MIDDLE_STEP;
    if (size <= HEAP_COARSE_MAX)
        return HEAP_MIDDLE_CLASSES + (size - HEAP_MIDDLE_MAX - 1) / HEAP_COARSE_STEP;
    return HEAP_COARSE_CLASSES + (size - HEAP_COARSE_MAX - 1) / HEAP_LAST_STEP;
}

static inline size_t heap_class_size(size_t class)
{
    if (class < HEAP_FINE_CLASSES)
        return (class + 1) * HEAP_FINE_STEP;
    if (class < HEAP_MIDDLE_CLASSES)
        return HEAP_FINE_MAX + (class - HEAP_FINE_CLASSES + 1) * HEAP_MIDDLE_STEP;
    if (class < HEAP_COARSE_CLASSES)
        return HEAP_MIDDLE_MAX + (class - HEAP_MIDDLE_CLASSES + 1) * HEAP_COARSE_STEP;
    return HEAP_COARSE_MAX + (class - HEAP_COARSE_CLASSES + 1) * HEAP_LAST_STEP;
}

static inline void heap_push(struct heap *h, void *block, size_t class)
{
    void *next = h->free_list[class];

    *(void **)block = next;
    h->free_list[class] = block;
    h->put_bytes += heap_class_size(class);
    if (!next)
        h->filled[class / 64] |= 1ULL << (class % 64);
}

/* The class of the largest block that `bytes`, a multiple of HEAP_GRAIN, hold. */
static inline size_t heap_class_within(size_t bytes)
{
    if (bytes >= HEAP_SMALL_MAX)
        return HEAP_CLASSES - 1;
    size_t class = heap_class_of(bytes);
    return heap_class_size(class) > bytes ? class - 1 : class;
}

/* Free memory goes to the lists as the largest blocks it holds. */
static inline void heap_push_all(struct heap *h, char *at, const char *end)
{
    while (at < end) {
        size_t class = heap_class_within((size_t)(end - at));

        heap_push(h, at, class);
        at += heap_class_size(class);
    }
}

/* The free bytes of used pages: those in lists and runs, and marked ones. */
static inline size_t heap_unused(const struct heap *h)
{
    size_t unused = h->put_bytes - h->got_bytes + h->marked_bytes;

    for (size_t i = 0; i < HEAP_RUNS; i++)
        unused += (size_t)(h->runs[i].end - h->runs[i].at);
    return unused;
}
