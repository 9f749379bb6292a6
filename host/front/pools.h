/* pools.h - warm pools over all workers: how many instances where, and who has one. */
/* SPDX-License-Identifier: MIT */
#pragma once

#include "front/dispatch.h"

void pools_init(const struct settings *settings);

/* Will a call of `version` find an instance in the worker of `slot`? One call runs there at a time:
 * what those before it do not hold while they are parked is idle when its turn comes. */
bool pools_has_idle(const struct version *version, size_t slot);

/* A call is given to the worker of `slot`. True when it shall start warm if it can. */
bool pools_take(struct call *call, size_t slot);

/* A CALL_POOL is about to be sent: it asks for what is wanted now. Other calls are left alone. */
void pools_order(struct call *call);

/* A CALL_POOL that runs nothing of the function? */
bool pools_only_closes(const struct call *call);

/* A worker has said how many instances of the call's version it holds. */
void pools_note(const struct call *call, uint32_t size);

/* A call that may have an instance is parked, goes on, or has left its worker. */
void pools_parked(const struct call *call);
void pools_unparked(const struct call *call);
void pools_returned(struct call *call);

/* The worker has said how the call started, which need not be what was expected: counts a hit or a
 * miss, the first time. */
void pools_told(struct call *call, bool warm);

/* `func` has a new current version: its pool is built again there. */
void pools_moved(struct func *func);

/* Asks the worker for another instance of `version` when it has fewer than it should: one may have
 * been lost with a call. */
void pools_replace(struct version *version, size_t slot);

/* The worker is a new one: it gets its share of every pool. */
void pools_worker_restarted(const struct member *member);

struct pool_figures {
    size_t size, in_use;
};
struct pool_figures pools_figures(const struct func *func);

/* A change of a pool's size, under way in the workers. `done` is called once, unless the change is
 * abandoned first; `err` is NULL or why a worker could not do its part. */
struct pool_change;
typedef void (*pool_changed)(void *owner, struct func *func, const struct err *err);

/* Sets the instances of `func`, over all workers together, to `target`.
 *
 *   fails   NULL: ERR_BAD_REQUEST (too many), ERR_FUNCTION_BROKEN, ERR_QUEUE_FULL
 */
struct pool_change *pools_resize(struct func *func, size_t target, pool_changed done, void *owner,
                                 struct err *err);
void pools_abandon(struct pool_change *change);
