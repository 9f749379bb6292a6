/* ahead.c - expecting what calls take, and taking back those that wait. */
/* SPDX-License-Identifier: MIT */
#include "front/ahead.h"

#include "base/clock.h"
#include "front/dispatch.h"

enum { LOOK_MS = 1 };

/* A version that has not run yet may take any time. One sample moves what is expected by an eighth
 * of the way, and counts as SURPRISE times that at most: a worker that the kernel held up once does
 * not make a function slow. */
enum { UNKNOWN_NS = 10 * AHEAD_NS, WEIGHT = 8, SURPRISE = 2 };

static struct timers *timers;
static uint64_t taken_back;

void ahead_init(struct timers *of_loop)
{
    timers = of_loop;
}

uint64_t ahead_cost(const struct call *call)
{
    const struct version *v = call->version;

    return call->order.kind == CALL_RUN && v->cost_ns ? v->cost_ns : UNKNOWN_NS;
}

void ahead_learn(struct call *call, uint64_t took_ns)
{
    struct version *v = call->version;

    if (call->order.kind != CALL_RUN)
        return;
    if (!v->cost_ns)
        v->cost_ns = UNKNOWN_NS;
    if (took_ns > SURPRISE * v->cost_ns)
        took_ns = SURPRISE * v->cost_ns;
    v->cost_ns = (v->cost_ns * (WEIGHT - 1) + took_ns) / WEIGHT + 1;
}

/* -- Taking back ----------------------------------------------------------------------------- */

static void take_back(struct member *m)
{
    struct message open = {.type = MESSAGE_OPEN};
    uint64_t passed = gate_close(&m->channel->state->gate, &open.code);
    struct call *next;

    m->sent = m->goal = passed;
    for (struct call *call = m->calls; call; call = next) {
        next = call->next;
        if (call->sequence > passed) {
            call->alone = call->order.kind != CALL_POOL; /* which has one worker only */
            taken_back++;
            dispatch_again(call);
        }
    }
    crew_send(m, &open, (struct str[MESSAGE_TEXTS]){{NULL, 0}});
}

uint64_t ahead_taken_back(void)
{
    return taken_back;
}

static void on_look(struct timer *timer);

/* What the worker has by now, it shall have begun in time. */
static void look_again(struct member *m, uint64_t passed)
{
    uint64_t now = clock_now_ns();

    if (passed >= m->goal) {
        m->goal = m->sent;
        m->goal_by_ns = now + AHEAD_MOST_NS;
    }
    m->seen = passed;
    timer_start(timers, &m->look, now + LOOK_MS * NS_PER_MS, on_look);
}

static void on_look(struct timer *timer)
{
    struct member *m = (struct member *)timer;
    uint64_t passed = gate_passed(&m->channel->state->gate);

    if (m->dying || passed >= m->sent)
        return;
    bool late = passed < m->goal && clock_now_ns() > m->goal_by_ns;
    if (passed == m->seen || late)
        take_back(m);
    else
        look_again(m, passed);
}

void ahead_watch(struct member *member)
{
    if (!member->look.place)
        look_again(member, gate_passed(&member->channel->state->gate));
}
