/* profiler.c - ticks, and when they become samples. */
/* SPDX-License-Identifier: MIT */
#include "worker/profiler.h"

#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#include "base/clock.h"
#include "native.h"
#include "wire/control.h"
#include "worker/call.h"
#include "worker/frames.h"
#include "worker/heap.h"
#include "worker/safepoint.h"
#include "worker/thinning.h"

enum tick { TICK_CPU, TICK_WALL, TICKS };

/* Two, as a signal that is pending is not queued again. */
static const int signals[TICKS] = {[TICK_CPU] = SIGPROF, [TICK_WALL] = SIGVTALRM};

/* What was seen and not yet written; all of it is of one stack. */
struct pending {
    volatile bool any;
    uint64_t cpu_ticks, wall_ns;
    double objects, bytes;
    struct frames_at at; /* of the first tick */
};

static struct {
    struct sampling *sampling;
    struct ring_end out;
    timer_t timers[TICKS];
    bool has_timers;
    uint32_t cpu_hz, wall_hz;
    struct thinning bytes, parked; /* of what is allocated, and of ns that calls are parked */
    volatile enum phase phase;
    const struct call *volatile call;
    struct pending pending;
    volatile bool taking;                  /* `pending` is being written out, */
    volatile uint64_t cpu_late, wall_late; /* so that ticks of that time are for the next */
    volatile uint64_t hold_ns; /* since when the call holds the worker, as far as not counted */
    volatile uint64_t held_ns; /* by calls since the last sample of it; the next one is after */
    volatile uint64_t hold_every_ns;
    uint64_t sampled_ns, ran_ns; /* when that was, and the processor time then */
    volatile bool wall_armed;
    uint64_t threads_ns;        /* that natives' threads took, not yet written */
    uint64_t waited, waited_ns; /* not yet written; */
    uint64_t waited_due_ns;     /* what is little waits until then */
} p;

static void add(_Atomic uint64_t *counter, uint64_t n)
{
    atomic_fetch_add_explicit(counter, n, memory_order_relaxed);
}

/* Between these, ticks leave what is written alone, and no deadline jumps out of LuaJIT. */
static void begin_taking(void)
{
    native_hold();
    p.taking = true;
    atomic_signal_fence(memory_order_seq_cst);
}

static void end_taking(void)
{
    atomic_signal_fence(memory_order_seq_cst);
    p.taking = false;
    native_release();
}

/* -- Writing --------------------------------------------------------------------------------- */

static enum sample_start start_of(const struct call *call)
{
    if (!call)
        return START_NONE;
    return call->warm ? START_WARM : START_COLD;
}

static void write_one(struct sample *sample, enum sample_type type, uint64_t count, uint64_t value)
{
    if (!value)
        return;
    sample->type = type;
    sample->count = count;
    sample->value = value;
    add(sample_write(&p.out, sample) ? &p.sampling->completed : &p.sampling->dropped, 1);
}

static void describe(struct sample *sample, const struct call *call, enum phase phase, lua_State *L,
                     const struct frames_at *at)
{
    sample->function = call ? str_of(call->code->function.name) : (struct str){NULL, 0};
    sample->start = start_of(call);
    frames_put(sample, call, phase, L, at);
}

/* Writes what is pending, seen at the stack of `L`; NULL: outside Lua code. */
static void complete(lua_State *L)
{
    static struct sample sample;

    if (!p.pending.any)
        return;
    begin_taking();
    describe(&sample, p.call, p.phase, L, &p.pending.at);
    write_one(&sample, SAMPLE_CPU, p.pending.cpu_ticks,
              p.cpu_hz ? p.pending.cpu_ticks * NS_PER_S / p.cpu_hz : 0);
    write_one(&sample, SAMPLE_WALL, 1, p.pending.wall_ns);
    write_one(&sample, SAMPLE_ALLOC, (uint64_t)llround(p.pending.objects),
              (uint64_t)llround(p.pending.bytes));
    if (!L && p.phase == PHASE_RUN)
        add(&p.sampling->unattributed, 1);
    p.pending = (struct pending){0};
    end_taking();
}

static void on_visit(lua_State *L)
{
    native_watch.running = NULL;
    native_watch.wanted = false;
    complete(L);
}

static void on_native_return(lua_State *L)
{
    native_watch.wanted = false;
    complete(L);
}

/* -- Ticks ----------------------------------------------------------------------------------- */

static void arm_wall(uint64_t after_ns)
{
    const struct itimerspec at = {.it_value = clock_timespec(after_ns)};

    p.wall_armed = true;
    timer_settime(p.timers[TICK_WALL], 0, &at, NULL);
}

static uint64_t processor_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

/* How often `part` is in `all`: 1 to 4 times. */
static uint64_t times(uint64_t part, uint64_t all)
{
    enum { MOST = 4 };
    uint64_t n = part ? all / part : MOST;

    return n < 1 ? 1 : n < MOST ? n : MOST;
}

/* When calls will have held the worker for long enough, if they go on as since the last sample. */
static void arm_hold(uint64_t now_ns)
{
    uint64_t left = p.held_ns < p.hold_every_ns ? p.hold_every_ns - p.held_ns : 1;

    arm_wall(left * times(p.held_ns, now_ns - p.sampled_ns));
}

/* A period after the last sample, or as many as the worker had to share a processor with: so that
 * more workers than there are processors do not take more samples, each of some microseconds. */
static uint64_t next_hold_ns(uint64_t held_ns)
{
    uint64_t now = processor_ns(), ran = now - p.ran_ns;

    p.ran_ns = now;
    return NS_PER_S / p.wall_hz * times(ran, held_ns);
}

/* What calls held the worker since the last sample, when that is most of what is to be between
 * samples: a signal costs more than the sample, so there are not several for one. */
static uint64_t take_hold(void)
{
    uint64_t now = clock_now_ns(), taken = 0;

    p.wall_armed = false;
    if (!p.hold_ns || !p.wall_hz)
        return 0;
    p.held_ns += now - p.hold_ns;
    p.hold_ns = now;
    if (p.held_ns >= p.hold_every_ns / 2) {
        taken = p.held_ns;
        p.held_ns = 0;
        p.sampled_ns = now;
        p.hold_every_ns = next_hold_ns(taken);
        arm_wall(p.hold_every_ns);
    } else {
        arm_hold(now);
    }
    return taken;
}

static void note(uint64_t cpu_ticks, uint64_t wall_ns, const ucontext_t *context)
{
    if (!cpu_ticks && !wall_ns)
        return;
    if (p.taking) {
        p.cpu_late += cpu_ticks;
        p.wall_late += wall_ns;
        return;
    }
    cpu_ticks += p.cpu_late;
    wall_ns += p.wall_late;
    p.cpu_late = p.wall_late = 0;
    if (!p.pending.any)
        frames_note(&p.pending.at, context);
    p.pending.cpu_ticks += cpu_ticks;
    p.pending.wall_ns += wall_ns;
    p.pending.any = true;
    native_watch.wanted = native_watch.running != NULL;
    safepoint_ask();
}

static void on_tick(int signal, siginfo_t *info, void *context)
{
    uint64_t began = clock_now_ns();
    uint64_t ticks = 1 + (info->si_overrun > 0 ? (uint64_t)info->si_overrun : 0);

    if (info->si_code != SI_TIMER)
        return;
    add(&p.sampling->ticks, ticks);
    if (signal == signals[TICK_CPU])
        note(ticks, 0, context);
    else
        note(0, take_hold(), context);
    add(&p.sampling->handler_ns, clock_now_ns() - began);
}

/* -- Allocations ----------------------------------------------------------------------------- */

static void on_allocation(size_t size);

static void next_allocation(void)
{
    if (p.bytes.set)
        heap_sample(thinning_next(&p.bytes), on_allocation);
    else
        heap_sample(UINT64_MAX, NULL);
}

static void on_allocation(size_t size)
{
    double seen = thinning_chance(&p.bytes, (double)size);

    begin_taking();
    if (!p.pending.any)
        p.pending.at.native = native_watch.running ? native_watch.fn : NULL;
    p.pending.objects += 1 / seen;
    p.pending.bytes += (double)size / seen;
    p.pending.any = true;
    end_taking();
    thinning_saw(&p.bytes, clock_now_ns());
    next_allocation();
    native_watch.wanted = native_watch.running != NULL;
    safepoint_ask();
}

/* -- Waiting --------------------------------------------------------------------------------- */

/* Of a native that runs, in `L`. */
static void write_of_native(lua_State *L, const char *leaf, enum sample_type type, uint64_t count,
                            uint64_t ns)
{
    static struct sample sample;
    const struct frames_at native = {.native = native_watch.fn};

    begin_taking();
    describe(&sample, p.call, p.phase, L, &native);
    if (leaf)
        sample.leaf = str_of(leaf);
    write_one(&sample, type, count, ns);
    end_taking();
}

static void on_threads_ran(lua_State *L, uint64_t ns)
{
    p.threads_ns += ns;
    if (!p.cpu_hz || p.threads_ns < NS_PER_S / p.cpu_hz)
        return;
    write_of_native(L, NULL, SAMPLE_CPU, p.threads_ns * p.cpu_hz / NS_PER_S, p.threads_ns);
    p.threads_ns = 0;
}

static void on_waited(lua_State *L, const char *name, uint64_t count, uint64_t ns)
{
    uint64_t every = atomic_load_explicit(&p.sampling->lock_ns, memory_order_relaxed);
    uint64_t now = clock_now_ns();

    if (!every)
        return;
    p.waited += count;
    p.waited_ns += ns;
    if (p.waited_ns < every && now < p.waited_due_ns)
        return;
    write_of_native(L, name, SAMPLE_MUTEX, p.waited, p.waited_ns);
    p.waited = p.waited_ns = 0;
    p.waited_due_ns = now + NS_PER_S;
}

/* -- Calls ----------------------------------------------------------------------------------- */

static void set_rates(void)
{
    const struct sampling *s = p.sampling;
    uint32_t cpu_hz = p.has_timers ? atomic_load_explicit(&s->cpu_hz, memory_order_relaxed) : 0;
    uint32_t wall_hz = p.has_timers ? atomic_load_explicit(&s->wall_hz, memory_order_relaxed) : 0;
    uint64_t alloc_bytes = atomic_load_explicit(&s->alloc_bytes, memory_order_relaxed);

    if (cpu_hz != p.cpu_hz) {
        struct timespec every = clock_timespec(cpu_hz ? NS_PER_S / cpu_hz : 0);
        const struct itimerspec at = {every, every};

        timer_settime(p.timers[TICK_CPU], 0, &at, NULL);
        p.cpu_hz = cpu_hz;
    }
    if (wall_hz != p.wall_hz) {
        p.wall_hz = wall_hz;
        p.held_ns = 0;
        p.wall_armed = false; /* it may be long until then */
        p.hold_every_ns = wall_hz ? NS_PER_S / wall_hz : 0;
    }
    thinning_set(&p.parked, p.wall_hz ? NS_PER_S / p.wall_hz : 0);
    if (alloc_bytes != p.bytes.set) {
        thinning_set(&p.bytes, alloc_bytes);
        next_allocation();
    }
}

void profiler_hold(const struct call *call, uint64_t now_ns)
{
    complete(p.call && p.call->parked ? p.call->vm->thread : NULL);
    uint64_t since_ns = p.hold_ns;

    p.hold_ns = 0; /* no tick counts what is counted here */
    if (since_ns && now_ns > since_ns)
        p.held_ns += now_ns - since_ns;
    p.call = call;
    p.phase = PHASE_LOOP;
    if (!call)
        return;
    set_rates();
    if (!p.wall_hz)
        return;
    p.hold_ns = now_ns;
    if (!p.wall_armed)
        arm_hold(now_ns);
}

void profiler_look(void)
{
    set_rates();
}

void profiler_parked(struct call *call, uint64_t now_ns)
{
    static struct sample sample;
    const struct frames_at none = {0};
    double ns = (double)(now_ns - call->parked_ns);

    call->parked_ns = now_ns;
    if (!p.wall_hz)
        return;
    double seen = thinning_chance(&p.parked, ns);
    if (!thinning_hits(seen))
        return;
    thinning_saw(&p.parked, now_ns);
    begin_taking();
    describe(&sample, call, PHASE_RUN, call->vm->thread, &none);
    write_one(&sample, SAMPLE_WALL, 1, (uint64_t)llround(ns / seen));
    end_taking();
}

void profiler_enter(enum phase phase)
{
    complete(NULL);
    native_watch.running = NULL; /* it may have been left by a jump */
    native_watch.wanted = false;
    p.phase = phase;
}

/* -- Start ----------------------------------------------------------------------------------- */

static bool make_timer(enum tick tick, clockid_t clock)
{
    struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = signals[tick]};

    event._sigev_un._tid = (pid_t)syscall(SYS_gettid);
    return timer_create(clock, &event, &p.timers[tick]) == 0;
}

bool profiler_init(const struct channel *channel, const void *frame)
{
    struct sigaction action = {.sa_sigaction = on_tick, .sa_flags = SA_RESTART | SA_SIGINFO};

    p.sampling = &channel->state->sampling;
    p.out = ring_writer_after(channel->samples, channel->samples_memory);
    thinning_init(clock_now_ns());
    frames_init(frame);
    safepoint_on_visit(on_visit);
    native_watch.on_return = on_native_return;
    native_watch.on_waited = on_waited;
    native_watch.on_threads_ran = on_threads_ran;
    sigaddset(&action.sa_mask, CONTROL_SIGNAL); /* whose handler changes the hook too */
    for (size_t i = 0; i < TICKS; i++)
        sigaddset(&action.sa_mask, signals[i]);
    for (size_t i = 0; i < TICKS; i++)
        sigaction(signals[i], &action, NULL);
    p.has_timers =
        make_timer(TICK_CPU, CLOCK_THREAD_CPUTIME_ID) && make_timer(TICK_WALL, CLOCK_MONOTONIC);
    return p.has_timers;
}
