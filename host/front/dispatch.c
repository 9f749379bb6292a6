/* dispatch.c - admission, queue, workers, deadlines. */
/* SPDX-License-Identifier: MIT */
#include "front/dispatch.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/log.h"
#include "front/compose.h"
#include "front/pools.h"

enum { SLOTS = 1 << 16, KILL_GRACE_MS = 100 };

struct queue {
    struct call *first, *last;
    size_t count;
};

static struct {
    const struct settings *settings;
    struct timers *timers;
    struct queue queue;   /* waits for a worker */
    struct queue loading; /* waits for its function's first version */
    struct call *calls[SLOTS];
    uint16_t free_slots[SLOTS];
    size_t free_count;
    uint64_t numbers;
    size_t live;
    bool draining;
} d;

/* -- Lists ----------------------------------------------------------------------------------- */

static void push_last(struct queue *q, struct call *call)
{
    call->next = NULL;
    call->previous = q->last;
    *(q->last ? &q->last->next : &q->first) = call;
    q->last = call;
    q->count++;
}

static void push_first(struct queue *q, struct call *call)
{
    call->previous = NULL;
    call->next = q->first;
    *(q->first ? &q->first->previous : &q->last) = call;
    q->first = call;
    q->count++;
}

static void remove_from(struct queue *q, struct call *call)
{
    *(call->previous ? &call->previous->next : &q->first) = call->next;
    *(call->next ? &call->next->previous : &q->last) = call->previous;
    q->count--;
}

static void link_to(struct member *m, struct call *call)
{
    call->previous = NULL;
    call->next = m->calls;
    if (m->calls)
        m->calls->previous = call;
    m->calls = call;
    call->member = m;
}

static void unlink_from_member(struct call *call)
{
    struct member *m = call->member;

    *(call->previous ? &call->previous->next : &m->calls) = call->next;
    if (call->next)
        call->next->previous = call->previous;
    call->member = NULL;
}

/* -- Ending ---------------------------------------------------------------------------------- */

static uint64_t now(void)
{
    return clock_now_ns();
}

static void free_call(struct call *call)
{
    timer_stop(d.timers, &call->timer);
    if (call->order.kind == CALL_RUN)
        call->order.func->in_flight--;
    d.calls[call->id % SLOTS] = NULL;
    d.free_slots[d.free_count++] = (uint16_t)(call->id % SLOTS);
    d.live--;
    compose_abandon(call->children);
    version_unref(call->version);
    func_unref(call->order.func);
    free(call);
}

static void count(const struct call *call, const struct reply *reply)
{
    struct call_sample sample = {.start = reply->warm ? START_WARM : START_COLD,
                                 .outcome = reply->err.code,
                                 .latency_ns = reply->latency_ns};

    if (call->started_ns == 0)
        sample.start = START_NONE;
    memcpy(sample.phase_ns, reply->phase_ns, sizeof(sample.phase_ns));
    call_stats_add(&call->order.func->stats, &sample);
}

/* Tells the owner, once. */
static void answer(struct call *call, struct reply *reply)
{
    call_done done = call->done;

    reply->latency_ns = now() - call->submitted_ns;
    if (call->started_ns)
        reply->phase_ns[PHASE_QUEUE] = call->started_ns - call->submitted_ns;
    if (call->order.kind == CALL_RUN && call->state != CALL_DETACHED)
        count(call, reply);
    call->done = NULL;
    if (done)
        done(call, call->owner, reply);
}

static void end_waiting(struct call *call, enum err_code code, const char *text)
{
    struct reply reply = {0};

    err_set(&reply.err, code, "%s", text);
    remove_from(call->state == CALL_LOADING ? &d.loading : &d.queue, call);
    answer(call, &reply);
    free_call(call);
}

static void leave_member(struct call *call)
{
    if (call->state == CALL_PARKED)
        call->member->parked--;
    else if (call->state == CALL_RUNNING)
        call->member->running--;
    pools_returned(call);
    unlink_from_member(call);
}

/* -- Deadlines ------------------------------------------------------------------------------- */

static void send_cancel(struct call *call)
{
    struct message m = {.type = MESSAGE_CANCEL, .call = call->id};

    crew_send(call->member, &m, (struct str[MESSAGE_TEXTS]){{NULL, 0}});
}

static void fail_deadline(struct call *call, struct reply *reply)
{
    uint64_t limit_ns = call->deadline_ns - call->started_ns;

    err_set(&reply->err, ERR_DEADLINE, "the call ran past its deadline of %llu ms and was ended",
            (unsigned long long)(limit_ns / NS_PER_MS));
}

/* The worker did not end it in time. If that is because it runs this very call, the worker goes;
 * else it is held up by another call, whose own deadline decides: this one is answered and left. */
static void on_overdue(struct timer *timer)
{
    struct call *call = (struct call *)timer;

    if (atomic_load(&call->member->channel->state->running) == call->id) {
        log_line(LOG_WARN,
                 "worker is ended: its call ran past the deadline worker=%zu pid=%d "
                 "function=%s call_id=%s",
                 call->member->slot, call->member->pid, call->order.func->name,
                 log_quoted(call->order.call_id));
        crew_kill(call->member);
        return;
    }
    if (call->state != CALL_DETACHED) {
        struct reply reply = {0};

        fail_deadline(call, &reply);
        answer(call, &reply);
        call->member->parked -= call->state == CALL_PARKED;
        call->member->running -= call->state == CALL_RUNNING;
        call->state = CALL_DETACHED;
    }
    timer_start(d.timers, timer, now() + KILL_GRACE_MS * NS_PER_MS, on_overdue);
}

static void on_deadline(struct timer *timer)
{
    struct call *call = (struct call *)timer;

    call->overdue = true;
    send_cancel(call);
    timer_start(d.timers, timer, now() + KILL_GRACE_MS * NS_PER_MS, on_overdue);
}

static void on_queue_wait(struct timer *timer)
{
    struct call *call = (struct call *)timer;

    if (call->order.expires_ns && now() >= call->order.expires_ns)
        end_waiting(call, ERR_DEADLINE, "the call's deadline passed before a worker was free");
    else
        end_waiting(call, ERR_QUEUE_TIMEOUT, "no worker was free in time");
}

/* -- Starting -------------------------------------------------------------------------------- */

static bool is_idle(const struct member *m)
{
    return !m->dying && m->running == 0 && atomic_load(&m->channel->state->running) == 0;
}

/* An idle worker with a warm instance if one is wanted, else the idle one with the fewest parked
 * calls; NULL when all are busy. */
static struct member *pick_member(const struct call *call)
{
    struct member *best = NULL;

    if (call->order.kind == CALL_POOL) {
        struct member *own = &crew.members[call->order.slot];
        return is_idle(own) ? own : NULL;
    }
    for (size_t i = 0; i < crew.count; i++) {
        struct member *m = &crew.members[i];

        if (!is_idle(m))
            continue;
        if (call->order.warm && pools_has_idle(call->version, m->slot))
            return m;
        if (!best || m->parked < best->parked)
            best = m;
    }
    return best;
}

static void set_deadline(struct call *call)
{
    uint64_t limit_ms = call->order.kind == CALL_RUN    ? call->version->timeout_ms
                        : call->order.kind == CALL_POOL ? (uint64_t)d.settings->timeout_ms
                                                        : (uint64_t)d.settings->load_timeout_ms;

    call->started_ns = now();
    call->deadline_ns = call->started_ns + limit_ms * NS_PER_MS;
    if (call->order.expires_ns && call->order.expires_ns < call->deadline_ns)
        call->deadline_ns = call->order.expires_ns;
    timer_start(d.timers, &call->timer, call->deadline_ns, on_deadline);
}

static void start(struct call *call, struct member *m)
{
    struct message message = {.type = MESSAGE_CALL,
                              .code = call->order.kind,
                              .call = call->id,
                              .version = call->version->id};

    remove_from(&d.queue, call);
    set_deadline(call);
    crew_teach(m, call->version);
    message.call_of.deadline_ns = call->deadline_ns;
    message.call_of.memory_bytes = call->version->memory_bytes;
    message.call_of.warm = pools_take(call, m->slot);
    message.call_of.count = call->order.count;
    crew_send(m, &message,
              (struct str[MESSAGE_TEXTS]){call->order.call_id, call->order.traceparent,
                                          call->order.params});
    call->state = CALL_RUNNING;
    call->sequence = ++m->sent;
    m->running++;
    link_to(m, call);
}

/* In order, but calls for one worker's pool do not hold up those behind them. */
static void start_queued(void)
{
    struct call *call = d.queue.first;

    while (call) {
        struct call *next = call->next;
        struct member *m = pick_member(call);

        if (m)
            start(call, m);
        else if (call->order.kind != CALL_POOL)
            return;
        call = next;
    }
}

/* -- Admission ------------------------------------------------------------------------------- */

static bool admit(const struct order *o, struct err *err)
{
    struct func *f = o->func;
    uint32_t limit = f->current ? f->current->max_concurrency : 0;

    if (d.draining)
        return err_set(err, ERR_DRAINING, "the server is stopping");
    if (d.free_count == 0 || d.queue.count >= (size_t)d.settings->queue_max ||
        d.live >= (size_t)d.settings->calls_max)
        return err_set(err, ERR_QUEUE_FULL, "too many calls are waiting");
    if (!f->current && !f->loading)
        return err_set(err, ERR_FUNCTION_BROKEN, "%s does not load: %s", f->name,
                       f->error ? f->error : "its file is gone");
    if (f->current && f->current->quarantined)
        return err_set(err, ERR_FUNCTION_BROKEN,
                       "%s crashed its worker %d times within a minute; change its file to try "
                       "again",
                       f->name, CRASHES_MAX);
    if (limit && f->in_flight >= limit)
        return err_set(err, ERR_FUNCTION_BUSY, "%s takes at most %u calls at once", f->name, limit);
    return true;
}

static struct str keep(char **at, struct str text)
{
    struct str kept = {*at, text.len};

    if (text.len)
        memcpy(*at, text.at, text.len);
    *at += text.len;
    return kept;
}

static struct call *make_call(const struct order *o, call_done done, void *owner)
{
    struct call *call = malloc(sizeof(*call) + o->params.len + o->call_id.len + o->traceparent.len);
    char *at;

    if (!call)
        abort();
    uint16_t slot = d.free_slots[--d.free_count];
    *call = (struct call){.id = ++d.numbers * SLOTS + slot,
                          .order = *o,
                          .submitted_ns = now(),
                          .done = done,
                          .owner = owner};
    at = call->text;
    call->order.params = keep(&at, o->params);
    call->order.call_id = keep(&at, o->call_id);
    call->order.traceparent = keep(&at, o->traceparent);
    o->func->refs++;
    if (o->kind == CALL_RUN)
        o->func->in_flight++;
    d.calls[slot] = call;
    d.live++;
    return call;
}

static void enqueue(struct call *call)
{
    uint64_t until = call->submitted_ns + (uint64_t)d.settings->queue_wait_ms * NS_PER_MS;

    call->state = CALL_QUEUED;
    if (call->order.kind == CALL_DESCRIBE) {
        push_first(&d.queue, call); /* calls may be waiting for what it brings */
        return;
    }
    push_last(&d.queue, call);
    if (call->order.expires_ns && call->order.expires_ns < until)
        until = call->order.expires_ns;
    if (call->order.kind == CALL_RUN)
        timer_start(d.timers, &call->timer, until, on_queue_wait);
}

struct call *dispatch_submit(const struct order *order, call_done done, void *owner,
                             struct err *err)
{
    bool internal = order->kind != CALL_RUN;

    if (internal ? d.free_count == 0 && !err_set(err, ERR_QUEUE_FULL, "too many calls")
                 : !admit(order, err))
        return NULL;
    struct call *call = make_call(order, done, owner);
    struct version *version = order->version ? order->version : order->func->current;
    if (version) {
        call->version = version_ref(version);
        enqueue(call);
    } else {
        call->state = CALL_LOADING;
        push_last(&d.loading, call);
    }
    return call;
}

void dispatch_abandon(struct call *call)
{
    call->done = NULL;
    if (call->state != CALL_LOADING && call->state != CALL_QUEUED)
        return;
    remove_from(call->state == CALL_LOADING ? &d.loading : &d.queue, call);
    free_call(call);
}

void dispatch_loaded(struct func *func, const struct err *err)
{
    struct call *next;

    for (struct call *call = d.loading.first; call; call = next) {
        next = call->next;
        if (call->order.func != func)
            continue;
        if (err) {
            end_waiting(call, err->code, err->text);
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

/* -- Replies --------------------------------------------------------------------------------- */

/* The call that a worker speaks of, if it has it: a worker may say any number. */
static struct call *call_of(const struct member *member, uint64_t id)
{
    struct call *call = d.calls[id % SLOTS];

    return call && call->id == id && call->member == member ? call : NULL;
}

static void take_done(struct call *call, const struct message *m, const struct str *texts)
{
    struct reply reply = {.warm = m->done.warm != 0, .pool_size = m->done.count};

    reply.phase_ns[PHASE_DEPLOY] = m->done.deploy_ns;
    reply.phase_ns[PHASE_EXEC] = m->done.exec_ns;
    reply.phase_ns[PHASE_UNDEPLOY] = m->done.undeploy_ns;
    if (m->code == ERR_NONE)
        reply.json = texts[0];
    else
        err_set(&reply.err, (enum err_code)m->code, "%.*s", STR_ARG(texts[0]));
    if (m->code == ERR_DEADLINE)
        fail_deadline(call, &reply);
    reply.details = texts[1];
    leave_member(call);
    answer(call, &reply);
    free_call(call);
}

static void park(struct call *call)
{
    if (call->state != CALL_RUNNING)
        return;
    call->member->running--;
    call->member->parked++;
    call->state = CALL_PARKED;
}

static void log_for(const struct call *call, const struct message *m, struct str text)
{
    log_line((enum log_level)m->code, "function=%s call_id=%s%s%s text=%s", call->order.func->name,
             log_quoted(call->order.call_id), call->order.traceparent.len ? " traceparent=" : "",
             call->order.traceparent.len ? log_quoted(call->order.traceparent) : "",
             log_quoted(text));
}

static void take_message(struct member *member, const struct message *m, const struct str *texts)
{
    struct call *call = call_of(member, m->call);

    if (!call)
        return;
    switch (m->type) {
    case MESSAGE_DONE:
        take_done(call, m, texts);
        break;
    case MESSAGE_PARKED:
        park(call);
        break;
    case MESSAGE_INVOKE:
        park(call);
        compose_children(call, texts[0]);
        break;
    case MESSAGE_LOG:
        log_for(call, m, texts[0]);
        break;
    default:
        crew_kill(member); /* it says what only the front says */
    }
}

bool dispatch_run(void)
{
    bool any = crew_drain(take_message);

    if (d.queue.count)
        start_queued();
    return any;
}

/* -- Death of a worker ----------------------------------------------------------------------- */

static bool is_fault(int status)
{
    return !WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL;
}

static void end_in_dead_worker(struct call *call, int status, bool ran)
{
    struct reply reply = {.warm = call->pooled};

    leave_member(call);
    if (call->overdue)
        fail_deadline(call, &reply);
    else
        err_set(&reply.err, ERR_WORKER_CRASHED, "the worker process that ran the call died (%s %d)",
                WIFSIGNALED(status) ? "signal" : "exit status",
                WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
    if (ran && is_fault(status) && version_crashed(call->version, now()))
        log_line(LOG_ERROR,
                 "function is no longer served: it crashed its worker %d times within a "
                 "minute function=%s",
                 CRASHES_MAX, call->order.func->name);
    answer(call, &reply);
    free_call(call);
}

/* A call that the worker had not taken up yet goes back to the head of the queue. */
static void requeue(struct call *call)
{
    leave_member(call);
    call->started_ns = 0;
    call->overdue = false;
    timer_stop(d.timers, &call->timer);
    call->state = CALL_QUEUED;
    push_first(&d.queue, call);
}

void dispatch_worker_died(struct member *member, int status)
{
    member->dying = false;
    crew_drain_member(member, take_message);
    uint64_t running = atomic_load(&member->channel->state->running);
    uint64_t started = atomic_load(&member->channel->state->started);
    while (member->calls) {
        struct call *call = member->calls;

        if (call->sequence > started && call->state == CALL_RUNNING && !call->overdue)
            requeue(call);
        else
            end_in_dead_worker(call, status, call->id == running);
    }
    crew_respawn(member);
    pools_worker_restarted(member);
}

/* -- The rest -------------------------------------------------------------------------------- */

void dispatch_init(const struct settings *settings, struct timers *timers)
{
    d.settings = settings;
    d.timers = timers;
    for (size_t i = SLOTS; i-- > 0;)
        d.free_slots[d.free_count++] = (uint16_t)i;
}

void dispatch_drain(void)
{
    d.draining = true;
}

void dispatch_make_id(char text[CALL_ID_SIZE])
{
    static uint64_t pool[64];
    static size_t left;

    if (left == 0) {
        if (getrandom(pool, sizeof(pool), 0) != sizeof(pool))
            abort();
        left = sizeof(pool) / sizeof(*pool);
    }
    left -= 2;
    snprintf(text, CALL_ID_SIZE, "%016llx%016llx", (unsigned long long)pool[left],
             (unsigned long long)pool[left + 1]);
}

struct dispatch_figures dispatch_figures(void)
{
    return (struct dispatch_figures){d.queue.count, d.live, (size_t)d.settings->queue_max};
}
