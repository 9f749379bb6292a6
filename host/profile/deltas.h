/* deltas.h - what came since the last time, of all types at once, for whoever sends it on. */
/* SPDX-License-Identifier: MIT */
#pragma once

#include "profile/pprof.h"
#include "wire/channel.h"

/* A profile of one type, gzip pprof. */
struct delta {
    enum sample_type type;
    struct buf body;
};

/* Takes those of a window that are not empty, one a type at most; they are gone when it returns.
 *
 *   thread  the collector's; it must not wait
 */
typedef void (*deltas_sink)(const struct delta *deltas, size_t count, uint64_t from_wall_ns);

/* Windows follow each other without a gap: what is in one is in no other. */
struct deltas {
    deltas_sink sink; /* NULL: nobody wants them */
    uint64_t interval_ns, due_ns, from_ns, from_wall_ns;
    struct buf before;
};

/* The first window begins with an empty table, at `now_ns` (clock_now_ns). */
void deltas_init(struct deltas *d, deltas_sink sink, uint64_t interval_ns, uint64_t now_ns);
void deltas_fini(struct deltas *d);

/* When deltas_make has something to do; UINT64_MAX: never. */
uint64_t deltas_due_ns(const struct deltas *d);

/* Ends the window when it is due, or the last; `rates` are those of now. */
void deltas_make(struct deltas *d, struct table *t, const struct sampling *rates, uint64_t now_ns,
                 bool is_last);
