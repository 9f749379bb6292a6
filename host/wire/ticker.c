/* ticker.c - a timer on the processor time of a thread, and what its signal's handler writes. */
/* SPDX-License-Identifier: MIT */
#include "wire/ticker.h"

#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/walk.h"
#include "wire/sample.h"

/* Of this thread. */
static _Thread_local struct ticker *volatile current;

static void add(_Atomic uint64_t *counter, uint64_t n)
{
    atomic_fetch_add_explicit(counter, n, memory_order_relaxed);
}

static void write_sample(struct ticker *t, uint64_t ticks, const ucontext_t *context)
{
    uint64_t pcs[WALK_PCS];
    struct sample sample = {.type = SAMPLE_CPU,
                            .count = ticks,
                            .value = ticks * NS_PER_S / t->hz,
                            .frames = str_of(t->frames)};

    for (uint32_t count = walk_take(pcs, context, t->top, true); count > 0;)
        sample.pcs[sample.pc_count++] = pcs[--count];
    add(sample_write(&t->out, &sample) ? &t->sampling->completed : &t->sampling->dropped, 1);
}

static void on_tick(int signal, siginfo_t *info, void *context)
{
    struct ticker *t = current;
    uint64_t began = clock_now_ns();
    uint64_t ticks = 1 + (info->si_overrun > 0 ? (uint64_t)info->si_overrun : 0);

    (void)signal;
    if (!t || !t->hz || info->si_code != SI_TIMER)
        return;
    add(&t->sampling->ticks, ticks);
    write_sample(t, ticks, context);
    add(&t->sampling->handler_ns, clock_now_ns() - began);
}

static void set_timer(struct ticker *t, uint32_t hz)
{
    const struct timespec every = clock_timespec(hz ? NS_PER_S / hz : 0);
    const struct itimerspec at = {every, every};

    timer_settime(t->timer, 0, &at, NULL);
    t->hz = hz;
}

bool ticker_start(struct ticker *t, const struct source *source, const char *frames,
                  const void *top)
{
    struct sigaction action = {.sa_sigaction = on_tick, .sa_flags = SA_RESTART | SA_SIGINFO};
    struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGPROF};

    *t = (struct ticker){.frames = frames, .top = top};
    event._sigev_un._tid = (pid_t)syscall(SYS_gettid);
    if (timer_create(CLOCK_THREAD_CPUTIME_ID, &event, &t->timer) != 0)
        return false;
    walk_init();
    t->out = ring_writer_after(source->samples, source->memory);
    t->sampling = source->sampling;
    current = t;
    sigaction(SIGPROF, &action, NULL);
    return true;
}

void ticker_look(struct ticker *t)
{
    if (!t->sampling)
        return;
    uint32_t hz = atomic_load_explicit(&t->sampling->cpu_hz, memory_order_relaxed);
    if (hz != t->hz)
        set_timer(t, hz);
}

void ticker_stop(struct ticker *t)
{
    if (!t->sampling)
        return;
    timer_delete(t->timer);
    current = NULL;
    t->sampling = NULL;
}
