/* pusher_test.c - lives of a pusher that has nobody to push to, each in a process of its own. */
/* SPDX-License-Identifier: MIT */
#include "push/pusher.h"

#include "../base/cases.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"

static struct uploads uploads;
static bool without_library;

/* The shortest pauses. */
uint32_t __wrap_arc4random(void);

uint32_t __wrap_arc4random(void)
{
    return 0;
}

void *__real_dlopen(const char *name, int flags);
void *__wrap_dlopen(const char *name, int flags);

void *__wrap_dlopen(const char *name, int flags)
{
    return __real_dlopen(without_library ? "libnone.so" : name, flags);
}

static int open_all(void **state)
{
    struct err err = {0};

    (void)state;
    without_library = false;
    return uploads_open(&uploads, &err) ? 0 : -1;
}

static int close_all(void **state)
{
    (void)state;
    uploads_close(&uploads);
    return 0;
}

/* Nobody listens at port 1. */
static pid_t begin(void)
{
    const struct settings settings = {.push_address = "http://127.0.0.1:1", .walls = true};

    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        close(uploads.to_pusher);
        log_init("pusher", LOG_ERROR);
        alarm(60);
        _exit(pusher_main(&uploads, &settings));
    }
    return pid;
}

/* Tells it that no more will come; its exit status. */
static int end(pid_t pid)
{
    int status;

    uploads_shut(&uploads);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

/* The same without a time between, in which it would try for itself. */
static int life(void)
{
    close(uploads.to_pusher);
    uploads.to_pusher = -1;
    return end(begin());
}

static uint64_t dropped(enum upload_drop why)
{
    return uploads.figures->dropped[why];
}

static void it_ends_when_no_more_can_come(void **state)
{
    (void)state;
    assert_int_equal(life(), 0);
    assert_int_not_equal(uploads.figures->pusher, 0);
}

static void what_began_an_hour_ago_is_not_sent(void **state)
{
    (void)state;
    uploads_send(&uploads, STR("x"), clock_wall_ms() - 3600001);
    uploads_send(&uploads, STR("x"), 0);
    assert_int_equal(life(), 0);
    assert_int_equal(dropped(UPLOAD_OLD), 2);
    assert_int_equal(uploads.figures->queued, 0);
}

static void what_was_tried_eight_times_is_dropped(void **state)
{
    (void)state;
    uploads_send(&uploads, STR("x"), clock_wall_ms());
    uploads_send(&uploads, STR("x"), clock_wall_ms());
    pid_t pid = begin();
    while (dropped(UPLOAD_FAILED) < 2)
        usleep(1000);
    assert_int_equal(uploads.figures->retries, 2 * 7);
    assert_int_equal(end(pid), 0);
    assert_int_equal(uploads.figures->queued, 0);
    assert_int_equal(uploads.figures->sent, 0);
}

static void what_cannot_be_sent_at_the_end_is_counted(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++)
        uploads_send(&uploads, STR("x"), clock_wall_ms());
    assert_int_equal(life(), 0);
    assert_int_equal(dropped(UPLOAD_ENDED), 3);
    assert_int_equal(uploads.figures->queued, 0);
    assert_int_equal(uploads.figures->retries, 0);
}

static void what_the_one_before_it_had_is_lost(void **state)
{
    (void)state;
    uploads.figures->queued = 5;
    assert_int_equal(life(), 0);
    assert_int_equal(dropped(UPLOAD_ENDED), 5);
    assert_int_equal(uploads.figures->queued, 0);
}

static void without_the_library_nothing_starts(void **state)
{
    struct err err = {0};

    (void)state;
    assert_true(pusher_rehearse(&err));
    without_library = true;
    assert_int_equal(life(), 1);
    assert_false(pusher_rehearse(&err));
    expect_contains(err.text, "libcurl.so.4 cannot be loaded (Debian: libcurl4)");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_all, close_all)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(it_ends_when_no_more_can_come),
        TEST(what_began_an_hour_ago_is_not_sent),
        TEST(what_was_tried_eight_times_is_dropped),
        TEST(what_cannot_be_sent_at_the_end_is_counted),
        TEST(what_the_one_before_it_had_is_lost),
        TEST(without_the_library_nothing_starts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
