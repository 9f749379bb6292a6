/* heap_image.c - copies of a heap, to put it back to. */
/* SPDX-License-Identifier: MIT */
#include "worker/heap_image.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "worker/heap_inside.h"

/* From this size on, an image has a mapping of its own: free() may keep what is smaller. */
enum { MAPPED_MIN = 128 << 10 };

static size_t image_bytes(size_t data_bytes)
{
    return heap_pages_for(sizeof(struct heap_image) + data_bytes) * HEAP_PAGE;
}

static void *map_memory(size_t bytes)
{
    void *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    return at == MAP_FAILED ? NULL : at;
}

/* Pages are copied a fifth faster from the beginning of a cache line than from elsewhere. */
static struct heap_image *image_open(size_t data_bytes)
{
    size_t bytes = image_bytes(data_bytes);

    if (!heap_count(bytes))
        return NULL;
    void *image = bytes < MAPPED_MIN ? aligned_alloc(HEAP_IMAGE_ALIGN, bytes) : map_memory(bytes);
    if (!image)
        heap_uncount(bytes);
    return image;
}

void heap_image_close(struct heap_image *image)
{
    if (!image)
        return;
    size_t bytes = image_bytes(image->bytes);

    heap_uncount(bytes);
    if (bytes < MAPPED_MIN)
        free(image);
    else
        munmap(image, bytes);
}

/* The next run of used pages from `*page` on: its first page and its length, 0 at the end. */
static size_t next_used(const struct heap *h, size_t *page)
{
    *page = bits_next(heap_page_map(h), *page, h->top_page, true);
    return bits_next(heap_page_map(h), *page, h->top_page, false) - *page;
}

struct heap_image *heap_save(struct heap *heap)
{
    if (heap_coalesce(heap)) /* free pages are no part of the image */
        heap_drop_marks(heap);
    size_t map = bits_bytes(heap->top_page);
    size_t bytes = sizeof(struct heap) + map + heap->used_pages * HEAP_PAGE;
    struct heap_image *image = image_open(bytes);
    if (!image)
        return NULL;
    *image = (struct heap_image){heap->top_page, heap->used_pages, map, bytes};
    char *data = image->data;
    for (size_t page = 0, count; (count = next_used(heap, &page)) != 0; page += count) {
        memcpy(data, heap_page_at(heap, page), count * HEAP_PAGE);
        data += count * HEAP_PAGE;
    }
    memcpy(data, heap, sizeof(struct heap));
    memcpy(data + sizeof(struct heap), heap_page_map(heap), map);
    return image;
}

void heap_restore(struct heap *heap, const struct heap_image *image)
{
    size_t high = heap->high_page, marks = heap->mark_pages, map_high = bits_bytes(high);
    const char *data = image->data, *header = heap_image_header(image);

    heap_forget_marks(heap);
    memcpy(heap, header, sizeof(struct heap));
    heap->high_page = high;
    heap->mark_pages = marks;
    memcpy(heap_page_map(heap), header + sizeof(struct heap), image->map_bytes);
    if (map_high > image->map_bytes)
        memset((char *)heap_page_map(heap) + image->map_bytes, 0, map_high - image->map_bytes);
    for (size_t page = 0, count; (count = next_used(heap, &page)) != 0; page += count) {
        memcpy(heap_page_at(heap, page), data, count * HEAP_PAGE);
        data += count * HEAP_PAGE;
    }
}
