/* dispatch.h - calls on their way: admitted, queued, given to a worker, answered exactly once. */
/* SPDX-License-Identifier: MIT */
#pragma once

#include "front/call.h"

void dispatch_init(const struct settings *settings, struct timers *timers);

/* Admits a call. `done` is called once, later, from the loop; unless the call is abandoned first.
 *
 *   owns    the call is dispatch's; valid until `done` returns or it is abandoned
 *   fails   NULL: ERR_QUEUE_FULL, ERR_FUNCTION_BUSY, ERR_FUNCTION_BROKEN, ERR_DRAINING,
 *           ERR_TOO_LARGE (the parameters)
 */
struct call *dispatch_submit(const struct order *order, call_done done, void *owner,
                             struct err *err);

/* The owner wants no reply any more. A call that no worker was given is dropped, one that runs or
 * is parked is cancelled; children with it. */
void dispatch_abandon(struct call *call);

/* A version of `func` has become current, or cannot be had (then `err` says why): its waiting calls
 * go on, or end. */
void dispatch_loaded(struct func *func, const struct err *err);

/* Nobody uses the version any more: workers that know it forget it. */
void dispatch_forget(struct version *version);

/* Gives queued calls to workers that are free, or will be soon. */
void dispatch_start(void);

/* Puts a call that its worker has not begun, and will not, back at the head of the queue; closes it
 * when nobody waits for it any more. */
void dispatch_again(struct call *call);

/* From now on calls are refused with ERR_DRAINING. */
void dispatch_drain(void);

struct dispatch_figures {
    size_t queued, queue_max;
};
struct dispatch_figures dispatch_figures(void);
