/* heap_image.h - copies of a heap, to put it back to. */
/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdalign.h>

#include "worker/heap.h"

enum { HEAP_IMAGE_ALIGN = 64 };

/* A copy of the used pages, to be put back with heap_restore as often as wanted.
 *
 *   owns    the caller: heap_image_close
 *   fails   NULL: no memory, or heap_account's `ask` said no
 */
struct heap_image {
    size_t top_page, used_pages, map_bytes, bytes;
    alignas(HEAP_IMAGE_ALIGN) char data[]; /* pages, header, map: heap_image_header */
};
struct heap_image *heap_save(struct heap *heap);
void heap_restore(struct heap *heap, const struct heap_image *image);
void heap_image_close(struct heap_image *image);

static inline char *heap_image_header(const struct heap_image *image)
{
    return (char *)image->data + image->used_pages * HEAP_PAGE;
}
