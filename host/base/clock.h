/* clock.h - the times everything here is measured in. */
/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdint.h>
#include <time.h>

#define NS_PER_US 1000ULL
#define NS_PER_MS 1000000ULL
#define NS_PER_S  1000000000ULL

/* Monotonic nanoseconds; the same clock in every process of the server. */
uint64_t clock_now_ns(void);

/* A time, or how long, as the kernel takes it. */
struct timespec clock_timespec(uint64_t ns);

/* Wall-clock milliseconds since 1970, for people and logs only. */
uint64_t clock_wall_ms(void);

/* `wall_ms` as "2026-01-31T12:00:00.000Z" with a NUL. */
enum { CLOCK_TEXT_SIZE = 32 };
void clock_format(uint64_t wall_ms, char text[CLOCK_TEXT_SIZE]);
