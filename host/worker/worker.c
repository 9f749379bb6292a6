/* worker.c - the loop of a worker process. */
/* SPDX-License-Identifier: MIT */
#include "worker/worker.h"

#include <assert.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/pace.h"
#include "wire/message.h"
#include "worker/bridge.h"
#include "worker/cstack.h"
#include "worker/json.h"
#include "worker/output.h"
#include "worker/parked.h"
#include "worker/pool.h"
#include "worker/profiler.h"
#include "worker/safepoint.h"
#include "worker/share.h"
#include "worker/traceback.h"
#include "worker/worker_wall.h"

enum { IDLE_WAIT_MS = 60000, FULL_RING_WAIT_NS = 50000, POOL_SLICE_MS = 20, RESULT_KEPT = 1 << 20 };

static struct {
    const struct switchboard *board;
    const struct channel *channel;
    struct ring_end in, out;
    struct loader loader;
    struct timers timers;
    struct buf result, traceback;
    struct raised raised; /* of the call that fails */
    size_t forgotten;     /* versions that are to be dropped once they are unused */
    size_t result_max, message_max;
    enum pace pace;
} w;

size_t worker_message_max(void)
{
    return w.message_max;
}

static void set_pace(enum pace pace)
{
    if (w.pace != pace)
        pace_set(pace);
    w.pace = pace;
    safepoint_share(pace == PACE_LONG);
}

/* -- Sending --------------------------------------------------------------------------------- */

/* The front never blocks, so a full ring empties soon. */
static void send_message(struct message *m, const struct str *texts)
{
    const struct timespec pause = {.tv_nsec = FULL_RING_WAIT_NS};

    while (!message_write(&w.out, m, texts)) {
        bell_ring(w.board->front_bell, w.board->wake_front);
        nanosleep(&pause, NULL);
    }
    bell_ring(w.board->front_bell, w.board->wake_front);
}

void worker_log(const struct call *call, enum log_level level, struct str text)
{
    struct message m = {.type = MESSAGE_LOG,
                        .code = level,
                        .call = call ? call->id : atomic_load(&w.channel->state->running)};

    send_message(&m, (struct str[MESSAGE_TEXTS]){text});
}

/* Ends a call: `err` NULL means w.result is its result. */
static void send_done(const struct call *call, const struct err *err, uint64_t ended_ns,
                      uint64_t now_ns, uint64_t peak_bytes)
{
    struct message m = {.type = MESSAGE_DONE,
                        .code = err ? err->code : ERR_NONE,
                        .call = call->id,
                        .version = call->code->version};
    uint64_t deployed = call->deployed_ns ? call->deployed_ns : ended_ns;

    m.done.began_ns = call->began_ns;
    m.done.deploy_ns = deployed - call->began_ns;
    m.done.exec_ns = ended_ns - deployed;
    m.done.undeploy_ns = now_ns - ended_ns;
    m.done.held_ns = call->held_ns + now_ns - call->resumed_ns;
    m.done.peak_bytes = peak_bytes;
    m.done.warm = call->warm;
    m.done.count = (uint32_t)call->code->pool_size;
    m.done.status = err ? (uint32_t)w.raised.status : 0;
    if (err)
        send_message(&m, (struct str[MESSAGE_TEXTS]){
                             str_of(err->text), buf_str(&w.traceback), buf_str(&w.raised.details),
                             str_of(w.raised.code), str_of(w.raised.child)});
    else
        send_message(&m, (struct str[MESSAGE_TEXTS]){buf_str(&w.result)});
}

/* -- Calls ----------------------------------------------------------------------------------- */

/* A part of dropping the code that nobody needs any more, for it may have a large pool; true when
 * there was any. */
static bool tidy(void)
{
    struct code *code = w.forgotten ? loader_unused(&w.loader) : NULL;

    if (!code || pool_close_one(code))
        return code != NULL;
    loader_remove(&w.loader, code);
    w.forgotten--;
    return true;
}

/* `err` NULL: with w.result. Closing a state that was left by a jump may take long: its call is
 * answered first. */
static void end_call(struct call *call, const struct err *err)
{
    if (call->vm)
        output_finish(call->vm);
    uint64_t ended = clock_now_ns(), peak = call->vm ? heap_peak_bytes(call->vm->heap) : 0;
    bool dead = call->vm && call->vm->dead;

    buf_clear(&w.traceback);
    buf_put_str(&w.traceback, traceback_text()); /* closing may end in a jump, too */
    timer_stop(&w.timers, &call->timer);
    if (dead && call->warm)
        pool_lose(call->code);
    else if (call->warm)
        pool_give(call->vm);
    else if (!dead)
        vm_close(call->vm);
    atomic_store(&w.channel->state->running, 0);
    send_done(call, err, ended, dead ? ended : clock_now_ns(), peak);
    if (dead)
        vm_close(call->vm);
    profiler_enter(PHASE_LOOP);
    profiler_hold(NULL, clock_now_ns());
    if (err && (err->code == ERR_DEADLINE || err->code == ERR_CANCELLED))
        set_pace(PACE_QUICK); /* as it may have been made from outside, to be ended */
    call->code->users--;
    buf_fini(&call->children);
    free(call);
    if (w.result.room > RESULT_KEPT)
        buf_fini(&w.result);
}

static void resume(struct call *call, int arguments);

static void on_wake(struct timer *timer)
{
    resume((struct call *)timer, 0); /* its first member */
}

static void park(struct call *call)
{
    bool children = call->wait == WAIT_CHILDREN;
    struct message m = {.type = children ? MESSAGE_INVOKE : MESSAGE_PARKED,
                        .call = call->id,
                        .done.warm = call->warm};

    call->parked = true;
    call->parked_ns = clock_now_ns();
    call->held_ns += call->parked_ns - call->resumed_ns;
    profiler_hold(NULL, call->parked_ns);
    parked_put(call);
    if (!children)
        timer_start(&w.timers, &call->timer, call->wake_ns, on_wake);
    atomic_store(&w.channel->state->running, 0);
    send_message(&m, (struct str[MESSAGE_TEXTS]){children ? buf_str(&call->children)
                                                          : (struct str){NULL, 0}});
    if (children)
        buf_fini(&call->children);
}

static void run(struct call *call, int arguments)
{
    struct err err = {.code = ERR_NONE};

    switch (bridge_run(call, arguments, &w.raised, &err)) {
    case STEP_PARKED:
        park(call);
        return;
    case STEP_ENDED:
        buf_clear(&w.result);
        if (bridge_result(call, w.result_max, &w.result, &w.raised, &err)) {
            end_call(call, NULL);
            return;
        }
        break;
    case STEP_FAILED:
        break;
    }
    end_call(call, &err);
}

static void unpark(struct call *call)
{
    set_pace(call->pace);
    call->parked = false;
    call->resumed_ns = clock_now_ns();
    profiler_parked(call, call->resumed_ns);
    profiler_hold(call, call->resumed_ns);
    safepoint_limit(call->deadline_ns);
    parked_take(call);
    timer_stop(&w.timers, &call->timer);
    atomic_store(&w.channel->state->running, call->id);
    raised_clear(&w.raised);
    traceback_forget();
}

static void resume(struct call *call, int arguments)
{
    unpark(call);
    run(call, arguments);
}

static void run_function(struct call *call, const struct message *m, const struct str *texts)
{
    struct err err;

    if (m->call_of.warm)
        call->vm = pool_take(call->code);
    call->warm = call->vm != NULL;
    if (!call->vm)
        call->vm = vm_open(call->code, (size_t)m->call_of.memory_bytes, &err);
    if (!call->vm) {
        end_call(call, &err);
        return;
    }
    call->vm->call = call;
    call->vm->logged_bytes = 0;
    call->deployed_ns = clock_now_ns();
    if (bridge_begin(call, texts[0], texts[1], texts[2], &err))
        run(call, BRIDGE_ARGUMENTS);
    else
        end_call(call, &err);
}

static void describe(struct call *call, const struct message *m)
{
    struct err err;

    buf_clear(&w.result);
    call->vm = bridge_open_described(call->code, (size_t)m->call_of.memory_bytes, &err);
    bool ok = call->vm && bridge_describe(call->vm, &w.result, &err);
    end_call(call, ok ? NULL : &err);
}

static void resize_pool(struct call *call, const struct message *m)
{
    struct err err;

    buf_clear(&w.result);
    uint64_t slice = (call->deadline_ns - call->began_ns) / 2;
    if (slice > POOL_SLICE_MS * NS_PER_MS)
        slice = POOL_SLICE_MS * NS_PER_MS;
    bool ok = pool_resize(call->code, m->call_of.count, (size_t)m->call_of.memory_bytes,
                          call->began_ns + slice, &err);
    end_call(call, ok ? NULL : &err);
}

static void take_call(const struct message *m, const struct str *texts)
{
    const struct err late = {.code = ERR_DEADLINE,
                             .text = "the deadline passed before the call began"};

    if (!gate_pass(&w.channel->state->gate))
        return;
    set_pace(m->call_of.quick ? PACE_QUICK : PACE_LONG);
    struct call *call = calloc(1, sizeof(*call));
    atomic_store(&w.channel->state->running, m->call);
    if (!call)
        abort();
    *call = (struct call){.id = m->call,
                          .deadline_ns = m->call_of.deadline_ns,
                          .pace = w.pace,
                          .code = loader_find(&w.loader, m->version),
                          .began_ns = clock_now_ns()};
    assert(call->code); /* the front sends CODE first */
    call->code->users++;
    call->resumed_ns = call->began_ns;
    profiler_hold(call, call->began_ns);
    if (m->code != CALL_RUN)
        call->deadline_ns = call->began_ns + m->call_of.limit_ns;
    safepoint_limit(call->deadline_ns);
    raised_clear(&w.raised);
    traceback_forget();
    if (m->code == CALL_RUN && call->began_ns > call->deadline_ns)
        end_call(call, &late);
    else if (m->code == CALL_RUN)
        run_function(call, m, texts);
    else if (m->code == CALL_DESCRIBE)
        describe(call, m);
    else
        resize_pool(call, m);
}

/* -- Other messages -------------------------------------------------------------------------- */

static void take_result(const struct message *m, struct str text)
{
    struct call *call = parked_find(m->call);
    struct err err;
    int arguments;

    if (!call)
        return; /* it ended meanwhile */
    unpark(call);
    if (m->code != ERR_NONE)
        err_set(&err, (enum err_code)m->code, "%.*s", STR_ARG(text));
    if (m->code == ERR_NONE && bridge_push_results(call, text, &arguments, &err))
        run(call, arguments);
    else
        end_call(call, &err);
}

static void cancel(const struct message *m)
{
    struct call *call = parked_find(m->call);
    struct err err;

    if (!call)
        return;
    unpark(call);
    err_set(&err, (enum err_code)m->code, "the call was ended while it slept or waited");
    traceback_note(call->parked_in);
    traceback_add(call->vm->thread);
    end_call(call, &err);
}

static void forget(uint64_t version)
{
    struct code *code = loader_find(&w.loader, version);

    if (!code)
        return;
    code->forgotten = true;
    code->pool_target = 0;
    w.forgotten++;
}

static void take_message(struct str record)
{
    struct str texts[MESSAGE_TEXTS];
    struct message m;

    if (!message_parse(record, &m, texts))
        abort();
    switch (m.type) {
    case MESSAGE_CODE:
        if (!loader_add(&w.loader, m.version, texts[0], texts[1], texts[2]))
            abort();
        break;
    case MESSAGE_FORGET:
        forget(m.version);
        break;
    case MESSAGE_CALL:
        take_call(&m, texts);
        break;
    case MESSAGE_RESULT:
        take_result(&m, texts[0]);
        break;
    case MESSAGE_CANCEL:
        cancel(&m);
        break;
    case MESSAGE_OPEN:
        gate_open(&w.channel->state->gate, m.code);
        break;
    default:
        abort();
    }
}

/* -- The loop -------------------------------------------------------------------------------- */

static void wait_for_work(void)
{
    set_pace(PACE_QUICK);
    bell_arm(&w.channel->state->bell);
    if (ring_is_empty(&w.in))
        bell_wait(&w.channel->state->bell, timers_wait_ms(&w.timers, clock_now_ns(), IDLE_WAIT_MS));
    bell_disarm(&w.channel->state->bell);
}

/* For a signal handler. */
static bool is_cancelled(void)
{
    uint64_t running = atomic_load(&w.channel->state->running);

    return running && running == atomic_load(&w.channel->state->cancelled);
}

static void start(const struct switchboard *board, size_t slot, const struct settings *settings,
                  const void *frame)
{
    w.board = board;
    w.channel = &board->channels[slot];
    w.in = ring_end_of(w.channel->to_worker, w.channel->to_worker_memory);
    w.out = ring_end_of(w.channel->to_front, w.channel->to_front_memory);
    w.result_max = (size_t)settings->reply_max;
    w.message_max = (size_t)settings->reply_max;
    share_init(board, slot);
    parked_init(&w.timers);
    json_init();
    if (!safepoint_init(is_cancelled))
        abort(); /* it is the LuaJIT that layout_check found to fit */
    cstack_guard();
    if (!profiler_init(w.channel, frame))
        log_line(LOG_WARN, "no timers: this worker is not in profiles");
    pace_set(w.pace);
}

bool worker_rehearse(const struct switchboard *board, struct err *err)
{
    return worker_wall_raise(board, 0, err);
}

_Noreturn void worker_main(const struct switchboard *board, size_t slot,
                           const struct settings *settings)
{
    struct err err;

    start(board, slot, settings, __builtin_frame_address(0));
    if (settings->walls && !worker_wall_raise(board, slot, &err)) {
        log_line(LOG_ERROR, "no wall: %s", err.text);
        _exit(1);
    }
    for (;;) {
        struct str record;

        if (w.timers.count)
            timers_fire(&w.timers, clock_now_ns());
        switch (ring_read(&w.in, &record)) {
        case RING_RECORD:
            take_message(record);
            ring_consume(&w.in, record);
            break;
        case RING_EMPTY:
            if (!tidy())
                wait_for_work();
            break;
        case RING_CORRUPT:
            abort();
        }
    }
}
