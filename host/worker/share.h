/* share.h - this worker's share of the memory that all heaps may have together. */
/* SPDX-License-Identifier: MIT */
#pragma once

#include "wire/channel.h"

/* From now on heaps of this process count in board->budget as those of `slot`. */
void share_init(const struct switchboard *board, size_t slot);
