/* mcode.c - mmap, munmap and unwind information as LuaJIT sees them. */
/* SPDX-License-Identifier: MIT */
#include "engine/mcode.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/types.h>

/* libgcc's. */
void __register_frame(const void *frame);
void __deregister_frame(const void *frame);

/* Named by the build in LuaJIT's archive. */
void *luajit_mmap(void *at, size_t bytes, int protection, int flags, int fd, off_t offset);
void *luajit_mmap64(void *at, size_t bytes, int protection, int flags, int fd, off_t offset)
    __attribute__((alias("luajit_mmap"))); /* off_t has 64 bits here */
int luajit_munmap(void *at, size_t bytes);
void luajit_register_frame(const void *frame);
void luajit_deregister_frame(const void *frame);

static struct mcode *current;

static struct mcode_area *find(const struct mcode *mcode, uintptr_t address)
{
    for (size_t i = 0; mcode && i < mcode->count; i++)
        if (address - (uintptr_t)mcode->areas[i].at < mcode->areas[i].bytes)
            return (struct mcode_area *)&mcode->areas[i];
    return NULL;
}

static void drop(struct mcode *mcode, struct mcode_area *area)
{
    if (mcode->give)
        mcode->give(mcode, area->bytes);
    *area = mcode->areas[--mcode->count];
}

void mcode_use(struct mcode *mcode)
{
    current = mcode;
}

bool mcode_has(const struct mcode *mcode, uintptr_t address)
{
    return find(mcode, address) != NULL;
}

size_t mcode_bytes(const struct mcode *mcode)
{
    size_t bytes = 0;

    for (size_t i = 0; i < mcode->count; i++)
        bytes += mcode->areas[i].bytes;
    return bytes;
}

void mcode_release(struct mcode *mcode)
{
    while (mcode->count) {
        struct mcode_area *area = &mcode->areas[mcode->count - 1];

        if (area->frame)
            __deregister_frame(area->frame);
        munmap(area->at, area->bytes);
        drop(mcode, area);
    }
}

/* -- For LuaJIT ------------------------------------------------------------------------------ */

/* On failure, LuaJIT goes on without the trace that it was about to compile. */
void *luajit_mmap(void *at, size_t bytes, int protection, int flags, int fd, off_t offset)
{
    struct mcode *mcode = current;

    if (mcode && (mcode->count == MCODE_AREAS_MAX || (mcode->take && !mcode->take(mcode, bytes)))) {
        errno = ENOMEM;
        return MAP_FAILED;
    }
    char *area = mmap(at, bytes, protection, flags, fd, offset);
    if (mcode && area != MAP_FAILED)
        mcode->areas[mcode->count++] = (struct mcode_area){.at = area, .bytes = bytes};
    else if (mcode && mcode->give)
        mcode->give(mcode, bytes);
    return area;
}

int luajit_munmap(void *at, size_t bytes)
{
    struct mcode_area *area = find(current, (uintptr_t)at);

    if (area && area->at == at && area->bytes == bytes)
        drop(current, area);
    return munmap(at, bytes);
}

void luajit_register_frame(const void *frame)
{
    struct mcode_area *area = find(current, (uintptr_t)frame);

    __register_frame(frame);
    if (area)
        area->frame = frame;
}

void luajit_deregister_frame(const void *frame)
{
    struct mcode_area *area = find(current, (uintptr_t)frame);

    if (area)
        area->frame = NULL;
    __deregister_frame(frame);
}
