/* parked_test.c - which calls are found, and when they are looked at. */
/* SPDX-License-Identifier: MIT */
#include "profiler_fixture.h"

#include "worker/parked.h"

enum { CALLS = 5, SLOTS = 1 << 16 };

static struct timers timers;
static struct call calls[CALLS];

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
            struct call *one = &calls[orders[order][i]];

            assert_ptr_equal(parked_find(one->id), one);
            assert_null(parked_find(one->id + SLOTS)); /* another one of the slot */
            parked_take(one);
            assert_null(parked_find(one->id));
        }
    }
    assert_null(parked_find(1));
}

/* No look takes a sample, for these calls have no Lua state. */
static void all_that_are_parked_are_looked_at_once_a_second(void **state)
{
    struct sampling *s = &board.channels[0].state->sampling;
    uint64_t now = clock_now_ns();

    (void)state;
    atomic_store(&s->wall_hz, 0);
    profiler_look();
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
    atomic_store(&s->wall_hz, HZ);
    profiler_look();
}

static void park_for(uint64_t ns)
{
    call.resumed_ns = clock_now_ns();
    call.parked_ns = call.resumed_ns - ns;
    profiler_look();
    profiler_parked(&call, call.resumed_ns);
    assert_int_equal(call.parked_ns, call.resumed_ns);
}

static void parked_calls_are_in_wall_alone(void **state)
{
    struct sampling *s = &board.channels[0].state->sampling;
    struct raised raised = {0};
    struct err err;

    (void)state;
    begin("return function(_, ctx)\n ctx.sleep(1)\n end");
    assert_int_equal(bridge_run(&call, BRIDGE_ARGUMENTS, &raised, &err), STEP_PARKED);
    call.parked = true;
    profiler_hold(NULL, clock_now_ns());
    park_for(NS_PER_S);
    atomic_store(&s->wall_hz, 0);
    park_for(NS_PER_S); /* is left out */
    atomic_store(&s->wall_hz, HZ);
    park_for(2 * NS_PER_S);
    call.parked = false;
    profiler_hold(&call, call.resumed_ns);
    assert_int_equal(bridge_run(&call, 0, &raised, &err), STEP_ENDED);
    end();
    assert_in_range(sum(SAMPLE_WALL, "run\nprobe.lua:2 handler", "\nsleep\n"),
                    3 * NS_PER_S * 99 / 100, 3 * NS_PER_S * 101 / 100);
    assert_true(sum(SAMPLE_CPU, "\nsleep\n", NULL) < NS_PER_S / 10);
}

static int setup(void **state)
{
    parked_init(&timers);
    return group_setup(state);
}

static int teardown(void **state)
{
    timers_fini(&timers);
    return group_teardown(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(those_that_were_taken_are_not_found),
        cmocka_unit_test(all_that_are_parked_are_looked_at_once_a_second),
        cmocka_unit_test(parked_calls_are_in_wall_alone),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
