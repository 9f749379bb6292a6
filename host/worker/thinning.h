/* thinning.h - which of many amounts are sampled: few of them, and their totals stay true. */
/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Points are thrown on amounts at random, one for each `every`: an amount is seen with probability
 * 1 - e^(-amount/every), and stands for as many as that is small. So that samples, of some
 * microseconds each, stay few, some 100 a second, `every` is more than what is `set` for what comes
 * in masses. Zeroed: nothing is set. */
struct thinning {
    uint64_t set, every;
    uint64_t look_ns; /* when `every` is checked next, */
    unsigned seen;    /* and samples since it was */
};

/* What chance begins with; one a process. */
void thinning_init(uint64_t seed);

/* Begins anew where `every` is not what is set. */
void thinning_set(struct thinning *t, uint64_t every);

/* How much goes by before the next point. */
uint64_t thinning_next(const struct thinning *t);

/* How probable it is that `amount` is seen. */
double thinning_chance(const struct thinning *t, double amount);

/* True with that probability. */
bool thinning_hits(double chance);

/* One was seen, at `now_ns` (clock_now_ns). */
void thinning_saw(struct thinning *t, uint64_t now_ns);
