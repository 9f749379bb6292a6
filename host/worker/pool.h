/* pool.h - the warm instances of one function version in this worker. */
/* SPDX-License-Identifier: MIT */
#pragma once

#include "worker/vm.h"

/* Opens or closes instances until there are `target`, or until `until_ns` (clock_now_ns) has passed
 * and one more was made so; those in use are closed when they come back. False, with `err`, when
 * one could not be opened. code->pool_size tells how many there are. */
bool pool_resize(struct code *code, size_t target, size_t limit_bytes, uint64_t until_ns,
                 struct err *err);

/* Closes an idle instance; false when there is none. */
bool pool_close_one(struct code *code);

/* An idle instance, the caller's until pool_give; NULL when there is none. */
struct vm *pool_take(struct code *code);

/* Takes an instance back: put to its first image, or closed when the pool has become smaller. */
void pool_give(struct vm *vm);

/* One that was taken will not come back. The front asks for another when it learns the size. */
void pool_lose(struct code *code);
