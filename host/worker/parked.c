/* parked.c - parked calls by number, in a list, and the look at them. */
/* SPDX-License-Identifier: MIT */
#include "worker/parked.h"

#include "base/clock.h"
#include "worker/profiler.h"

/* The low bits of a call's number are a slot that no other live call has. */
enum { CALL_SLOTS = 1 << 16 };

static struct {
    struct timers *timers;
    struct timer look;
    struct call *by_id[CALL_SLOTS];
    struct call *first;
} p;

void parked_init(struct timers *timers)
{
    p.timers = timers;
}

static void look_later(uint64_t now_ns);

static void on_look(struct timer *timer)
{
    uint64_t now = clock_now_ns();

    (void)timer;
    profiler_look();
    for (struct call *call = p.first; call; call = call->next_parked)
        profiler_parked(call, now);
    if (p.first)
        look_later(now);
}

static void look_later(uint64_t now_ns)
{
    timer_start(p.timers, &p.look, now_ns + NS_PER_S, on_look);
}

/* A look that is due goes on when the last one leaves: a call that comes soon needs no new one. */
void parked_put(struct call *call)
{
    p.by_id[call->id % CALL_SLOTS] = call;
    call->next_parked = p.first;
    if (p.first)
        p.first->before_parked = &call->next_parked;
    p.first = call;
    call->before_parked = &p.first;
    if (!p.look.place)
        look_later(call->parked_ns);
}

void parked_take(struct call *call)
{
    p.by_id[call->id % CALL_SLOTS] = NULL;
    *call->before_parked = call->next_parked;
    if (call->next_parked)
        call->next_parked->before_parked = call->before_parked;
}

struct call *parked_find(uint64_t id)
{
    struct call *call = p.by_id[id % CALL_SLOTS];

    return call && call->id == id ? call : NULL;
}
