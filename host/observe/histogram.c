/* histogram.c - a log-linear histogram. */
/* SPDX-License-Identifier: MIT */
#include "observe/histogram.h"

#include "base/clock.h"

enum { CELLS = HISTOGRAM_STEPS * HISTOGRAM_DOUBLINGS, STEP_BITS = 4 };
_Static_assert(1 << STEP_BITS == HISTOGRAM_STEPS, "a cell's number is made of bits");

/* Values below HISTOGRAM_STEPS us have a cell a microsecond; above, the bits behind the first. */
static unsigned cell_of(uint64_t us)
{
    if (us < HISTOGRAM_STEPS)
        return (unsigned)us;
    unsigned bits = 63 - (unsigned)__builtin_clzll(us);
    unsigned cell = (bits - STEP_BITS + 1) * HISTOGRAM_STEPS +
                    (unsigned)(us >> (bits - STEP_BITS)) % HISTOGRAM_STEPS;

    return cell < CELLS ? cell : CELLS - 1;
}

/* The first value, in microseconds, of a cell; of CELLS too. */
static uint64_t cell_start(unsigned cell)
{
    unsigned doubling = cell / HISTOGRAM_STEPS, step = cell % HISTOGRAM_STEPS;

    return doubling == 0 ? step : (uint64_t)(HISTOGRAM_STEPS + step) << (doubling - 1);
}

void histogram_add(struct histogram *h, uint64_t ns)
{
    h->count++;
    h->sum_ns += ns;
    h->max_ns = ns > h->max_ns ? ns : h->max_ns;
    h->cell[cell_of(ns / NS_PER_US)]++;
}

uint64_t histogram_quantile(const struct histogram *h, double share)
{
    double rank = share * (double)h->count, before = 0;

    for (unsigned i = 0; i < CELLS && h->count; i++) {
        double here = h->cell[i];

        if (here > 0 && before + here >= rank) {
            double low = (double)cell_start(i), high = (double)cell_start(i + 1);
            uint64_t ns = (uint64_t)((low + (high - low) * (rank - before) / here) * NS_PER_US);
            return ns < h->max_ns ? ns : h->max_ns;
        }
        before += here;
    }
    return h->max_ns;
}
