/* deadline.c - ending calls that take too long. */
/* SPDX-License-Identifier: MIT */
#include "front/deadline.h"

#include "base/clock.h"
#include "base/log.h"

enum { GRACE_MS = 100 };

static struct timers *timers;

void deadline_init(struct timers *of_loop)
{
    timers = of_loop;
}

void deadline_fail(const struct call *call, struct reply *reply)
{
    bool by_request = call->deadline_ns == call->order.expires_ns;
    uint64_t from = by_request ? call->submitted_ns : call->started_ns;
    uint64_t limit_ms = (call->deadline_ns - from + NS_PER_MS / 2) / NS_PER_MS;

    err_set(&reply->err, ERR_DEADLINE, "the call ran past its deadline of %llu ms and was ended",
            (unsigned long long)limit_ms);
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
        struct reply reply = {.warm = call->pooled};

        deadline_fail(call, &reply);
        call_answer(call, &reply);
        call_detach(call);
    }
    timer_start(timers, timer, clock_now_ns() + GRACE_MS * NS_PER_MS, on_overdue);
}

static void on_deadline(struct timer *timer)
{
    struct message cancel = {.type = MESSAGE_CANCEL};
    struct call *call = (struct call *)timer;

    if (call->order.kind != CALL_RUN && !call_has_begun(call)) {
        deadline_start(call, (call->deadline_ns - call->started_ns) / NS_PER_MS);
        return; /* another call holds the worker up: that is not this function's fault */
    }
    call->overdue = true;
    cancel.call = call->id;
    crew_send(call->member, &cancel, (struct str[MESSAGE_TEXTS]){{NULL, 0}});
    timer_start(timers, timer, clock_now_ns() + GRACE_MS * NS_PER_MS, on_overdue);
}

void deadline_start(struct call *call, uint64_t limit_ms)
{
    call->started_ns = clock_now_ns();
    call->deadline_ns = call->started_ns + limit_ms * NS_PER_MS;
    if (call->order.expires_ns && call->order.expires_ns < call->deadline_ns)
        call->deadline_ns = call->order.expires_ns;
    timer_start(timers, &call->timer, call->deadline_ns, on_deadline);
}
