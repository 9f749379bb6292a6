/* peers_plain.c - what needs no library: a recursion, and threads at a lock. */
/* SPDX-License-Identifier: MIT */
#include "benchmark.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

/* -- fib ------------------------------------------------------------------------------------ */

struct recursion {
    int n;
    long sum;
};

static long fib(int n)
{
    return n < 2 ? n : fib(n - 1) + fib(n - 2);
}

static void *recursion_open(lua_State *L)
{
    struct recursion *recursion = bench_alloc(sizeof(*recursion));
    recursion->n = bench_number(L, "size");
    return recursion;
}

static void recursion_run(void *self)
{
    struct recursion *recursion = self;
    recursion->sum = fib(recursion->n);
}

static void recursion_result(const void *self, char text[RESULT_BYTES])
{
    snprintf(text, RESULT_BYTES, "%ld", ((const struct recursion *)self)->sum);
}

const struct peer peer_fib = {.name = "plain recursion at -O2",
                              .open = recursion_open,
                              .run = recursion_run,
                              .result = recursion_result,
                              .close = free};

/* -- mutex ---------------------------------------------------------------------------------- */

enum { STEPS = 2000, THREADS_MAX = 64 };

struct crowd {
    pthread_mutex_t lock;
    uint64_t sum; /* guarded by lock */
    int threads, iterations;
    struct member {
        struct crowd *crowd;
        pthread_t thread;
        uint64_t number;
    } members[THREADS_MAX];
};

static void *member_run(void *argument)
{
    const struct member *member = argument;
    struct crowd *crowd = member->crowd;
    for (int i = 0; i < crowd->iterations; i++) {
        pthread_mutex_lock(&crowd->lock);
        uint64_t value = member->number * 1000 + (uint64_t)i;
        for (int step = 0; step < STEPS; step++)
            value = value * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        crowd->sum += value;
        pthread_mutex_unlock(&crowd->lock);
    }
    return NULL;
}

static void *crowd_open(lua_State *L)
{
    struct crowd *crowd = bench_alloc(sizeof(*crowd));
    pthread_mutex_init(&crowd->lock, NULL);
    crowd->threads = bench_number(L, "size");
    crowd->iterations = bench_number(L, "iterations");
    return crowd;
}

static void crowd_run(void *self)
{
    struct crowd *crowd = self;
    crowd->sum = 0;
    for (int i = 0; i < crowd->threads; i++) {
        struct member *member = &crowd->members[i];
        member->crowd = crowd;
        member->number = (uint64_t)i;
        if (pthread_create(&member->thread, NULL, member_run, member) != 0)
            bench_fail("no thread");
    }
    for (int i = 0; i < crowd->threads; i++)
        pthread_join(crowd->members[i].thread, NULL);
}

static void crowd_result(const void *self, char text[RESULT_BYTES])
{
    snprintf(text, RESULT_BYTES, "%" PRIu64, ((const struct crowd *)self)->sum);
}

static void crowd_close(void *self)
{
    pthread_mutex_destroy(&((struct crowd *)self)->lock);
    free(self);
}

const struct peer peer_lock = {.name = "pthread mutex",
                               .open = crowd_open,
                               .run = crowd_run,
                               .result = crowd_result,
                               .close = crowd_close};
