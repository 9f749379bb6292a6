/* call.c - opening, answering and closing calls. */
/* SPDX-License-Identifier: MIT */
#include "front/call.h"

#include <stdlib.h>
#include <sys/random.h>

#include "base/clock.h"
#include "front/ahead.h"
#include "front/compose.h"
#include "front/pools.h"
#include "front/profiles.h"

/* A call's number is its slot and a count above it: workers index their parked calls by the slot,
 * and a number that comes back late finds no call that is not its own. */
enum { SLOTS = 1 << 16 };

static struct {
    struct timers *timers;
    struct call *calls[SLOTS];
    uint16_t free_slots[SLOTS];
    size_t free_count;
    uint64_t numbers;
} c;

void call_init(struct timers *timers)
{
    c.timers = timers;
    for (size_t i = SLOTS; i-- > 0;)
        c.free_slots[c.free_count++] = (uint16_t)i;
}

bool call_slots_are_full(void)
{
    return c.free_count == 0;
}

size_t call_count(void)
{
    return SLOTS - c.free_count;
}

static struct str keep(char **at, struct str text)
{
    struct str kept = {*at, text.len};

    if (text.len)
        memcpy(*at, text.at, text.len);
    *at += text.len;
    return kept;
}

struct call *call_open(const struct order *o, call_done done, void *owner)
{
    struct call *call = malloc(sizeof(*call) + o->params.len + o->call_id.len + o->traceparent.len);
    uint16_t slot = c.free_slots[--c.free_count];

    if (!call)
        abort();
    *call = (struct call){.id = ++c.numbers * SLOTS + slot,
                          .order = *o,
                          .submitted_ns = clock_now_ns(),
                          .done = done,
                          .owner = owner};
    char *at = call->text;
    call->order.params = keep(&at, o->params);
    call->order.call_id = keep(&at, o->call_id);
    call->order.traceparent = keep(&at, o->traceparent);
    o->func->refs++;
    if (o->kind == CALL_RUN)
        o->func->in_flight++;
    c.calls[slot] = call;
    return call;
}

void call_close(struct call *call)
{
    timer_stop(c.timers, &call->timer);
    if (call->order.kind == CALL_RUN)
        call->order.func->in_flight--;
    c.calls[call->id % SLOTS] = NULL;
    c.free_slots[c.free_count++] = (uint16_t)(call->id % SLOTS);
    compose_abandon(call->children);
    version_unref(call->version);
    func_unref(call->order.func);
    free(call);
}

struct call *call_find(const struct member *member, uint64_t id)
{
    struct call *call = c.calls[id % SLOTS];

    return call && call->id == id && call->member == member ? call : NULL;
}

/* -- Answering ------------------------------------------------------------------------------- */

static void count(const struct call *call, const struct reply *reply)
{
    struct call_sample sample = {.start = reply->warm ? CALL_WARM : CALL_COLD,
                                 .outcome = reply->err.code,
                                 .latency_ns = reply->latency_ns,
                                 .peak_bytes = reply->peak_bytes};

    if (call->started_ns == 0)
        sample.start = CALL_UNSTARTED;
    memcpy(sample.phase_ns, reply->phase_ns, sizeof(sample.phase_ns));
    call_stats_add(&call->order.func->stats, &sample);
    profiles_count(call->order.func, sample.start);
}

static void log_failure(const struct call *call, const struct reply *reply)
{
    const struct err *err = &reply->err;
    static struct buf text;

    buf_clear(&text);
    buf_put_str(&text, failure_code(&reply->failure, err));
    buf_format(&text, ": %s", err->text);
    func_log(call->order.func, err->code == ERR_CANCELLED ? LOG_INFO : LOG_ERROR,
             call->order.call_id, call->order.traceparent, buf_str(&text));
}

void call_answer(struct call *call, struct reply *reply)
{
    call_done done = call->done;

    reply->latency_ns = clock_now_ns() - call->submitted_ns;
    if (call->started_ns)
        reply->phase_ns[PHASE_QUEUE] = call->began_ns - call->submitted_ns;
    if (call->order.kind == CALL_RUN && call->state != CALL_DETACHED) {
        count(call, reply);
        if (reply->err.code != ERR_NONE)
            log_failure(call, reply);
    }
    call->done = NULL;
    if (done)
        done(call, call->owner, reply);
}

/* -- In a worker ----------------------------------------------------------------------------- */

static void count_running(const struct call *call, struct member *member)
{
    crew.busy += member->running++ == 0;
    call->order.func->running += call->order.kind == CALL_RUN;
    member->backlog_ns += call->cost_ns;
    member->slow += call->cost_ns >= AHEAD_NS;
}

void call_join(struct call *call, struct member *member)
{
    call->state = CALL_RUNNING;
    call->sequence = ++member->sent;
    count_running(call, member);
    call->previous = NULL;
    call->next = member->calls;
    if (member->calls)
        member->calls->previous = call;
    member->calls = call;
    call->member = member;
}

static void stop_counting(struct call *call)
{
    call->member->parked -= call->state == CALL_PARKED;
    if (call->state != CALL_RUNNING)
        return;
    crew.busy -= --call->member->running == 0;
    call->member->backlog_ns -= call->cost_ns;
    call->member->slow -= call->cost_ns >= AHEAD_NS;
    call->order.func->running -= call->order.kind == CALL_RUN;
}

void call_park(struct call *call)
{
    if (call->state != CALL_RUNNING)
        return;
    stop_counting(call);
    pools_parked(call);
    call->state = CALL_PARKED;
    call->member->parked++;
}

void call_unpark(struct call *call)
{
    if (call->state != CALL_PARKED)
        return;
    stop_counting(call);
    pools_unparked(call);
    call->state = CALL_RUNNING;
    count_running(call, call->member);
}

bool call_has_begun(const struct call *call)
{
    const struct channel_state *state = call->member->channel->state;

    return call->sequence <= gate_passed(&state->gate) || call->id == atomic_load(&state->running);
}

void call_detach(struct call *call)
{
    if (call->state == CALL_PARKED)
        pools_unparked(call);
    stop_counting(call);
    call->state = CALL_DETACHED;
}

void call_leave(struct call *call)
{
    pools_returned(call);
    stop_counting(call);
    *(call->previous ? &call->previous->next : &call->member->calls) = call->next;
    if (call->next)
        call->next->previous = call->previous;
    call->member = NULL;
}

void call_make_id(struct buf *id)
{
    static uint64_t pool[64];
    static size_t left;

    if (left == 0) {
        if (getrandom(pool, sizeof(pool), 0) != sizeof(pool))
            abort();
        left = sizeof(pool) / sizeof(*pool);
    }
    left -= 2;
    buf_put_hex(id, pool[left]);
    buf_put_hex(id, pool[left + 1]);
}
