/* gate.c - a counter with a bit that stops it. */
/* SPDX-License-Identifier: MIT */
#include "wire/gate.h"

/* 2^48 calls are some years at a million a second. */
enum { PASSED_BITS = 48, CLOSING_BITS = 15 };
static const uint64_t CLOSED = 1ULL << 63, PASSED = (1ULL << PASSED_BITS) - 1;

static uint32_t closing_of(uint64_t state)
{
    return (uint32_t)(state >> PASSED_BITS) & ((1u << CLOSING_BITS) - 1);
}

void gate_reset(struct gate *gate)
{
    atomic_store(&gate->state, 0);
}

bool gate_pass(struct gate *gate)
{
    uint64_t state = atomic_load(&gate->state);

    do {
        if (state & CLOSED)
            return false;
    } while (!atomic_compare_exchange_weak(&gate->state, &state, state + 1));
    return true;
}

void gate_open(struct gate *gate, uint32_t closing)
{
    uint64_t state = atomic_load(&gate->state);

    do {
        if (closing_of(state) != closing)
            return; /* it was closed again meanwhile */
    } while (!atomic_compare_exchange_weak(&gate->state, &state, state & ~CLOSED));
}

uint64_t gate_close(struct gate *gate, uint32_t *closing)
{
    uint64_t state = atomic_load(&gate->state), closed;

    do {
        uint32_t next = (closing_of(state) + 1) & ((1u << CLOSING_BITS) - 1);

        closed = CLOSED | (uint64_t)next << PASSED_BITS | (state & PASSED);
    } while (!atomic_compare_exchange_weak(&gate->state, &state, closed));
    *closing = closing_of(closed);
    return closed & PASSED;
}

uint64_t gate_passed(const struct gate *gate)
{
    return atomic_load(&gate->state) & PASSED;
}
