/* mutex.c - threads that contend for one mutex. */
/* SPDX-License-Identifier: MIT */
#include "args.h"

#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <time.h>

enum {
    THREADS_MAX = 64,
    ITERATIONS_MAX = 100000,
    STEPS = 2000, /* work done inside the lock, each time it is taken */
    STACK_BYTES = 128 * 1024,
};

struct contest {
    pthread_mutex_t lock;
    uint64_t sum; /* guarded by lock */
    unsigned iterations;
};

/* What the threads of a contest waited, and computed. */
struct cost {
    uint64_t waits, waited_ns, cpu_ns;
};

struct contender {
    struct contest *contest;
    unsigned number;
    struct cost cost;
    pthread_t thread;
};

static uint64_t now_ns(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * 1000000000U + (uint64_t)now.tv_nsec;
}

/* Looks at the clock only where it has to wait. */
static void lock_counted(pthread_mutex_t *lock, struct cost *cost)
{
    if (pthread_mutex_trylock(lock) == 0)
        return;
    uint64_t began = now_ns(CLOCK_MONOTONIC);
    pthread_mutex_lock(lock);
    cost->waits++;
    cost->waited_ns += now_ns(CLOCK_MONOTONIC) - began;
}

static uint64_t lcg_run(uint64_t value)
{
    for (int i = 0; i < STEPS; i++)
        value = value * 6364136223846793005U + 1442695040888963407U;
    return value;
}

static void *contender_run(void *argument)
{
    struct contender *self = argument;
    struct contest *contest = self->contest;
    for (unsigned i = 0; i < contest->iterations && !native_stopped(); i++) {
        lock_counted(&contest->lock, &self->cost);
        contest->sum += lcg_run((uint64_t)self->number * 1000 + i);
        pthread_mutex_unlock(&contest->lock);
    }
    self->cost.cpu_ns = now_ns(CLOCK_THREAD_CPUTIME_ID);
    return NULL;
}

/* Starts contenders, `threads` of them or fewer: how many. They block every signal, as the host's
 * handlers look at the state that the calling thread runs. */
static unsigned contenders_start(struct contender *contenders, struct contest *contest,
                                 unsigned threads)
{
    pthread_attr_t attr;
    if (pthread_attr_init(&attr) != 0)
        return 0;
    pthread_attr_setstacksize(&attr, STACK_BYTES);
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    unsigned started = 0;
    for (; started < threads; started++) {
        struct contender *next = &contenders[started];
        next->contest = contest;
        next->number = started;
        next->cost = (struct cost){0};
        if (pthread_create(&next->thread, &attr, contender_run, next) != 0)
            break;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attr);
    return started;
}

static bool contend(unsigned threads, unsigned iterations, uint64_t *sum, struct cost *cost)
{
    struct contest contest = {.lock = PTHREAD_MUTEX_INITIALIZER, .iterations = iterations};
    struct contender contenders[THREADS_MAX];
    unsigned started = contenders_start(contenders, &contest, threads);
    for (unsigned i = 0; i < started; i++) {
        pthread_join(contenders[i].thread, NULL);
        cost->waits += contenders[i].cost.waits;
        cost->waited_ns += contenders[i].cost.waited_ns;
        cost->cpu_ns += contenders[i].cost.cpu_ns;
    }
    pthread_mutex_destroy(&contest.lock);
    *sum = contest.sum;
    return started == threads;
}

/* -- Binding ------------------------------------------------------------------------------- */

static int l_contend(lua_State *L)
{
    unsigned threads = (unsigned)l_arg_integer(L, 1, 1, THREADS_MAX);
    unsigned iterations = (unsigned)l_arg_integer(L, 2, 0, ITERATIONS_MAX);
    struct cost cost = {0};
    uint64_t sum;
    bool started = contend(threads, iterations, &sum, &cost);
    if (native_watch.on_threads_ran)
        native_watch.on_threads_ran(L, cost.cpu_ns);
    if (native_watch.on_waited && cost.waits)
        native_watch.on_waited(L, "[mutex contest]", cost.waits, cost.waited_ns);
    if (!started)
        return luaL_error(L, "mutex: could not start %d threads", (int)threads);
    if (sum <= UINT64_C(1) << 53) {
        lua_pushnumber(L, (lua_Number)sum);
    } else {
        char digits[24];
        snprintf(digits, sizeof(digits), "%" PRIu64, sum);
        lua_pushstring(L, digits);
    }
    lua_pushnumber(L, (lua_Number)cost.waits);
    lua_pushnumber(L, (lua_Number)cost.waited_ns);
    return 3;
}

static const struct native_fn fns[] = {
    {"contend",
     "mutex.contend(threads, iterations) -> sum of what all did in the lock, modulo 2^64; "
     "a string of digits above 2^53; how often threads had to wait for it, and for how many "
     "nanoseconds in all",
     l_contend},
    {NULL, NULL, NULL},
};

const struct native native_mutex = {"mutex", "threads that contend for one lock", fns};
