/* profiler.h - what a worker's calls cost, and where: samples of its own work. */
/* SPDX-License-Identifier: MIT */
#pragma once

#include "wire/channel.h"
#include "wire/sample.h"

struct call;

/* What a cold or a warm call is made of; Lua code runs in PHASE_LOAD and PHASE_RUN. */
enum phase {
    PHASE_LOOP,
    PHASE_NEWSTATE,
    PHASE_LIBRARIES,
    PHASE_LOAD,
    PHASE_PARAMETERS,
    PHASE_RUN,
    PHASE_RESULT,
    PHASE_CLOSE,
    PHASE_RESET
};

/* Timers make signals after each period of processor time, and of time that calls hold the worker.
 * A signal in C code is noted with the C frames, one in Lua code asks for a safepoint: the sample
 * is written there, when the native that ran has returned, or at the next phase. Allocations are
 * sampled in the same way, without a signal. Rates are read anew at each call.
 *
 * One thread: the worker's.
 */

/* Once in a worker, before its wall; after safepoint_init. Stacks begin below `frame`, the frame of
 * a function that does not return. False: no timers. */
bool profiler_init(const struct channel *channel, const void *frame);

/* From `now_ns` on the worker is held by `call`; NULL: by none. */
void profiler_hold(const struct call *call, uint64_t now_ns);

/* `call` was parked from call->parked_ns to `now_ns`, which becomes the former. */
void profiler_parked(struct call *call, uint64_t now_ns);

/* Takes over rates between calls too. */
void profiler_look(void);

/* What is done from here on. */
void profiler_enter(enum phase phase);
