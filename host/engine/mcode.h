/* mcode.h - the areas that LuaJIT maps for machine code, by the state that they belong to. */
/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The build leads LuaJIT's mmap, munmap and __register_frame here. So a state that may not be
 * closed any more, because it was left in the midst of a change, still gives back its machine code.
 *
 * One thread: the worker's.
 */
enum { MCODE_AREAS_MAX = 64 }; /* LuaJIT's own limit is lower: 2 MiB in areas of 64 KiB */

struct mcode {
    struct mcode_area {
        char *at;
        size_t bytes;
        const void *frame; /* its unwind information; NULL: not registered */
    } areas[MCODE_AREAS_MAX];
    size_t count;
    bool (*take)(struct mcode *mcode, size_t bytes); /* NULL: nobody counts */
    void (*give)(struct mcode *mcode, size_t bytes);
    void *owner; /* of whoever counts */
};

/* From now on, what LuaJIT maps belongs to `mcode`. NULL: to nobody. */
void mcode_use(struct mcode *mcode);

bool mcode_has(const struct mcode *mcode, uintptr_t address);

size_t mcode_bytes(const struct mcode *mcode);

/* Unmaps all areas. The state that they belong to must not run again. */
void mcode_release(struct mcode *mcode);
