/* thinning.c - a Poisson process, whose rate falls where it would make too many samples. */
/* SPDX-License-Identifier: MIT */
#include "worker/thinning.h"

#include <math.h>

#include "base/clock.h"

static uint64_t state;

void thinning_init(uint64_t seed)
{
    state = seed;
}

/* Between 0 and 1, neither of them. */
static double uniform(void)
{
    state = state * 6364136223846793005U + 1442695040888963407U;
    return ((double)(state >> 11) + 0.5) / 9007199254740992.0; /* 2^53 */
}

void thinning_set(struct thinning *t, uint64_t every)
{
    if (t->set != every)
        *t = (struct thinning){.set = every, .every = every};
}

uint64_t thinning_next(const struct thinning *t)
{
    return (uint64_t)(-log(uniform()) * (double)t->every);
}

double thinning_chance(const struct thinning *t, double amount)
{
    return -expm1(-amount / (double)t->every);
}

bool thinning_hits(double chance)
{
    return uniform() <= chance;
}

void thinning_saw(struct thinning *t, uint64_t now_ns)
{
    enum { SAMPLES_MOST = 20 };
    const uint64_t period_ns = NS_PER_S / 5;

    if (++t->seen > SAMPLES_MOST && now_ns < t->look_ns) {
        t->every *= 2;
    } else if (now_ns >= t->look_ns) {
        if (t->seen < SAMPLES_MOST / 4 && t->every > t->set)
            t->every /= 2;
    } else {
        return;
    }
    t->seen = 0;
    t->look_ns = now_ns + period_ns;
}
