/* inbox.c - what comes from workers: messages, and their deaths. */
/* SPDX-License-Identifier: MIT */
#include "front/inbox.h"

#include <sys/wait.h>

#include "base/clock.h"
#include "base/log.h"
#include "front/ahead.h"
#include "front/compose.h"
#include "front/deadline.h"
#include "front/dispatch.h"
#include "front/pools.h"

/* -- Messages -------------------------------------------------------------------------------- */

static void read_failure(struct reply *reply, const struct message *m, const struct str *texts)
{
    if (failure_read(&reply->failure, m, texts))
        err_set(&reply->err, (enum err_code)m->code, "%.*s", STR_ARG(texts[MESSAGE_SENTENCE]));
    else
        err_set(&reply->err, ERR_INTERNAL, "the worker's error is malformed");
}

static void take_done(struct call *call, const struct message *m, const struct str *texts)
{
    struct reply reply = {
        .warm = m->done.warm != 0, .pool_size = m->done.count, .peak_bytes = m->done.peak_bytes};

    reply.phase_ns[PHASE_DEPLOY] = m->done.deploy_ns;
    reply.phase_ns[PHASE_EXEC] = m->done.exec_ns;
    reply.phase_ns[PHASE_UNDEPLOY] = m->done.undeploy_ns;
    if (m->code == ERR_NONE)
        reply.json = texts[0];
    else
        read_failure(&reply, m, texts);
    if (m->code == ERR_DEADLINE)
        deadline_fail(call, &reply);
    if (m->done.began_ns > call->started_ns && m->done.began_ns < clock_now_ns())
        call->began_ns = m->done.began_ns;
    if (m->code != ERR_DEADLINE && m->code != ERR_CANCELLED) /* it may not have begun */
        ahead_learn(call, m->done.held_ns);
    pools_told(call, reply.warm);
    pools_note(call, m->done.count);
    struct version *version = version_ref(call->version);
    size_t slot = call->member->slot;
    bool ran = call->order.kind == CALL_RUN;

    call_leave(call);
    call_answer(call, &reply);
    call_close(call);
    if (ran)
        pools_replace(version, slot);
    version_unref(version);
}

/* What a file says while it loads is of no call. */
static void log_for(const struct call *call, const struct message *m, struct str text)
{
    if (call->order.kind == CALL_RUN)
        func_log(call->order.func, (enum log_level)m->code, call->order.call_id,
                 call->order.traceparent, text);
    log_line((enum log_level)m->code, "function=%s call_id=%s%s%s text=%s", call->order.func->name,
             log_quoted(call->order.call_id), call->order.traceparent.len ? " traceparent=" : "",
             call->order.traceparent.len ? log_quoted(call->order.traceparent) : "",
             log_quoted(text));
}

static void take_message(struct member *member, const struct message *m, const struct str *texts)
{
    struct call *call = call_find(member, m->call);

    if (!call)
        return;
    switch (m->type) {
    case MESSAGE_DONE:
        take_done(call, m, texts);
        break;
    case MESSAGE_PARKED:
        pools_told(call, m->done.warm != 0);
        call_park(call);
        break;
    case MESSAGE_INVOKE:
        pools_told(call, m->done.warm != 0);
        call_park(call);
        compose_children(call, texts[0]);
        break;
    case MESSAGE_LOG:
        log_for(call, m, texts[0]);
        break;
    default:
        crew_kill(member); /* it says what only the front says */
    }
}

bool inbox_drain(void)
{
    return crew_drain(take_message);
}

/* Of what had not begun, and of what the server asked for itself and had begun. */
enum { RETRIES_MAX = 10, OWN_RETRIES_MAX = 3 };

/* -- Death of a worker ----------------------------------------------------------------------- */

static bool is_fault(int status)
{
    return !WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL;
}

/* What had not begun is nobody's loss. What the server wants of a worker for itself is asked again
 * also when it had begun, unless it looks like the cause of the death. */
static bool may_go_again(struct call *call, bool fault)
{
    if (call->state != CALL_RUNNING || call->overdue)
        return false;
    if (!call_has_begun(call))
        return call->retries++ < RETRIES_MAX;
    return call->order.kind != CALL_RUN && !fault && call->retries++ < OWN_RETRIES_MAX;
}

/* `at_fault`: the worker died of it, or was ended because it could not be. */
static void end_in_dead_worker(struct call *call, int status, bool at_fault)
{
    bool forbidden = WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS;
    struct reply reply = {.warm = call->pooled};

    call_leave(call);
    if (call->overdue)
        deadline_fail(call, &reply);
    else
        err_set(&reply.err, ERR_WORKER_CRASHED, "the worker process that ran the call %s (%s %d)",
                forbidden ? "made a forbidden system call" : "died",
                WIFSIGNALED(status) ? "signal" : "exit status",
                WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
    if (at_fault && version_crashed(call->version, clock_now_ns()))
        log_line(LOG_ERROR,
                 "function is no longer served: it crashed its worker %d times within a minute, or "
                 "did not end with its deadline function=%s",
                 CRASHES_MAX, call->order.func->name);
    call_answer(call, &reply);
    call_close(call);
}

void inbox_worker_died(struct member *member, int status)
{
    member->dying = false;
    crew_drain_dead(member, take_message);
    uint64_t running = atomic_load(&member->channel->state->running);
    bool fault = is_fault(status) || member->nonsense;
    while (member->calls) {
        struct call *call = member->calls;

        if (may_go_again(call, fault))
            dispatch_again(call);
        else
            end_in_dead_worker(call, status, call->id == running && (fault || call->overdue));
    }
    crew_respawn(member);
    pools_worker_restarted(member);
}
