/* deadline.c - ending calls that take too long. */
/* SPDX-License-Identifier: MIT */
#include "front/deadline.h"

#include "base/clock.h"
#include "base/log.h"

enum { GRACE_MS = 100, BEGIN_LOOK_MS = 10, CANCEL_LOOK_MS = 10 };

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
    struct message cancel = {.type = MESSAGE_CANCEL, .code = ERR_DEADLINE};
    struct call *call = (struct call *)timer;

    call->overdue = true;
    cancel.call = call->id;
    crew_hurry(call->member, call->id);
    crew_send(call->member, &cancel, (struct str[MESSAGE_TEXTS]){{NULL, 0}});
    timer_start(timers, timer, clock_now_ns() + GRACE_MS * NS_PER_MS, on_overdue);
}

/* Until it has ended: it may not have begun yet, or be resumed just when it was to be cancelled. */
static void on_cancel_look(struct timer *timer)
{
    struct call *call = (struct call *)timer;
    uint64_t now = clock_now_ns();

    if (now >= call->deadline_ns) {
        on_deadline(timer);
        return;
    }
    crew_cancel(call->member, call->id);
    timer_start(timers, timer, now + CANCEL_LOOK_MS * NS_PER_MS, on_cancel_look);
}

void deadline_cancel(struct call *call)
{
    struct message cancel = {.type = MESSAGE_CANCEL, .code = ERR_CANCELLED, .call = call->id};

    crew_send(call->member, &cancel, (struct str[MESSAGE_TEXTS]){{NULL, 0}});
    if (!call->overdue)
        on_cancel_look(&call->timer);
}

/* What the server asks for itself has its whole time from when the worker takes it: that another
 * call holds the worker up is not this function's fault. Each of those others has a deadline; when
 * there is none, it is the worker that is stuck. */
static void on_begin_look(struct timer *timer)
{
    struct call *call = (struct call *)timer;
    uint64_t now = clock_now_ns(), limit = call->deadline_ns - call->started_ns;

    if (call_has_begun(call)) {
        call->deadline_ns = now + limit;
        timer_start(timers, timer, call->deadline_ns, on_deadline);
    } else if (now >= call->deadline_ns && call->member->calls == call && !call->next) {
        log_line(LOG_WARN, "worker is ended: it takes no call worker=%zu pid=%d",
                 call->member->slot, call->member->pid);
        crew_kill(call->member);
    } else {
        timer_start(timers, timer, now + BEGIN_LOOK_MS * NS_PER_MS, on_begin_look);
    }
}

void deadline_start(struct call *call, uint64_t limit_ms)
{
    call->started_ns = call->began_ns = clock_now_ns();
    call->deadline_ns = call->started_ns + limit_ms * NS_PER_MS;
    if (call->order.expires_ns && call->order.expires_ns < call->deadline_ns)
        call->deadline_ns = call->order.expires_ns;
    if (call->order.kind == CALL_RUN)
        timer_start(timers, &call->timer, call->deadline_ns, on_deadline);
    else
        timer_start(timers, &call->timer, call->started_ns + BEGIN_LOOK_MS * NS_PER_MS,
                    on_begin_look);
}
