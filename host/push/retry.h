/* retry.h - what a server's answer means for an upload, and when the next try is. */
/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum { RETRY_TRIES_MAX = 8, RETRY_MOST_S = 30, RETRY_AGE_MAX_S = 3600 };

enum verdict { VERDICT_TAKEN, VERDICT_AGAIN, VERDICT_REFUSED };

/* `status` of HTTP, 0: no answer came. */
enum verdict retry_judge(long status);

/* How long to wait after the `tries`-th failure (from 1 on): by chance up to 1, 2, 4... 30 seconds,
 * so that servers do not come back to one that recovers all at once; not less than the server asks
 * for, within these 30. `dice`: any number. */
uint64_t retry_wait_ms(unsigned tries, int64_t asked_s, uint32_t dice);

/* Pyroscope refuses what began more than an hour ago. */
bool retry_is_too_old(uint64_t from_wall_ms, uint64_t now_wall_ms);
