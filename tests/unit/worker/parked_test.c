/* parked_test.c - which calls are found, and when they are looked at. */
/* SPDX-License-Identifier: MIT */
#include "vm_fixture.h"

#include "base/clock.h"
#include "worker/parked.h"
#include "worker/profiler.h"
#include "worker/safepoint.h"
#include "worker/worker.h"

enum { CALLS = 5, SLOTS = 1 << 16 };

static struct switchboard board;
static struct timers timers;
static struct call calls[CALLS];

void worker_log(const struct call *call, enum log_level level, struct str text)
{
    (void)call;
    (void)level;
    (void)text;
}

size_t worker_message_max(void)
{
    return MIB;
}

static void put(size_t i, uint64_t now)
{
    calls[i] = (struct call){.id = SLOTS + i, .parked_ns = now};
    parked_put(&calls[i]);
}

/* Which ones were looked at since `now`, as bits. */
static unsigned looked_at(uint64_t now)
{
    unsigned bits = 0;

    for (size_t i = 0; i < CALLS; i++)
        bits |= (unsigned)(calls[i].parked_ns != now) << i;
    return bits;
}

static void those_that_were_taken_are_not_found(void **state)
{
    static const size_t orders[][CALLS] = {
        {0, 1, 2, 3, 4}, {4, 3, 2, 1, 0}, {2, 0, 4, 1, 3}, {1, 2, 3, 4, 0}};

    (void)state;
    for (size_t order = 0; order < COUNT(orders); order++) {
        for (size_t i = 0; i < CALLS; i++)
            put(i, 0);
        for (size_t i = 0; i < CALLS; i++) {
            struct call *call = &calls[orders[order][i]];

            assert_ptr_equal(parked_find(call->id), call);
            assert_null(parked_find(call->id + SLOTS)); /* another one of the slot */
            parked_take(call);
            assert_null(parked_find(call->id));
        }
    }
    assert_null(parked_find(1));
}

static void all_that_are_parked_are_looked_at_once_a_second(void **state)
{
    uint64_t now = clock_now_ns();

    (void)state;
    timers_fire(&timers, clock_now_ns() + NS_PER_S); /* what the test before has left */
    assert_int_equal(timers.count, 0);
    for (size_t i = 0; i < CALLS; i++)
        put(i, now);
    parked_take(&calls[1]);
    assert_int_equal(timers.count, 1);
    assert_false(timers_fire(&timers, now + NS_PER_S - 1));
    assert_int_equal(looked_at(now), 0);
    assert_true(timers_fire(&timers, now + NS_PER_S));
    assert_int_equal(looked_at(now), 0x1D);
    assert_int_equal(timers.count, 1); /* the next look */
    for (size_t i = 0; i < CALLS; i++)
        calls[i].parked_ns = now;
    parked_take(&calls[0]);
    parked_take(&calls[4]);
    assert_true(timers_fire(&timers, clock_now_ns() + NS_PER_S));
    assert_int_equal(looked_at(now), 0x0C);
    parked_take(&calls[2]);
    parked_take(&calls[3]);
    assert_true(timers_fire(&timers, clock_now_ns() + NS_PER_S));
    assert_int_equal(timers.count, 0); /* for nobody is there */
}

static bool nothing_is_cancelled(void)
{
    return false;
}

static int init(void **state)
{
    struct err err;

    (void)state;
    if (!switchboard_open(&board, 1, MIB, MIB, &err))
        return -1;
    safepoint_init(nothing_is_cancelled);
    parked_init(&timers);
    return profiler_init(&board.channels[0], __builtin_frame_address(0)) ? 0 : -1;
}

static int fini(void **state)
{
    (void)state;
    timers_fini(&timers);
    switchboard_close(&board);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(those_that_were_taken_are_not_found),
        cmocka_unit_test(all_that_are_parked_are_looked_at_once_a_second),
    };

    return cmocka_run_group_tests(tests, init, fini);
}
