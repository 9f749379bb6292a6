/* ahead.h - calls given to a worker before it is free, while what it has is quick. */
/* SPDX-License-Identifier: MIT */
#pragma once

#include "front/call.h"

/* To wake a worker for each call costs more than a quick call does. So a worker gets the next ones
 * while those it has take less than AHEAD_NS together, by what such calls took before; less than
 * AHEAD_MOST_NS when as many workers are busy as there are processors for. When it does not get on,
 * because they take longer than their like, the rest is taken back and given to others, once: no
 * call waits behind others in a worker for more than a few milliseconds.
 */
enum { AHEAD_NS = 200000, AHEAD_MOST_NS = 500000 };

void ahead_init(struct timers *timers);

/* What the call will probably hold its worker for, in ns. */
uint64_t ahead_cost(const struct call *call);

/* Learns that a call held its worker for `took_ns`. */
void ahead_learn(struct call *call, uint64_t took_ns);

/* Calls taken back so far. */
uint64_t ahead_taken_back(void);

/* A call was given to a member that has others: sees to it that it does not wait there for long. */
void ahead_watch(struct member *member);
