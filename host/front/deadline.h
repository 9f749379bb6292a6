/* deadline.h - ending calls that take too long. */
/* SPDX-License-Identifier: MIT */
#pragma once

#include "front/call.h"

void deadline_init(struct timers *timers);

/* Sets call->deadline_ns for a call that starts now. When it passes, the worker is told to end the
 * call; a worker that still runs it a little later is killed. */
void deadline_start(struct call *call, uint64_t limit_ms);

/* Makes `reply` that of a call that was ended so. */
void deadline_fail(const struct call *call, struct reply *reply);

/* Ends a call that a worker has and nobody waits for, before its deadline if that can be. */
void deadline_cancel(struct call *call);
