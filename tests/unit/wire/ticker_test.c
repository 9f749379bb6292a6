/* ticker_test.c - a thread's processor time in samples, at the rate that is set. */
/* SPDX-License-Identifier: MIT */
#include "../base/cases.h"

#include <pthread.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/walk.h"
#include "wire/sample.h"
#include "wire/ticker.h"

/* ThreadSanitizer holds signals back until the program calls something that it knows. */
#ifdef __SANITIZE_THREAD__
enum { SIGNALS_ARE_HELD_BACK = 1 };
#else
enum { SIGNALS_ARE_HELD_BACK = 0 };
#endif

enum { HZ = 1000, PERIOD_NS = 1000000, CODE_BYTES = 4096 };

static struct switchboard board;
static struct ticker ticker;

static const struct source *source(enum own_source number)
{
    return &board.own[number];
}

static uint64_t ticks(enum own_source number)
{
    return atomic_load(&source(number)->sampling->ticks);
}

static uint64_t thread_cpu_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

/* As many milliseconds of this thread's processor time. */
static __attribute__((noinline)) void burn(uint64_t ms)
{
    uint64_t until = thread_cpu_ns() + ms * NS_PER_MS;

    while (thread_cpu_ns() < until)
        ;
}

/* Until some were counted. */
static void burn_ticks(enum own_source number, uint64_t most)
{
    uint64_t until = ticks(number) + most;

    while (ticks(number) < until)
        burn(1);
}

static void set_rate(enum own_source number, uint32_t hz)
{
    atomic_store(&source(number)->sampling->cpu_hz, hz);
}

static int open_board(void **state)
{
    struct err err;

    (void)state;
    if (!switchboard_open(&board, 1, 4096, 4096, &err))
        return -1;
    assert_true(
        ticker_start(&ticker, source(SOURCE_FRONT), "front\nloop\n", __builtin_frame_address(0)));
    set_rate(SOURCE_FRONT, HZ);
    return 0;
}

static int close_board(void **state)
{
    (void)state;
    ticker_stop(&ticker);
    ticker_stop(&ticker); /* is fine */
    switchboard_close(&board);
    return 0;
}

/* -- Tests ----------------------------------------------------------------------------------- */

static bool is_in_burn(const struct sample *s)
{
    for (uint32_t i = 0; i < s->pc_count; i++)
        if (s->pcs[i] - (uintptr_t)burn < CODE_BYTES)
            return true;
    return false;
}

static void expect_sound(const struct sample *s)
{
    assert_int_equal(s->type, SAMPLE_CPU);
    assert_int_equal(s->start, START_NONE);
    assert_int_equal(s->value, s->count * PERIOD_NS);
    assert_in_range(s->count, 1, UINT64_MAX);
    assert_in_range(s->pc_count, 1, WALK_PCS);
    expect_str(s->frames, STR("front\nloop\n"));
    expect_str(s->function, STR(""));
    expect_str(s->leaf, STR(""));
    for (uint32_t i = 0; i + 1 < s->pc_count; i++)
        assert_true(walk_is_code(s->pcs[i]));
}

static void samples_say_where_the_thread_was(void **state)
{
    const struct source *its = source(SOURCE_FRONT);
    struct ring_end reader = ring_end_of(its->samples, its->memory);
    uint64_t told = 0, written = 0, in_burn = 0;
    struct sample sample;
    struct str record;

    (void)state;
    ticker_look(&ticker);
    burn_ticks(SOURCE_FRONT, 50);
    set_rate(SOURCE_FRONT, 0);
    ticker_look(&ticker);
    while (ring_read(&reader, &record) == RING_RECORD) {
        assert_true(sample_parse(record, &sample));
        expect_sound(&sample);
        told += sample.count;
        in_burn += is_in_burn(&sample);
        written++;
        ring_consume(&reader, record);
    }
    assert_true(in_burn > 0 || SIGNALS_ARE_HELD_BACK);
    assert_int_equal(told, ticks(SOURCE_FRONT));
    assert_int_equal(written, atomic_load(&its->sampling->completed));
    assert_int_equal(atomic_load(&its->sampling->dropped), 0);
    assert_in_range(atomic_load(&its->sampling->handler_ns), 1, UINT64_MAX);
}

static void a_full_ring_drops_and_counts(void **state)
{
    const struct sampling *s = source(SOURCE_FRONT)->sampling;

    (void)state;
    atomic_store(&source(SOURCE_FRONT)->samples->tail, UINT64_MAX); /* that is no room */
    ticker_look(&ticker);
    burn_ticks(SOURCE_FRONT, 10);
    assert_in_range(atomic_load(&s->dropped), 1, UINT64_MAX);
    assert_int_equal(atomic_load(&s->completed), 0);
}

static void the_rate_is_obeyed_once_it_is_looked_at(void **state)
{
    (void)state;
    burn(20);
    assert_int_equal(ticks(SOURCE_FRONT), 0); /* not looked at yet */
    ticker_look(&ticker);
    burn_ticks(SOURCE_FRONT, 5);
    set_rate(SOURCE_FRONT, 0);
    ticker_look(&ticker);
    uint64_t before = ticks(SOURCE_FRONT);
    burn(20);
    assert_int_equal(ticks(SOURCE_FRONT), before);
    set_rate(SOURCE_FRONT, HZ);
    ticker_look(&ticker);
    burn_ticks(SOURCE_FRONT, 5);
    ticker_stop(&ticker);
    before = ticks(SOURCE_FRONT);
    burn(20);
    ticker_look(&ticker);
    burn(20);
    assert_int_equal(ticks(SOURCE_FRONT), before);
}

static void *burn_in_a_thread(void *unused)
{
    struct ticker its;

    (void)unused;
    set_rate(SOURCE_COLLECTOR, HZ);
    assert_true(ticker_start(&its, source(SOURCE_COLLECTOR), "front\ncollector\n",
                             __builtin_frame_address(0)));
    ticker_look(&its);
    burn_ticks(SOURCE_COLLECTOR, 20);
    ticker_stop(&its);
    return NULL;
}

static void each_thread_has_its_own(void **state)
{
    pthread_t thread;

    (void)state;
    ticker_look(&ticker);
    uint64_t before = ticks(SOURCE_FRONT);
    assert_int_equal(pthread_create(&thread, NULL, burn_in_a_thread, NULL), 0);
    pthread_join(thread, NULL);
    assert_in_range(ticks(SOURCE_FRONT) - before, 0, 10); /* this one waited */
    assert_in_range(ticks(SOURCE_COLLECTOR), 20, UINT64_MAX);
    burn_ticks(SOURCE_FRONT, 5);
}

static void children_have_none(void **state)
{
    int status;

    (void)state;
    ticker_look(&ticker);
    burn_ticks(SOURCE_FRONT, 5);
    uint64_t before = ticks(SOURCE_FRONT);
    pid_t pid = fork();
    if (pid == 0) {
        burn(20);
        _exit(ticks(SOURCE_FRONT) - before > 10); /* some are its parent's */
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

static void a_signal_of_another_origin_is_no_tick(void **state)
{
    (void)state;
    ticker_look(&ticker);
    uint64_t before = ticks(SOURCE_FRONT);
    for (int i = 0; i < 100; i++)
        pthread_kill(pthread_self(), SIGPROF);
    assert_in_range(ticks(SOURCE_FRONT) - before, 0, 50);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_board, close_board)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(samples_say_where_the_thread_was),
        TEST(a_full_ring_drops_and_counts),
        TEST(the_rate_is_obeyed_once_it_is_looked_at),
        TEST(each_thread_has_its_own),
        TEST(children_have_none),
        TEST(a_signal_of_another_origin_is_no_tick),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
