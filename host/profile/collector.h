/* collector.h - the thread that merges what all processes saw, and answers with profiles. */
/* SPDX-License-Identifier: MIT */
#pragma once

#include "profile/deltas.h"
#include "profile/tallies.h"

struct collector;
struct switchboard;

enum { COLLECTOR_REQUESTS_MAX = 16 };

/* A profile that was asked for: as pprof, with seconds == 0 cumulative since the start, else what
 * comes in the next `seconds`; or as a flame graph (flame.h), what came in the last `seconds`.
 *
 *   owns    collector_ask's caller until it returns true; then the collector until `done`, which
 *           may free it. `function` must stay until then; the body is the caller's of done
 *   thread  `done` is called in the collector's; it must not wait
 *   fails   `err` is set and the body empty; else err->code is ERR_NONE
 */
struct collector_request {
    enum sample_type type;
    bool is_flame;
    unsigned seconds;
    struct str function;     /* "": all */
    enum sample_start start; /* START_NONE: all */
    bool is_over;            /* the collector's own: answered or cancelled */
    void (*done)(struct collector_request *r, struct buf *body, const struct err *err);
};

/* Starts the thread, which blocks all signals but SIGPROF and makes no system calls any more but
 * those of locks, memory and reading, and what `sink` does: it gets what came in each interval, and
 * what is left at the end (NULL: nothing). `board` must outlive it. NULL with ERR_INTERNAL.
 */
struct collector *collector_start(const struct switchboard *board, deltas_sink sink,
                                  uint64_t interval_ns, struct err *err);

/* Ends the thread, after it has answered all requests with what is there; NULL is fine. */
void collector_stop(struct collector *c);

/* Where one thread, the same always, counts calls that end. Valid until collector_stop. */
struct tallies *collector_tallies(struct collector *c);

/* False when COLLECTOR_REQUESTS_MAX wait already, or the collector stops. Any thread, `done` too.
 */
bool collector_ask(struct collector *c, struct collector_request *r);

/* Nobody waits for `r` any more: its place is free at once. `done` comes soon, perhaps in this
 * thread, perhaps with ERR_CANCELLED; it may be under way, but may not have freed `r` yet.
 */
void collector_cancel(struct collector *c, struct collector_request *r);

struct collector_figures {
    uint64_t stacks;  /* with labels: entries of the table */
    uint64_t samples; /* taken */
    uint64_t folded;  /* of these, past a bound of the table: into "[other]" */
    uint64_t corrupt; /* records that were none; what was behind them in the ring is lost */
    uint64_t bytes;   /* of memory, for the table and the history */
};

/* Any thread. */
void collector_figures(const struct collector *c, struct collector_figures *figures);
