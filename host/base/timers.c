/* timers.c - a binary heap of timers. */
/* SPDX-License-Identifier: MIT */
#include "base/timers.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"

static void put(struct timers *t, size_t at, struct timer *timer)
{
    t->heap[at] = timer;
    timer->place = at + 1;
}

static void sift_up(struct timers *t, size_t at)
{
    struct timer *timer = t->heap[at];

    while (at > 0 && t->heap[(at - 1) / 2]->due_ns > timer->due_ns) {
        put(t, at, t->heap[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
    put(t, at, timer);
}

static void sift_down(struct timers *t, size_t at)
{
    struct timer *timer = t->heap[at];

    for (;;) {
        size_t child = 2 * at + 1;

        if (child + 1 < t->count && t->heap[child + 1]->due_ns < t->heap[child]->due_ns)
            child++;
        if (child >= t->count || t->heap[child]->due_ns >= timer->due_ns)
            break;
        put(t, at, t->heap[child]);
        at = child;
    }
    put(t, at, timer);
}

void timers_fini(struct timers *timers)
{
    free(timers->heap);
    *timers = (struct timers){0};
}

void timer_start(struct timers *timers, struct timer *timer, uint64_t due_ns,
                 void (*fire)(struct timer *))
{
    timer_stop(timers, timer);
    if (timers->count == timers->room) {
        timers->room = timers->room ? 2 * timers->room : 64;
        timers->heap = realloc(timers->heap, timers->room * sizeof(struct timer *));
        if (!timers->heap) {
            fputs("out of memory\n", stderr);
            abort();
        }
    }
    timer->due_ns = due_ns;
    timer->fire = fire;
    put(timers, timers->count++, timer);
    sift_up(timers, timers->count - 1);
}

void timer_stop(struct timers *timers, struct timer *timer)
{
    if (timer->place == 0)
        return;
    size_t at = timer->place - 1;
    struct timer *last = timers->heap[--timers->count];

    timer->place = 0;
    if (last == timer)
        return;
    put(timers, at, last);
    sift_up(timers, at);
    sift_down(timers, last->place - 1);
}

bool timers_fire(struct timers *timers, uint64_t now_ns)
{
    bool any = false;

    while (timers->count && timers->heap[0]->due_ns <= now_ns) {
        struct timer *timer = timers->heap[0];

        timer_stop(timers, timer);
        timer->fire(timer);
        any = true;
    }
    return any;
}

int timers_wait_ms(const struct timers *timers, uint64_t now_ns, int most_ms)
{
    if (timers->count == 0)
        return most_ms;
    uint64_t due = timers->heap[0]->due_ns;
    uint64_t wait = due <= now_ns ? 0 : (due - now_ns + NS_PER_MS - 1) / NS_PER_MS;

    return wait < (uint64_t)most_ms ? (int)wait : most_ms;
}
