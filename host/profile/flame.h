/* flame.h - one type of what came in a range, as the tree that a flame graph shows. */
/* SPDX-License-Identifier: MIT */
#pragma once

#include "profile/history.h"
#include "profile/pprof.h"

enum { FLAME_NODES_MAX = 16000 };

/* Words for enum sample_type, ended by NULL. */
extern const char *const flame_types[SAMPLE_TYPES + 1];

/* Puts JSON: {"type","unit","from","to","seconds","calls","total","frames":[name,
 * ...],"root":node}, where a node is [index of a frame, its own value, [node, ...]], and frame 0 is
 * "all". Of more than FLAME_NODES_MAX nodes, small ones are merged into one, "[other]", beside each
 * other.
 *
 * `query` says which samples, when they begin and how long they go on; `values` are theirs by
 * entry, of a struct history_sum; `calls` are told.
 */
void flame_encode(struct table *t, const struct pprof_query *query, const struct buf *values,
                  uint64_t calls, struct buf *body);
