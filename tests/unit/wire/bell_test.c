/* bell_test.c - a reader that sleeps is woken, and only then. */
/* SPDX-License-Identifier: MIT */
#include "ring_fixture.h"

#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { ROUNDS = 50000, LOST_MS = 20000 };

static uint64_t count_of(int fd)
{
    uint64_t count = 0;

    return read(fd, &count, sizeof(count)) == sizeof(count) ? count : 0;
}

static void only_a_sleeper_is_woken_and_once(void **state)
{
    int fd = eventfd(0, EFD_NONBLOCK);
    struct bell bell = {0};

    (void)state;
    bell_ring(&bell, fd);
    assert_int_equal(count_of(fd), 0);
    bell_arm(&bell);
    bell_ring(&bell, fd);
    bell_ring(&bell, fd);
    assert_int_equal(count_of(fd), 1);
    bell_arm(&bell);
    bell_disarm(&bell);
    bell_ring(&bell, fd);
    assert_int_equal(count_of(fd), 0);
    close(fd);
}

/* One direction: a ring, and how its reader sleeps. */
struct way {
    struct guarded g;
    struct bell bell;
    int wake;
};

struct player {
    struct way *in, *out;
    bool serves;
    int lost;
};

/* As worker and front wait. False when no wake-up comes. */
static bool wait_for_record(struct way *way)
{
    struct pollfd wake = {.fd = way->wake, .events = POLLIN};
    bool woken = true;

    while (woken && ring_is_empty(&way->g.reader)) {
        bell_arm(&way->bell);
        if (ring_is_empty(&way->g.reader)) {
            woken = poll(&wake, 1, LOST_MS) == 1;
            count_of(way->wake);
        }
        bell_disarm(&way->bell);
    }
    return woken;
}

static void *play(void *arg)
{
    struct player *p = arg;

    for (uint64_t k = 0; k < ROUNDS && !p->lost; k++) {
        if (p->serves || k > 0)
            p->lost += !wait_for_record(p->in) || !take_record(&p->in->g, p->serves ? k : k - 1, 8);
        p->lost += !put_record(&p->out->g, k, 8);
        bell_ring(&p->out->bell, p->out->wake);
    }
    return NULL;
}

static void no_wake_up_is_lost_between_two_threads(void **state)
{
    struct way ways[2] = {{.g = guarded_open(4096), .wake = eventfd(0, EFD_NONBLOCK)},
                          {.g = guarded_open(4096), .wake = eventfd(0, EFD_NONBLOCK)}};
    struct player asks = {&ways[0], &ways[1], false, 0}, serves = {&ways[1], &ways[0], true, 0};
    pthread_t thread;

    (void)state;
    assert_int_equal(pthread_create(&thread, NULL, play, &serves), 0);
    play(&asks);
    pthread_join(thread, NULL);
    assert_int_equal(asks.lost, 0);
    assert_int_equal(serves.lost, 0);
    for (size_t i = 0; i < COUNT(ways); i++) {
        guarded_close(&ways[i].g);
        close(ways[i].wake);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_a_sleeper_is_woken_and_once),
        cmocka_unit_test(no_wake_up_is_lost_between_two_threads),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
