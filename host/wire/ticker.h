/* ticker.h - samples of the processor time of a thread that runs no Lua. */
/* SPDX-License-Identifier: MIT */
#pragma once

#include <time.h>

#include "wire/channel.h"

/* A timer makes SIGPROF after each period of the thread's processor time; its handler writes the
 * stack into the source's ring. So system calls that SA_RESTART does not restart, such as poll and
 * epoll_wait, may fail with EINTR in this thread. A forked child has no timer.
 *
 * All of it: the thread that is sampled.
 */
struct ticker {
    struct sampling *sampling; /* NULL: stopped */
    struct ring_end out;
    const char *frames;
    const void *top;
    timer_t timer;
    volatile uint32_t hz;
};

/* Stacks begin with `frames`, as in struct sample, which stays the caller's, then come C functions
 * from the one whose frame is `top` on. `source` and `ticker` must outlive the ticker. Takes no
 * samples before ticker_look. False: no timers here; then there are no samples, and all is fine. */
bool ticker_start(struct ticker *ticker, const struct source *source, const char *frames,
                  const void *top);

/* Takes over the rate that is set now, so to be called now and then. */
void ticker_look(struct ticker *ticker);

void ticker_stop(struct ticker *ticker);
