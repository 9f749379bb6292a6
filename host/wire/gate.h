/* gate.h - which calls of a ring a worker has begun, and taking back those it has not. */
/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* In shared memory. The worker passes it with each CALL that it takes off its ring. When the front
 * has closed it the worker drops what it takes instead, until it comes to the OPEN that the front
 * wrote behind those calls: the one of the last closing, for there may be several. So each call is
 * either begun, or the front's again; never both. */
struct gate {
    _Alignas(64) _Atomic uint64_t state; /* closed or not, number of the last closing, passed */
};

void gate_reset(struct gate *gate);

/* The worker: false when the call is not to begin. */
bool gate_pass(struct gate *gate);
void gate_open(struct gate *gate, uint32_t closing);

/* The front: closes it and numbers that. Returns how many have passed, and no more will. */
uint64_t gate_close(struct gate *gate, uint32_t *closing);
uint64_t gate_passed(const struct gate *gate);
