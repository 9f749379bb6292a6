/* dispatch.c - admission, the queue, and giving calls to workers. */
/* SPDX-License-Identifier: MIT */
#include "front/dispatch.h"

#include "base/clock.h"
#include "front/ahead.h"
#include "front/compose.h"
#include "front/deadline.h"
#include "front/params.h"
#include "front/pools.h"

struct queue {
    struct call *first, *last;
    size_t runs; /* of its calls: those that clients or functions asked for */
};

static struct {
    const struct settings *settings;
    struct timers *timers;
    struct queue queue;   /* waits for a worker */
    struct queue loading; /* waits for its function's first version */
    size_t params_max;
    bool draining;
} d;

/* -- Lists ----------------------------------------------------------------------------------- */

static void push_last(struct queue *q, struct call *call)
{
    call->next = NULL;
    call->previous = q->last;
    *(q->last ? &q->last->next : &q->first) = call;
    q->last = call;
    q->runs += call->order.kind == CALL_RUN;
}

static void push_first(struct queue *q, struct call *call)
{
    call->previous = NULL;
    call->next = q->first;
    *(q->first ? &q->first->previous : &q->last) = call;
    q->first = call;
    q->runs += call->order.kind == CALL_RUN;
}

static void remove_from(struct queue *q, struct call *call)
{
    *(call->previous ? &call->previous->next : &q->first) = call->next;
    *(call->next ? &call->next->previous : &q->last) = call->previous;
    q->runs -= call->order.kind == CALL_RUN;
}

/* -- Waiting --------------------------------------------------------------------------------- */

static void end_waiting(struct call *call, enum err_code code, const char *text)
{
    struct reply reply = {0};

    err_set(&reply.err, code, "%s", text);
    remove_from(call->state == CALL_LOADING ? &d.loading : &d.queue, call);
    call_answer(call, &reply);
    call_close(call);
}

static void on_queue_wait(struct timer *timer)
{
    struct call *call = (struct call *)timer;

    const char *what =
        call->state == CALL_LOADING ? "its function was loaded" : "a worker was free";
    struct err err;

    if (call->order.expires_ns && clock_now_ns() >= call->order.expires_ns)
        err_set(&err, ERR_DEADLINE, "the call's deadline passed before %s", what);
    else
        err_set(&err, ERR_QUEUE_TIMEOUT, "the call waited too long before %s", what);
    end_waiting(call, err.code, err.text);
}

/* The call waits from now on, but not for ever. */
static void limit_wait(struct call *call)
{
    uint64_t until = clock_now_ns() + (uint64_t)d.settings->queue_wait_ms * NS_PER_MS;

    if (call->order.kind != CALL_RUN)
        return;
    if (call->order.expires_ns && call->order.expires_ns < until)
        until = call->order.expires_ns;
    timer_start(d.timers, &call->timer, until, on_queue_wait);
}

static void enqueue(struct call *call)
{
    timer_stop(d.timers, &call->timer); /* limit_waits sets it anew */
    call->state = CALL_QUEUED;
    if (call->order.kind == CALL_DESCRIBE)
        push_first(&d.queue, call); /* calls may be waiting for what it brings */
    else
        push_last(&d.queue, call);
}

/* -- Starting -------------------------------------------------------------------------------- */

static uint64_t limit_of(const struct call *call)
{
    if (call->order.kind == CALL_RUN)
        return call->version->timeout_ms;
    /* a worker opens instances for half of the time; the last one takes as long as it takes */
    return (uint64_t)d.settings->load_timeout_ms * (call->order.kind == CALL_POOL ? 2 : 1);
}

/* A call whose own limit is shorter does not wait behind others in a worker: that would count. */
enum { PATIENT_MS = 20 };

static bool is_idle(const struct member *m)
{
    return !m->dying && m->running == 0 && atomic_load(&m->channel->state->running) == 0;
}

/* Busy, but with what is quick. One processor is the front's: once as many workers as there are
 * others are busy, one more would not be sooner. */
static bool is_soon_idle(const struct member *m)
{
    uint64_t most_ns = crew.busy + 1 < crew.processors ? AHEAD_NS : AHEAD_MOST_NS;

    return !m->dying && m->running && m->backlog_ns < most_ns;
}

/* How well a worker suits a call, 0: not at all. A warm instance where one is wanted comes first;
 * then, for a quick call, a worker that is awake, and for others one that is idle. */
static int fitness(const struct member *m, const struct call *call)
{
    bool idle = is_idle(m), quick = call->cost_ns < AHEAD_NS;

    if (!idle && (call->alone || limit_of(call) < PATIENT_MS || !is_soon_idle(m)))
        return 0;
    int instance = call->order.warm && pools_has_idle(call->version, m->slot);
    return 1 + (idle != quick) + 2 * instance;
}

/* NULL when all are busy. */
static struct member *pick_member(const struct call *call)
{
    struct member *best = NULL;
    int best_fitness = 0;

    if (call->order.kind == CALL_POOL) {
        struct member *own = &crew.members[call->order.slot];
        return fitness(own, call) ? own : NULL;
    }
    for (size_t i = 0; i < crew.count; i++) {
        struct member *m = &crew.members[i];
        int fits = fitness(m, call);

        if (fits < best_fitness || fits == 0)
            continue;
        if (fits == best_fitness && m->backlog_ns >= best->backlog_ns && m->parked >= best->parked)
            continue;
        best = m;
        best_fitness = fits;
    }
    return best;
}

static void start(struct call *call, struct member *m)
{
    struct message message = {.type = MESSAGE_CALL,
                              .code = call->order.kind,
                              .call = call->id,
                              .version = call->version->id};

    remove_from(&d.queue, call);
    pools_order(call);
    deadline_start(call, limit_of(call));
    crew_teach(m, call->version);
    message.call_of.deadline_ns = call->deadline_ns;
    message.call_of.limit_ns = limit_of(call) * NS_PER_MS;
    message.call_of.memory_bytes = call->version->memory_bytes;
    message.call_of.warm = pools_take(call, m->slot);
    message.call_of.count = call->order.count;
    message.call_of.quick = call->cost_ns < AHEAD_NS;
    crew_send(m, &message,
              (struct str[MESSAGE_TEXTS]){call->order.call_id, call->order.traceparent,
                                          call->order.params});
    call_join(call, m);
    if (m->running > 1 || !m->pid)
        ahead_watch(m);
}

/* New calls are the last ones; those before them are limited already. */
static void limit_waits(void)
{
    for (struct call *call = d.queue.last; call && !call->timer.place; call = call->previous)
        limit_wait(call);
}

static bool refuse_quarantined(const struct func *func, struct err *err)
{
    return err_set(err, ERR_FUNCTION_BROKEN,
                   "%s crashed its worker %d times within a minute; change its file to try again",
                   func->name, CRASHES_MAX);
}

/* In order, but calls for one worker's pool do not hold up those behind them. */
void dispatch_start(void)
{
    struct call *call = d.queue.first;

    while (call) {
        struct call *next = call->next;

        call->cost_ns = ahead_cost(call);
        struct member *m = pick_member(call);

        if (m && call->version->quarantined && !pools_only_closes(call)) {
            struct err err;

            refuse_quarantined(call->order.func, &err);
            end_waiting(call, err.code, err.text);
            next = d.queue.first; /* whoever was told may have changed the queue */
        } else if (m)
            start(call, m);
        else if (call->order.kind != CALL_POOL)
            break;
        call = next;
    }
    if (call)
        limit_waits();
}

/* -- Admission ------------------------------------------------------------------------------- */

static bool admit(const struct order *o, struct err *err)
{
    struct func *f = o->func;
    uint32_t limit = f->current ? f->current->max_concurrency : 0;

    if (d.draining && !o->continues)
        return err_set(err, ERR_DRAINING, "the server is stopping");
    if (call_slots_are_full() || d.queue.runs >= (size_t)d.settings->queue_max ||
        call_count() >= (size_t)d.settings->calls_max)
        return err_set(err, ERR_QUEUE_FULL, "too many calls are waiting");
    if (!f->current && !f->loading)
        return err_set(err, ERR_FUNCTION_BROKEN, "%s does not load: %s", f->name,
                       f->error ? f->error : "its file is gone");
    if (f->current && f->current->quarantined)
        return refuse_quarantined(f, err);
    if (o->params.len > d.params_max)
        return err_set(err, ERR_TOO_LARGE, "the parameters of %s are %zu bytes, more than %zu",
                       f->name, o->params.len, d.params_max);
    if (limit && f->in_flight >= limit)
        return err_set(err, ERR_FUNCTION_BUSY, "%s takes at most %u calls at once", f->name, limit);
    return true;
}

struct call *dispatch_submit(const struct order *order, call_done done, void *owner,
                             struct err *err)
{
    bool internal = order->kind != CALL_RUN;

    if (internal ? call_slots_are_full() && !err_set(err, ERR_QUEUE_FULL, "too many calls")
                 : !admit(order, err))
        return NULL;
    struct call *call = call_open(order, done, owner);
    struct version *version = order->version ? order->version : order->func->current;
    if (version) {
        call->version = version_ref(version);
        enqueue(call);
    } else {
        call->state = CALL_LOADING;
        push_last(&d.loading, call);
        limit_wait(call);
    }
    return call;
}

/* A parked call is cancelled by its worker's next look at its ring, and one that runs by a signal.
 * Its children first: they may be what keeps the worker from looking. */
static void cancel(struct call *call)
{
    compose_abandon(call->children);
    call->children = NULL;
    deadline_cancel(call);
}

void dispatch_abandon(struct call *call)
{
    call->done = NULL;
    if (call->state == CALL_RUNNING || call->state == CALL_PARKED)
        cancel(call);
    if (call->state != CALL_LOADING && call->state != CALL_QUEUED)
        return;
    remove_from(call->state == CALL_LOADING ? &d.loading : &d.queue, call);
    call_close(call);
}

/* Submitted before anything was known of its parameters. */
static bool check_late(struct call *call, const struct version *version, struct err *err)
{
    json_t *params;

    if (!params_parse(call->order.params, &params, err))
        return false;
    bool ok = params_check(version, params, err);
    json_decref(params);
    return ok;
}

void dispatch_loaded(struct func *func, const struct err *err)
{
    struct call *next;
    struct err late;

    for (struct call *call = d.loading.first; call; call = next) {
        next = call->next;
        if (call->order.func != func)
            continue;
        if (err || !check_late(call, func->current, &late)) {
            end_waiting(call, err ? err->code : late.code, err ? err->text : late.text);
            continue;
        }
        remove_from(&d.loading, call);
        call->version = version_ref(func->current);
        enqueue(call);
    }
}

void dispatch_forget(struct version *version)
{
    struct message m = {.type = MESSAGE_FORGET, .version = version->id};

    for (size_t i = 0; i < crew.count; i++)
        if (version->known[i] == crew.members[i].generation)
            crew_send(&crew.members[i], &m, (struct str[MESSAGE_TEXTS]){{NULL, 0}});
}

void dispatch_again(struct call *call)
{
    call_leave(call);
    if (!call->done) {
        call_close(call); /* its client has left */
        return;
    }
    timer_stop(d.timers, &call->timer);
    call->overdue = false;
    call->wants_instance = false;
    call->started_ns = 0;
    call->state = CALL_QUEUED;
    push_first(&d.queue, call);
    limit_wait(call);
}

void dispatch_init(const struct settings *settings, struct timers *timers)
{
    d.settings = settings;
    d.timers = timers;
    d.params_max = (size_t)(settings->body_max > settings->reply_max ? settings->body_max
                                                                     : settings->reply_max);
    call_init(timers);
    deadline_init(timers);
    ahead_init(timers);
}

void dispatch_drain(void)
{
    d.draining = true;
}

struct dispatch_figures dispatch_figures(void)
{
    return (struct dispatch_figures){d.queue.runs, (size_t)d.settings->queue_max};
}
