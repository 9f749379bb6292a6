/* parked.h - the calls of a worker that sleep or wait. */
/* SPDX-License-Identifier: MIT */
#pragma once

#include "worker/call.h"

/* Once a second, and at no other time, the profiler counts for how long they have been parked: so
 * that those show that sleep for long. While there are none, nothing is done. */

/* Once in a worker; its loop fires `timers`. */
void parked_init(struct timers *timers);

void parked_put(struct call *call);
void parked_take(struct call *call);

/* NULL: it is not there. */
struct call *parked_find(uint64_t id);
