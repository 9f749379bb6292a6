/* collector_test.c - samples through rings into profiles; hostile writers; windows; the end. */
/* SPDX-License-Identifier: MIT */
#include "profile/collector.h"

#include "decode.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdlib.h>

#include "base/err.h"
#include "wire/channel.h"

enum { CHANNELS = 2, HOUR_S = 3600 };

static struct switchboard board;
static struct ring_end writers[CHANNELS];
static struct collector *collector;

static struct collector *start(void)
{
    struct err err = {0};
    struct collector *c = collector_start(&board, &err);

    assert_non_null(c);
    return c;
}

static int open_all(void **state)
{
    struct err err = {0};

    (void)state;
    assert_true(switchboard_open(&board, CHANNELS, 4096, 4096, &err));
    for (size_t i = 0; i < CHANNELS; i++)
        writers[i] = ring_end_of(board.channels[i].samples, board.channels[i].samples_memory);
    collector = start();
    return 0;
}

static int close_all(void **state)
{
    (void)state;
    collector_stop(collector);
    switchboard_close(&board);
    return 0;
}

static struct sample usual(const char *function, uint64_t value)
{
    return (struct sample){.type = SAMPLE_MUTEX,
                           .start = START_WARM,
                           .count = 1,
                           .value = value,
                           .function = str_of(function),
                           .frames = str_of("worker\nrun\n"),
                           .leaf = str_of("[a lock]")};
}

static void put(size_t channel, const char *function, uint64_t value)
{
    const struct sample s = usual(function, value);

    assert_true(sample_write(&writers[channel], &s));
}

/* -- Asking -------------------------------------------------------------------------------------
 */

struct question {
    struct collector_request request; /* the first member */
    sem_t done;
    struct buf body;
    struct err err;
    sigset_t blocked;         /* in the thread of `done` */
    struct question *another; /* asked by `done` */
};

static void answered(struct collector_request *r, struct buf *body, const struct err *err)
{
    struct question *q = (struct question *)r;

    q->body = *body;
    q->err = *err;
    pthread_sigmask(SIG_BLOCK, NULL, &q->blocked);
    if (q->another)
        assert_true(collector_ask(collector, &q->another->request));
    sem_post(&q->done);
}

static void question_init(struct question *q, unsigned seconds, const char *function)
{
    *q = (struct question){.request = {.type = SAMPLE_MUTEX,
                                       .seconds = seconds,
                                       .function = str_of(function),
                                       .done = answered}};
    assert_int_equal(sem_init(&q->done, 0, 0), 0);
}

/* Waits for the answer, and tells the nanoseconds in it. */
static uint64_t answer_of(struct question *q)
{
    while (sem_wait(&q->done) != 0)
        assert_int_equal(errno, EINTR);
    sem_destroy(&q->done);
    assert_int_equal(q->err.code, ERR_NONE);
    struct decoded d = decode(buf_str(&q->body));
    buf_fini(&q->body);
    expect_sound(&d);
    uint64_t sum = decoded_total(&d);
    decoded_fini(&d);
    return sum;
}

/* All until now. */
static uint64_t cumulative(const char *function)
{
    struct question q;

    question_init(&q, 0, function);
    assert_true(collector_ask(collector, &q.request));
    return answer_of(&q);
}

/* The window is open when this returns, for what is asked later is answered later. */
static void ask(struct question *q, unsigned seconds)
{
    question_init(q, seconds, "");
    assert_true(collector_ask(collector, &q->request));
    cumulative("");
}

static void samples_of_all_workers_are_added_up(void **state)
{
    (void)state;
    assert_int_equal(cumulative(""), 0);
    put(0, "f", 1);
    put(0, "g", 10);
    put(1, "f", 100);
    assert_int_equal(cumulative(""), 111);
    put(1, "g", 1000);
    assert_int_equal(cumulative("f"), 101);
    assert_int_equal(cumulative("g"), 1010);
    struct collector_figures figures;
    collector_figures(collector, &figures);
    assert_int_equal(figures.stacks, 2);
    assert_int_equal(figures.samples, 4);
    assert_int_equal(figures.folded, 0);
    assert_int_equal(figures.corrupt, 0);
    assert_in_range(figures.bytes, 1000, 100000);
}

static void rings_are_drained_while_anything_is_sampled(void **state)
{
    enum { SAMPLES = 5000 };
    struct sampling *sampling = &board.channels[1].state->sampling;
    struct collector_figures figures;

    (void)state;
    atomic_store(&sampling->lock_ns, 1000);
    for (int i = 0; i < SAMPLES; i++) {
        const struct sample s = usual("f", 1);

        while (!sample_write(&writers[1], &s)) /* full: more than a ring holds */
            sched_yield();
    }
    do {
        sched_yield();
        collector_figures(collector, &figures);
    } while (figures.samples < SAMPLES);
    assert_int_equal(cumulative(""), SAMPLES);
}

static void windows_overlap(void **state)
{
    struct question first, second;

    (void)state;
    put(0, "f", 1);
    ask(&first, HOUR_S);
    put(0, "f", 10);
    ask(&second, HOUR_S);
    put(1, "f", 100);
    put(1, "g", 1000);
    assert_int_equal(cumulative(""), 1111);
    collector_stop(collector);
    assert_int_equal(answer_of(&first), 1110);
    assert_int_equal(answer_of(&second), 1100);
    collector = NULL;
}

static void a_window_ends_by_itself(void **state)
{
    struct question q;

    (void)state;
    put(0, "f", 1);
    cumulative("");
    ask(&q, 1);
    put(0, "f", 10);
    assert_int_equal(answer_of(&q), 10);
}

static void sixteen_may_wait_and_the_end_answers_them(void **state)
{
    static struct question questions[COLLECTOR_REQUESTS_MAX + 1];

    (void)state;
    for (size_t i = 0; i < COUNT(questions); i++) {
        question_init(&questions[i], HOUR_S, "");
        assert_int_equal(collector_ask(collector, &questions[i].request),
                         i < COLLECTOR_REQUESTS_MAX);
    }
    collector_stop(collector);
    collector = NULL;
    for (size_t i = 0; i < COLLECTOR_REQUESTS_MAX; i++)
        assert_int_equal(answer_of(&questions[i]), 0);
    sem_destroy(&questions[COLLECTOR_REQUESTS_MAX].done);
}

static void an_answer_may_ask_again(void **state)
{
    struct question first, second;

    (void)state;
    put(0, "f", 5);
    question_init(&first, 0, "");
    question_init(&second, 0, "");
    first.another = &second;
    assert_true(collector_ask(collector, &first.request));
    assert_int_equal(answer_of(&first), 5);
    assert_int_equal(answer_of(&second), 5);
}

static void only_the_profilers_signal_reaches_the_thread(void **state)
{
    struct question q;

    (void)state;
    question_init(&q, 0, "");
    assert_true(collector_ask(collector, &q.request));
    answer_of(&q);
    assert_int_equal(sigismember(&q.blocked, SIGPROF), 0);
    assert_int_equal(sigismember(&q.blocked, SIGTERM), 1);
    assert_int_equal(sigismember(&q.blocked, SIGCHLD), 1);
    sigset_t mine;
    pthread_sigmask(SIG_BLOCK, NULL, &mine);
    assert_int_equal(sigismember(&mine, SIGTERM), 0);
}

static void the_next_collector_goes_on_in_the_ring(void **state)
{
    (void)state;
    put(0, "f", 1);
    assert_int_equal(cumulative(""), 1);
    collector_stop(collector);
    put(0, "f", 10);
    collector = start();
    assert_int_equal(cumulative(""), 10);
}

/* -- Hostile writers ----------------------------------------------------------------------------
 */

/* What was skipped is over; one that writes from there is heard. */
static void expect_skipped(uint64_t corrupt_before)
{
    struct collector_figures figures;
    struct channel *c = &board.channels[0];
    uint64_t before = cumulative("");

    collector_figures(collector, &figures);
    assert_in_range(figures.corrupt, corrupt_before + 1, UINT64_MAX);
    writers[0] = ring_writer_after(c->samples, c->samples_memory);
    put(0, "f", 7);
    put(1, "f", 70);
    assert_int_equal(cumulative(""), before + 77);
}

static uint64_t corrupt(void)
{
    struct collector_figures figures;

    collector_figures(collector, &figures);
    return figures.corrupt;
}

static void a_head_without_sense_is_skipped(void **state)
{
    const uint64_t size = writers[0].size;
    const uint64_t heads[] = {8, 17, size + 16, UINT64_MAX, UINT64_MAX - 15, size};

    (void)state;
    for (size_t i = 0; i < COUNT(heads); i++) {
        uint64_t before = corrupt();

        put(0, "f", 1000);
        cumulative("");
        memset(board.channels[0].samples->bytes + writers[0].at, 0xEE, 64);
        atomic_store(&board.channels[0].samples->head, heads[i]);
        expect_skipped(before);
    }
}

static void records_that_are_no_samples_are_skipped(void **state)
{
    static char bytes[1 << 16];
    static const size_t lengths[] = {0, 1, 39, 40, 41, 4096, 33000};

    (void)state;
    for (int fill = 0; fill < 256; fill += 51)
        for (size_t i = 0; i < COUNT(lengths); i++) {
            uint64_t before = corrupt();

            if (!fill && lengths[i] == 40)
                continue; /* that is a sample of nothing */
            memset(bytes, fill, sizeof(bytes));
            assert_true(ring_write(&writers[0], (struct str){bytes, lengths[i]}, NULL, 0));
            expect_skipped(before);
        }
}

static void samples_that_are_cut_off_are_skipped(void **state)
{
    const struct sample s = usual("f", 1000000);
    struct ring_end reader = writers[0];
    char whole[512];
    struct str record;

    (void)state;
    assert_true(sample_write(&writers[0], &s));
    assert_int_equal(ring_read(&reader, &record), RING_RECORD);
    assert_in_range(record.len, 1, sizeof(whole));
    memcpy(whole, record.at, record.len);
    assert_int_equal(cumulative(""), 1000000);
    for (size_t len = 0; len < record.len; len++) {
        uint64_t before = corrupt();

        assert_true(ring_write(&writers[0], (struct str){whole, len}, NULL, 0));
        expect_skipped(before);
    }
}

/* Texts of any bytes are no reason to leave a sample out. */
static void texts_of_any_bytes_become_a_sound_profile(void **state)
{
    struct dice dice = {1};
    char text[SAMPLE_NAME_MAX];

    (void)state;
    for (int i = 0; i < 300; i++) {
        struct sample s = usual("", 1);

        for (size_t j = 0; j < sizeof(text); j++)
            text[j] = (char)dice_next(&dice);
        s.function = (struct str){text, dice_below(&dice, sizeof(text) + 1)};
        s.frames = s.leaf = s.function;
        s.pc_count = (uint32_t)dice_below(&dice, SAMPLE_PCS + 1);
        for (uint32_t j = 0; j < s.pc_count; j++)
            s.pcs[j] = dice_next(&dice);
        assert_true(sample_write(&writers[i % CHANNELS], &s));
        if (i % 10 == 9)
            assert_int_equal(cumulative(""), i + 1);
    }
}

/* -- Failure ------------------------------------------------------------------------------------
 */

static bool refuse;

int __real_pthread_create(pthread_t *t, const pthread_attr_t *a, void *(*f)(void *), void *arg);
int __wrap_pthread_create(pthread_t *t, const pthread_attr_t *a, void *(*f)(void *), void *arg);

int __wrap_pthread_create(pthread_t *t, const pthread_attr_t *a, void *(*f)(void *), void *arg)
{
    return refuse ? EAGAIN : __real_pthread_create(t, a, f, arg);
}

static void without_a_thread_there_is_no_collector(void **state)
{
    struct err err = {0};

    (void)state;
    refuse = true;
    struct collector *none = collector_start(&board, &err);
    refuse = false;
    assert_null(none);
    assert_int_equal(err.code, ERR_INTERNAL);
    collector_stop(NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_all, close_all)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(samples_of_all_workers_are_added_up),
        TEST(rings_are_drained_while_anything_is_sampled),
        TEST(windows_overlap),
        TEST(a_window_ends_by_itself),
        TEST(sixteen_may_wait_and_the_end_answers_them),
        TEST(an_answer_may_ask_again),
        TEST(only_the_profilers_signal_reaches_the_thread),
        TEST(the_next_collector_goes_on_in_the_ring),
        TEST(a_head_without_sense_is_skipped),
        TEST(records_that_are_no_samples_are_skipped),
        TEST(samples_that_are_cut_off_are_skipped),
        TEST(texts_of_any_bytes_become_a_sound_profile),
        TEST(without_a_thread_there_is_no_collector),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
