/* timers.h - things to do at a time: a heap of what is due, earliest first. */
/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Lives inside what it wakes; zeroed is stopped. `place` is its index in the heap plus one. */
struct timer {
    uint64_t due_ns;
    void (*fire)(struct timer *self);
    size_t place;
};

/* Zeroed is empty and valid. One thread. */
struct timers {
    struct timer **heap;
    size_t count, room;
};

void timers_fini(struct timers *timers);

/* Starts `timer`, or moves it when it is already running. */
void timer_start(struct timers *timers, struct timer *timer, uint64_t due_ns,
                 void (*fire)(struct timer *));
void timer_stop(struct timers *timers, struct timer *timer);

/* Fires what is due at `now_ns`; each is stopped before it fires and may start itself again. True
 * when there was any. */
bool timers_fire(struct timers *timers, uint64_t now_ns);

/* Milliseconds until the next one, rounded up, at most `most_ms`. */
int timers_wait_ms(const struct timers *timers, uint64_t now_ns, int most_ms);
