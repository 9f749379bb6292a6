/* collector_fixture.h - a collector of some rings, what is put into them, what is asked of it. */
/* SPDX-License-Identifier: MIT */
#pragma once

#include "decode.h"

#include <errno.h>
#include <semaphore.h>
#include <signal.h>

#include "base/err.h"
#include "profile/collector.h"
#include "wire/channel.h"

enum { CHANNELS = 2, HOUR_S = 3600 };

static struct switchboard board;
static struct ring_end writers[CHANNELS];
static struct collector *collector;

static inline struct collector *start(void)
{
    struct err err;

    return collector_start(&board, NULL, 0, &err);
}

static inline int open_all(void **state)
{
    struct err err = {0};

    (void)state;
    assert_true(switchboard_open(&board, CHANNELS, 4096, 4096, &err));
    for (size_t i = 0; i < CHANNELS; i++)
        writers[i] = ring_end_of(board.channels[i].samples, board.channels[i].samples_memory);
    collector = start();
    return collector ? 0 : -1;
}

static inline int close_all(void **state)
{
    (void)state;
    collector_stop(collector);
    switchboard_close(&board);
    return 0;
}

static inline struct sample usual(const char *function, uint64_t value)
{
    return (struct sample){.type = SAMPLE_MUTEX,
                           .start = START_WARM,
                           .count = 1,
                           .value = value,
                           .function = str_of(function),
                           .frames = str_of("worker\nrun\n"),
                           .leaf = str_of("[a lock]")};
}

static inline void put(size_t channel, const char *function, uint64_t value)
{
    const struct sample s = usual(function, value);
    assert_true(sample_write(&writers[channel], &s));
}

struct question {
    struct collector_request request; /* the first member */
    sem_t done;
    struct buf body;
    struct err err;
    sigset_t blocked;         /* in the thread of `done` */
    struct question *another; /* asked by `done` */
};

static inline void answered(struct collector_request *r, struct buf *body, const struct err *err)
{
    struct question *q = (struct question *)r;

    q->body = *body;
    q->err = *err;
    pthread_sigmask(SIG_BLOCK, NULL, &q->blocked);
    if (q->another)
        assert_true(collector_ask(collector, &q->another->request));
    sem_post(&q->done);
}

static inline void question_init(struct question *q, unsigned seconds, const char *function)
{
    *q = (struct question){.request = {.type = SAMPLE_MUTEX,
                                       .seconds = seconds,
                                       .function = str_of(function),
                                       .done = answered}};
    assert_int_equal(sem_init(&q->done, 0, 0), 0);
}

/* Waits for the answer, and tells the nanoseconds in it. */
static inline uint64_t answer_of(struct question *q)
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
static inline uint64_t cumulative(const char *function)
{
    struct question q;

    question_init(&q, 0, function);
    assert_true(collector_ask(collector, &q.request));
    return answer_of(&q);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_all, close_all)
