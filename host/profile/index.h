/* index.h - numbers, found by the hash of what they stand for: open addressing that grows. */
/* SPDX-License-Identifier: MIT */
#pragma once

#include "base/buf.h"

/* Zeroed is empty and valid. */
struct index {
    struct buf slots;
    size_t room, used;
};

enum { INDEX_MAX = 1 << 24 }; /* numbers are below */
#define INDEX_NONE UINT32_MAX

/* Differs from one run of the server to the next, so nobody can tell what collides. */
uint64_t index_hash64(const void *bytes, size_t len);
uint32_t index_hash(const void *bytes, size_t len);

/* The next number with this hash, INDEX_NONE at the end; `*at` begins as 0. */
uint32_t index_next(const struct index *ix, uint32_t hash, size_t *at);

/* `number` must not be there yet. */
void index_add(struct index *ix, uint32_t hash, uint32_t number);

void index_clear(struct index *ix);
void index_fini(struct index *ix);
