/* gate_test.c - a call is begun by the worker or taken back by the front, never both. */
/* SPDX-License-Identifier: MIT */
#include "../base/cases.h"

#include <pthread.h>
#include <sched.h>
#include <string.h>

#include "wire/gate.h"

enum { CALLS = 200000, WINDOW = 8, WRAP = 1 << 15 };

static void it_counts_who_passes(void **state)
{
    struct gate gate;

    (void)state;
    gate_reset(&gate);
    assert_int_equal(gate_passed(&gate), 0);
    for (unsigned i = 1; i <= 5; i++) {
        assert_true(gate_pass(&gate));
        assert_int_equal(gate_passed(&gate), i);
    }
}

static void nobody_passes_while_it_is_closed(void **state)
{
    struct gate gate;
    uint32_t closing;

    (void)state;
    gate_reset(&gate);
    assert_true(gate_pass(&gate));
    assert_int_equal(gate_close(&gate, &closing), 1);
    assert_false(gate_pass(&gate));
    assert_int_equal(gate_passed(&gate), 1);
    gate_open(&gate, closing);
    assert_true(gate_pass(&gate));
    assert_int_equal(gate_passed(&gate), 2);
}

static void only_the_last_closing_can_be_opened(void **state)
{
    uint32_t first, second;
    struct gate gate;

    (void)state;
    gate_reset(&gate);
    gate_close(&gate, &first);
    gate_close(&gate, &second);
    assert_int_not_equal(first, second);
    gate_open(&gate, first);
    assert_false(gate_pass(&gate));
    gate_open(&gate, second);
    assert_true(gate_pass(&gate));
}

static void many_closings_leave_the_count_alone(void **state)
{
    struct gate gate;
    uint32_t closing;

    (void)state;
    gate_reset(&gate);
    for (uint32_t i = 0; i < 2 * WRAP + 3; i++) {
        assert_true(gate_pass(&gate));
        assert_int_equal(gate_close(&gate, &closing), i + 1);
        gate_open(&gate, closing);
    }
    assert_true(gate_pass(&gate));
}

/* A ring of calls and openings between a front that takes back at random and a worker. */
enum entry { ENTRY_OPEN = CALLS };

static struct {
    struct gate gate;
    uint32_t entries[4 * CALLS], closings[4 * CALLS];
    _Atomic uint32_t head;
    _Atomic uint32_t begun[CALLS];
} play;

static void *work(void *unused)
{
    for (uint32_t at = 0, done = 0; done < CALLS; at++) {
        while (at == atomic_load(&play.head))
            sched_yield();
        if (play.entries[at] == ENTRY_OPEN)
            gate_open(&play.gate, play.closings[at]);
        else if (gate_pass(&play.gate)) {
            atomic_fetch_add(&play.begun[play.entries[at]], 1);
            done++;
        }
    }
    return unused;
}

static void put(uint32_t entry, uint32_t closing)
{
    uint32_t at = atomic_load(&play.head);

    play.entries[at] = entry;
    play.closings[at] = closing;
    atomic_store(&play.head, at + 1);
}

/* Gives the calls to the worker in windows; every third window is taken back and given again, some
 * of those before the worker has seen the opening of the first time. */
static void each_call_is_begun_once_however_often_it_is_taken_back(void **state)
{
    pthread_t worker;
    uint32_t next = 0, closing;

    (void)state;
    memset(&play, 0, sizeof(play));
    assert_int_equal(pthread_create(&worker, NULL, work, NULL), 0);
    for (unsigned window = 0; next < CALLS; window++) {
        uint32_t sent = next;

        while (sent < CALLS && sent < next + WINDOW)
            put(sent++, 0);
        next = sent;
        if (window % 3 == 0 && atomic_load(&play.head) < 3 * CALLS) {
            next = (uint32_t)gate_close(&play.gate, &closing);
            put(ENTRY_OPEN, closing);
        }
    }
    pthread_join(worker, NULL);
    for (size_t i = 0; i < CALLS; i++)
        assert_int_equal(atomic_load(&play.begun[i]), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_counts_who_passes),
        cmocka_unit_test(nobody_passes_while_it_is_closed),
        cmocka_unit_test(only_the_last_closing_can_be_opened),
        cmocka_unit_test(many_closings_leave_the_count_alone),
        cmocka_unit_test(each_call_is_begun_once_however_often_it_is_taken_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
