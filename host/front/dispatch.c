/* dispatch.c - admission, the queue, and giving calls to workers. */
/* SPDX-License-Identifier: MIT */
#include "front/dispatch.h"

#include "base/clock.h"
#include "front/ahead.h"
#include "front/compose.h"
#include "front/deadline.h"
#include "front/params.h"
#include "front/pools.h"
#include "front/queue.h"

enum { RETRY_MOST_S = 60 };

static struct {
    const struct settings *settings;
    struct timers *timers;
    struct call_list loading; /* waits for its function's first version */
    size_t params_max;
    bool own_was_last; /* to go to a worker: then it is the turn of clients' calls */
    bool draining;
} d;

/* -- Waiting --------------------------------------------------------------------------------- */

static void stop_waiting(struct call *call)
{
    if (call->state == CALL_LOADING)
        call_list_remove(&d.loading, call);
    else
        queue_remove(call);
}

static void end_waiting(struct call *call, enum err_code code, const char *text)
{
    struct reply reply = {0};

    err_set(&reply.err, code, "%s", text);
    stop_waiting(call);
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
    queue_push(call);
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
 * others are busy, one more would not be sooner; but what is quick does not wait for what is not,
 * for in another worker it takes the processor from that. */
static bool is_soon_idle(const struct member *m, bool quick)
{
    uint64_t most_ns = crew.busy + 1 < crew.board->processors ? AHEAD_NS : AHEAD_MOST_NS;

    return !m->dying && m->running && m->backlog_ns < most_ns && !(quick && m->slow);
}

/* The calls that are parked in a worker are lost with it: a function that has just lost one goes
 * where none is, before it goes where its instances are. */
static int fitness_of_suspect(const struct member *m, bool has_instance)
{
    if (!is_idle(m))
        return 0;
    return 1 + has_instance + 2 * (m->parked == 0);
}

/* How well a worker suits a call, 0: not at all. A warm instance where one is wanted comes first;
 * then, for a quick call, a worker that is awake, and for others one that is idle. */
static int fitness(const struct member *m, const struct call *call)
{
    bool idle = is_idle(m), quick = call->cost_ns < AHEAD_NS;

    if (!idle && (call->alone || limit_of(call) < PATIENT_MS || !is_soon_idle(m, quick)))
        return 0;
    bool instance = call->order.warm && pools_has_idle(call->version, m->slot);
    if (version_is_suspect(call->version, clock_now_ns()))
        return fitness_of_suspect(m, instance);
    return 1 + (idle != quick) + 2 * instance;
}

/* Where several workers share a processor, one that is free is kept for functions that run nothing
 * yet: a function whose calls take for ever has all workers but that one. */
static bool may_take_last_free(const struct call *call)
{
    return call->order.kind != CALL_RUN || call->order.func->running == 0 ||
           crew.count <= crew.board->processors;
}

struct choice {
    struct member *member;
    int fitness;
};

static void consider(struct choice *choice, struct member *m, int fits)
{
    const struct member *best = choice->member;

    if (fits > choice->fitness || (fits && fits == choice->fitness &&
                                   (m->backlog_ns < best->backlog_ns || m->parked < best->parked)))
        *choice = (struct choice){m, fits};
}

/* NULL when all are busy; or, with `*others_may`, when one is kept for other functions. */
static struct member *pick_member(const struct call *call, bool *others_may)
{
    struct choice any = {NULL, 0}, quick = {NULL, 0};
    size_t free = 0;

    *others_may = call->order.kind == CALL_POOL;
    if (call->order.kind == CALL_POOL) {
        struct member *own = &crew.members[call->order.slot];
        return fitness(own, call) ? own : NULL;
    }
    for (size_t i = 0; i < crew.count; i++) {
        struct member *m = &crew.members[i];
        int fits = fitness(m, call);

        free += fits > 0;
        consider(&any, m, fits);
        if (m->running && call->cost_ns < AHEAD_NS)
            consider(&quick, m, fits);
    }
    if (free != 1 || may_take_last_free(call))
        return any.member;
    *others_may = true;
    return quick.member;
}

static void start(struct call *call, struct member *m)
{
    struct message message = {.type = MESSAGE_CALL,
                              .code = call->order.kind,
                              .call = call->id,
                              .version = call->version->id};

    pools_order(call);
    deadline_start(call, limit_of(call));
    queue_take(call, call->started_ns);
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

static bool refuse_quarantined(const struct func *func, struct err *err)
{
    err_set(err, ERR_FUNCTION_BROKEN,
            "%s crashed its worker %d times within a minute, or did not end with its deadline; "
            "change its file to try again",
            func->name, CRASHES_MAX);
    err->retry_s = RETRY_MOST_S;
    return false;
}

enum outcome { GONE, STAYS, STAYS_ALONE };

/* GONE: given to a worker, or refused. STAYS: so do those behind it. */
static enum outcome try_start(struct call *call)
{
    bool others_may;
    struct err err;

    call->cost_ns = ahead_cost(call);
    struct member *m = pick_member(call, &others_may);
    if (!m)
        return others_may ? STAYS_ALONE : STAYS;
    if (call->version->quarantined && !pools_only_closes(call)) {
        refuse_quarantined(call->order.func, &err);
        end_waiting(call, err.code, err.text);
    } else {
        start(call, m);
    }
    return GONE;
}

/* Each is for a worker that has to be idle for it; those for one worker's pool hold up no other. */
static bool start_own(void)
{
    struct call *call = queue_own();

    while (call) {
        struct call *next = call->next;
        enum outcome outcome = try_start(call);

        if (outcome == STAYS)
            return false;
        d.own_was_last |= outcome == GONE;
        call = outcome == GONE ? queue_own() : next; /* whoever was told may have changed it */
    }
    return true;
}

/* One call of each function, and again. */
static void start_lines(void)
{
    size_t stayed = 0;

    while (queue_line() && stayed < queue_lines()) {
        struct line *line = queue_line();
        enum outcome outcome = try_start(line->calls.first);

        if (outcome == STAYS)
            break;
        stayed = outcome == GONE ? 0 : stayed + 1;
        d.own_was_last &= outcome != GONE;
        if (queue_line() == line)
            queue_pass();
    }
}

/* New calls are the last ones of their lines; those before them are limited already. */
static void limit_waits(void)
{
    struct line *line = queue_line();

    for (size_t i = queue_lines(); i > 0; i--, line = line->next)
        for (struct call *call = line->calls.last; call && !call->timer.place;
             call = call->previous)
            limit_wait(call);
}

void dispatch_start(void)
{
    bool own_first = !d.own_was_last;

    if (!own_first || start_own())
        start_lines();
    if (!own_first)
        start_own();
    limit_waits();
}

/* -- Admission ------------------------------------------------------------------------------- */

/* A call that would have to be refused later is refused at once, for it would have waited in vain:
 * when it would wait for more than half of what it may, since that is a guess. */
static bool find_room(const struct func *f, struct err *err)
{
    uint64_t wait = queue_wait_ns(&f->line);

    if (!queue_has_room(&f->line, (size_t)d.settings->queue_max))
        err_set(err, ERR_QUEUE_FULL, "too many calls are waiting");
    else if (wait > (uint64_t)d.settings->queue_wait_ms * NS_PER_MS / 2)
        err_set(err, ERR_QUEUE_FULL, "too many calls of %s are waiting: this one would for %llu s",
                f->name, (unsigned long long)(wait / NS_PER_S));
    else
        return true;
    err->retry_s = (unsigned)(wait / NS_PER_S < RETRY_MOST_S ? wait / NS_PER_S : RETRY_MOST_S);
    return false;
}

static bool admit(const struct order *o, struct err *err)
{
    struct func *f = o->func;
    uint32_t limit = f->current ? f->current->max_concurrency : 0;

    if (d.draining && !o->continues)
        return err_set(err, ERR_DRAINING, "the server is stopping");
    if (call_slots_are_full() || call_count() >= (size_t)d.settings->calls_max)
        return err_set(err, ERR_QUEUE_FULL, "too many calls are running or waiting");
    if (!find_room(f, err))
        return false;
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
        call_list_push_last(&d.loading, call);
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
    stop_waiting(call);
    call_close(call);
}

/* Submitted before anything was known of its parameters. */
static bool check_late(struct call *call, const struct version *version, struct err *err)
{
    json_t *params;

    if (!params_parse(call->order.params, &params, err))
        return false;
    struct str none = {NULL, 0}, text = call->order.continues ? none : call->order.params;
    bool ok = params_check(version, params, text, err);
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
        call_list_remove(&d.loading, call);
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
    queue_push_back(call);
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
    return (struct dispatch_figures){queue_count(), (size_t)d.settings->queue_max};
}
