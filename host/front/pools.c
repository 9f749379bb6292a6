/* pools.c - warm pools over all workers. */
/* SPDX-License-Identifier: MIT */
#include "front/pools.h"

#include <stdlib.h>

#include "base/log.h"
#include "front/registry.h"

struct pool_change {
    struct func *func;
    size_t pending;
    struct err err;
    pool_changed done;
    void *owner;
};

static int64_t pool_max;

void pools_init(const struct settings *settings)
{
    pool_max = settings->pool_max;
}

bool pools_has_idle(const struct version *version, size_t slot)
{
    return version->pool && version->pool[slot].size > version->pool[slot].parked;
}

bool pools_take(struct call *call, size_t slot)
{
    struct func *func = call->order.func;

    if (!call->order.warm || call->order.kind != CALL_RUN || func->pool_target == 0)
        return false;
    call->wants_instance = true;
    call->pooled = pools_has_idle(call->version, slot);
    if (call->pooled)
        call->version->pool[slot].running++;
    return true;
}

void pools_note(const struct call *call, uint32_t size)
{
    if (call->version->pool)
        call->version->pool[call->member->slot].size = size;
}

/* Where the call's instance is counted; NULL when it has none. */
static struct pool_share *share_of_call(const struct call *call)
{
    struct version *v = call->version;

    return call->pooled && v->pool ? &v->pool[call->member->slot] : NULL;
}

static void move(uint32_t *from, uint32_t *to)
{
    if (*from == 0)
        return; /* the worker is a new one */
    --*from;
    if (to)
        ++*to;
}

void pools_parked(const struct call *call)
{
    struct pool_share *share = share_of_call(call);

    if (share)
        move(&share->running, &share->parked);
}

void pools_unparked(const struct call *call)
{
    struct pool_share *share = share_of_call(call);

    if (share)
        move(&share->parked, &share->running);
}

void pools_returned(struct call *call)
{
    struct pool_share *share = share_of_call(call);

    if (share)
        move(call->state == CALL_PARKED ? &share->parked : &share->running, NULL);
    call->pooled = false;
}

void pools_told(struct call *call, bool warm)
{
    struct func *func = call->order.func;

    if (!call->wants_instance)
        return;
    call->wants_instance = false;
    *(warm ? &func->pool_hits : &func->pool_misses) += 1;
    if (!warm)
        pools_returned(call);
    else if (!call->pooled && call->version->pool) {
        call->pooled = true;
        call->version->pool[call->member->slot].running++;
    }
}

struct pool_figures pools_figures(const struct func *func)
{
    struct pool_figures sum = {0, 0};

    if (func->current && func->current->pool)
        for (size_t i = 0; i < crew.count; i++) {
            const struct pool_share *share = &func->current->pool[i];
            size_t in_use = share->parked + (share->running > 0);

            sum.size += share->size;
            sum.in_use += in_use < share->size ? in_use : share->size;
        }
    return sum;
}

/* -- Changing -------------------------------------------------------------------------------- */

static uint32_t share_of(const struct func *func, size_t slot)
{
    return (uint32_t)(func->pool_target / crew.count + (slot < func->pool_target % crew.count));
}

static struct pool_share *share_at(struct version *v, size_t slot)
{
    if (!v->pool)
        v->pool = calloc(crew.count, sizeof(*v->pool));
    if (!v->pool)
        abort();
    return &v->pool[slot];
}

void pools_order(struct call *call)
{
    size_t slot = call->order.slot;

    if (call->order.kind != CALL_POOL)
        return;
    call->order.before = share_at(call->version, slot)->size;
    call->order.count =
        call->version == call->order.func->current ? share_of(call->order.func, slot) : 0;
}

bool pools_only_closes(const struct call *call)
{
    return call->order.kind == CALL_POOL && share_of(call->order.func, call->order.slot) == 0;
}

static void on_share(struct call *call, void *owner, const struct reply *reply);

/* One that nobody waits for is enough for each worker: it asks for what is wanted when it is sent.
 */
static bool resize_share(struct func *func, size_t slot, struct pool_change *change,
                         struct err *err)
{
    struct order order = {.kind = CALL_POOL, .func = func, .version = func->current, .slot = slot};
    struct pool_share *share = share_at(func->current, slot);

    if (!change && share->asked)
        return true;
    if (!dispatch_submit(&order, on_share, change, err))
        return false;
    share->asked |= !change;
    return true;
}

/* A worker that was ended over it must not be ended again by the same. */
static void give_up(struct func *func)
{
    struct err err;

    log_line(LOG_ERROR, "warm pool is given up: an instance took too long to load function=%s",
             func->name);
    func->pool_target = 0;
    for (size_t i = 0; i < crew.count; i++)
        resize_share(func, i, NULL, &err);
}

/* A worker opens and closes instances for a while only, then looks at its other calls. There is
 * more to do while each while brings it nearer; instances in use are closed when they come back. */
static bool is_on_the_way(const struct order *o, uint32_t size)
{
    return o->count > size ? size > o->before : o->count < size && size < o->before;
}

/* Settles what became of a worker's share. True when that goes on. */
static bool go_on(const struct call *call, const struct reply *reply, struct pool_change *change,
                  struct err *err)
{
    struct func *func = call->order.func;
    size_t slot = call->order.slot;
    bool latest = func->current == call->version;

    *err = reply->err;
    if (!change)
        share_at(call->version, slot)->asked = false;
    if (err->code == ERR_NONE && latest && is_on_the_way(&call->order, reply->pool_size) &&
        resize_share(func, slot, change, err))
        return true;
    if (err->code != ERR_NONE)
        log_line(LOG_WARN, "warm pool is not as asked for function=%s worker=%zu error=%s",
                 func->name, slot, log_quoted(str_of(err->text)));
    if (err->code == ERR_DEADLINE && latest && func->pool_target)
        give_up(func);
    return false;
}

static void on_share(struct call *call, void *owner, const struct reply *reply)
{
    struct pool_change *change = owner;
    struct err err;

    if (go_on(call, reply, change, &err) || !change)
        return;
    if (err.code != ERR_NONE)
        change->err = err;
    if (--change->pending)
        return;
    if (change->done)
        change->done(change->owner, change->func,
                     change->err.code == ERR_NONE ? NULL : &change->err);
    func_unref(change->func);
    free(change);
}

struct pool_change *pools_resize(struct func *func, size_t target, pool_changed done, void *owner,
                                 struct err *err)
{
    if (target > (size_t)pool_max) {
        err_set(err, ERR_BAD_REQUEST,
                "the pool of %s would be %zu instances; it may be %lld in all", func->name, target,
                (long long)pool_max);
        return NULL;
    }
    if (!func->current) {
        err_set(err, ERR_FUNCTION_BROKEN, "%s does not load: %s", func->name,
                func->error ? func->error : "it is still loading");
        return NULL;
    }
    if (func->current->quarantined && target) {
        err_set(err, ERR_FUNCTION_BROKEN, "%s crashed its worker too often; change its file first",
                func->name);
        return NULL;
    }
    struct pool_change *change = calloc(1, sizeof(*change));
    uint32_t before = func->pool_target;
    if (!change)
        abort();
    *change = (struct pool_change){.func = func, .done = done, .owner = owner};
    func->refs++;
    func->pool_target = (uint32_t)target;
    for (size_t i = 0; i < crew.count; i++)
        change->pending += resize_share(func, i, change, err);
    if (change->pending)
        return change;
    func->pool_target = before;
    func_unref(func);
    free(change);
    return NULL;
}

void pools_abandon(struct pool_change *change)
{
    change->done = NULL;
}

void pools_moved(struct func *func)
{
    struct err err;

    for (size_t i = 0; func->pool_target && i < crew.count; i++)
        if (!resize_share(func, i, NULL, &err))
            log_line(LOG_WARN, "warm pool was not moved function=%s error=%s", func->name,
                     log_quoted(str_of(err.text)));
}

void pools_replace(struct version *version, size_t slot)
{
    struct func *func = version->func;
    struct err err;

    if (func->pool_target == 0 || func->current != version || version->quarantined ||
        !version->pool || version->pool[slot].size >= share_of(func, slot))
        return;
    if (!resize_share(func, slot, NULL, &err))
        log_line(LOG_WARN, "warm instance was not replaced function=%s error=%s", func->name,
                 log_quoted(str_of(err.text)));
}

static void refill(struct func *func, void *member)
{
    const struct member *m = member;
    struct err err;

    if (func->current && func->current->pool) {
        func->current->pool[m->slot].size = 0;
        func->current->pool[m->slot].running = 0;
        func->current->pool[m->slot].parked = 0;
    }
    if (func->pool_target && func->current && !func->current->quarantined &&
        !resize_share(func, m->slot, NULL, &err))
        log_line(LOG_WARN, "warm pool was not refilled function=%s error=%s", func->name,
                 log_quoted(str_of(err.text)));
}

void pools_worker_restarted(const struct member *member)
{
    registry_each(refill, (void *)member);
}
