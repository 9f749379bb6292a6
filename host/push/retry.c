/* retry.c - full jitter below a bound that doubles. */
/* SPDX-License-Identifier: MIT */
#include "push/retry.h"

enum { TOO_MANY_REQUESTS = 429, MS_PER_S = 1000, DOUBLINGS_MAX = 5 };

enum verdict retry_judge(long status)
{
    if (status >= 200 && status < 300)
        return VERDICT_TAKEN;
    return status < 200 || status == TOO_MANY_REQUESTS || status >= 500 ? VERDICT_AGAIN
                                                                        : VERDICT_REFUSED;
}

uint64_t retry_wait_ms(unsigned tries, int64_t asked_s, uint32_t dice)
{
    unsigned doublings = tries - 1 < DOUBLINGS_MAX ? tries - 1 : DOUBLINGS_MAX;
    uint64_t most_ms = (uint64_t)MS_PER_S << doublings;

    if (most_ms > RETRY_MOST_S * MS_PER_S)
        most_ms = RETRY_MOST_S * MS_PER_S;
    uint64_t wait_ms = 1 + dice % most_ms, asked_ms = 0;
    if (asked_s > 0)
        asked_ms = (uint64_t)(asked_s < RETRY_MOST_S ? asked_s : RETRY_MOST_S) * MS_PER_S;
    return wait_ms > asked_ms ? wait_ms : asked_ms;
}

bool retry_is_too_old(uint64_t from_wall_ms, uint64_t now_wall_ms)
{
    return from_wall_ms + (uint64_t)RETRY_AGE_MAX_S * MS_PER_S <= now_wall_ms;
}
