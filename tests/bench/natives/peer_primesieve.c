/* peer_primesieve.c - counting primes with primesieve, in one thread. */
/* SPDX-License-Identifier: MIT */
#include "benchmark.h"

#if FAAS_PRIMESIEVE

#include <inttypes.h>
#include <primesieve.h>
#include <stdio.h>
#include <stdlib.h>

struct counter {
    uint64_t limit, count;
};

static void *counter_open(lua_State *L)
{
    struct counter *counter = bench_alloc(sizeof(*counter));
    counter->limit = (uint64_t)bench_number(L, "size");
    primesieve_set_num_threads(1);
    return counter;
}

static void counter_run(void *self)
{
    struct counter *counter = self;
    counter->count = primesieve_count_primes(0, counter->limit);
}

static void counter_result(const void *self, char text[RESULT_BYTES])
{
    snprintf(text, RESULT_BYTES, "%" PRIu64, ((const struct counter *)self)->count);
}

const struct peer peer_primesieve = {.name = "primesieve_count_primes",
                                     .open = counter_open,
                                     .run = counter_run,
                                     .result = counter_result,
                                     .close = free};

#else

const struct peer peer_primesieve = {.missing = "libprimesieve"};

#endif
