/* channel.h - the memory that the front and one worker share. */
/* SPDX-License-Identifier: MIT */
#pragma once

#include "wire/budget.h"
#include "wire/gate.h"
#include "wire/ring.h"
#include "wire/sample.h"
#include "wire/uploads.h"

/* What the profiler of a thread is to do, set by the front, and what it did. Rates of 0: off. */
struct sampling {
    _Atomic uint32_t cpu_hz, wall_hz;
    _Atomic uint64_t alloc_bytes;  /* a sample for about as many */
    _Atomic uint64_t lock_ns;      /* a sample for as much waiting */
    _Atomic uint64_t ticks;        /* signals of the timers, with those that the kernel summed up */
    _Atomic uint64_t completed;    /* samples that were written */
    _Atomic uint64_t dropped;      /* for which there was no room */
    _Atomic uint64_t unattributed; /* completed, of Lua code whose stack was gone */
    _Atomic uint64_t handler_ns;   /* spent in the signal's handlers */
};

/* Nanoseconds or bytes that a sample of `type` stands for; 0: it is off, or has no rate. */
uint64_t sampling_period(const struct sampling *s, enum sample_type type);

/* What is said beside the rings: how far the worker got, should it die; what is to end now. */
struct channel_state {
    struct bell bell;           /* the worker waits */
    _Atomic uint64_t running;   /* the call that runs now, 0: none */
    _Atomic uint64_t cancelled; /* by the front: a running call that nobody waits for any more */
    struct gate gate;           /* how many calls it has begun */
    struct sampling sampling;
};

/* One mapping a worker, made before the processes are forked, so at one address in all of them. */
struct channel {
    struct channel_state *state;
    struct ring *to_worker, *to_front;
    struct ring *samples; /* worker to front; read by the collector's thread */
    size_t to_worker_memory, to_front_memory, samples_memory;
};

/* Who writes samples: what it is told and tells, and the ring. */
struct source {
    struct sampling *sampling;
    struct ring *samples;
    size_t memory; /* of the ring */
};

/* Threads outside of workers that do: what runs no Lua. */
enum own_source { SOURCE_SUPERVISOR, SOURCE_FRONT, SOURCE_COLLECTOR, OWN_SOURCES };

/* What all channels have in common. */
struct switchboard {
    struct bell *front_bell;
    int wake_front; /* eventfd, non-blocking */
    struct budget *budget;
    struct channel *channels;
    size_t count;
    size_t processors;              /* that can be kept busy; set by who opens it */
    struct source own[OWN_SOURCES]; /* not seen by workers */
    const struct uploads *uploads;  /* borrowed; NULL: profiles are not pushed */
};

struct err;

/* Makes the memory and descriptors of `count` channels, for records up to the given sizes.
 *
 *   owns    the caller, until its process ends: switchboard_close
 *   fails   ERR_INTERNAL: no memory, no descriptors; then there is nothing to close
 */
bool switchboard_open(struct switchboard *board, size_t count, size_t to_worker_max,
                      size_t to_front_max, struct err *err);
void switchboard_close(struct switchboard *board);

/* Leaves this process, a worker, no memory of channels but that of `slot`. */
void switchboard_keep(const struct switchboard *board, size_t slot);

/* All that write samples, by number: the workers, then `own`. */
size_t switchboard_sources(const struct switchboard *board);
struct source switchboard_source(const struct switchboard *board, size_t number);

/* Empties a channel whose worker is gone, before the next one starts. Samples stay: whoever writes
 * on continues after the last whole one. */
void channel_reset(struct channel *channel);
