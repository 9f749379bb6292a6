/* supervisor_test.c - processes that cannot be started, over stand-ins for front and worker. */
/* SPDX-License-Identifier: MIT */
#include "../base/cases.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "supervise/supervisor.h"

enum { WORKERS = 2, NUMBERS = 64, LONG_ENOUGH_S = 30 };

/* Shared by all processes of a test: what has run, and which forks fail. */
struct shared {
    _Atomic unsigned forks, fronts, workers, failed, pushers, finished;
    bool fails[NUMBERS]; /* by number of the fork */
    bool reloads;        /* before the end there is a SIGHUP, whose fork fails too */
    unsigned dying;      /* so many pushers die; 0: nothing is pushed */
    bool hangs;          /* the pusher does not end by itself, but there is a second SIGTERM */
};

static struct shared *seen;

pid_t __real_fork(void);
pid_t __wrap_fork(void);

pid_t __wrap_fork(void)
{
    unsigned number = seen ? seen->forks++ : NUMBERS;

    if (number >= NUMBERS || !seen->fails[number])
        return __real_fork();
    seen->failed++;
    errno = EAGAIN;
    return -1;
}

static void wait_for_the_end(void)
{
    for (;;)
        pause();
}

static bool comes_true(_Atomic unsigned *number, unsigned wanted)
{
    for (int i = 0; i < LONG_ENOUGH_S * 1000 && *number < wanted; i++)
        usleep(1000);
    return *number >= wanted;
}

/* Ends the server once all are there. */
static int front(const struct switchboard *board, const struct settings *settings,
                 const int *listeners, size_t listener_count, int control)
{
    (void)settings;
    (void)listeners;
    (void)listener_count;
    (void)control;
    seen->fronts++;
    comes_true(&seen->workers, (unsigned)board->count);
    if (board->uploads) {
        comes_true(&seen->pushers, seen->dying);
        uploads_send(board->uploads, STR("last"), 1);
    }
    if (seen->reloads) {
        seen->fails[seen->forks] = true;
        kill(getppid(), SIGHUP);
        comes_true(&seen->failed, 1);
    }
    kill(getppid(), SIGTERM);
    usleep(100000); /* so that the signal is there before this death is */
    return 0;
}

static void worker(const struct switchboard *board, size_t slot, const struct settings *settings)
{
    (void)board;
    (void)slot;
    (void)settings;
    seen->workers++;
    wait_for_the_end();
}

/* Ends when it is told that no more comes, after it has taken the last. */
static int pusher(const struct uploads *uploads, const struct settings *settings)
{
    enum uploads_state state;
    struct upload upload;
    unsigned taken = 0;

    (void)settings;
    if (++seen->pushers < seen->dying)
        return 1;
    while ((state = uploads_take(uploads, &upload)) != UPLOADS_END) {
        taken += state == UPLOADS_TAKEN;
        usleep(1000);
    }
    seen->finished += taken;
    if (seen->hangs) {
        kill(getppid(), SIGTERM);
        wait_for_the_end();
    }
    return 0;
}

static int run_server(void)
{
    static const struct roles roles = {front, worker, NULL, NULL, pusher};
    const struct settings settings = {.host = "127.0.0.1",
                                      .workers = WORKERS,
                                      .body_max = 1024,
                                      .reply_max = 1024,
                                      .file_max = 1024,
                                      .drain_ms = 1000,
                                      .push_address = seen->dying ? "http://x" : NULL};

    char *argv[] = {(char *)"faas-server", NULL};

    log_init("supervisor", LOG_ERROR);
    return supervisor_main(&settings, &roles, argv);
}

/* The exit status of a server in whose life the forks of these numbers fail. */
static int status_with(const unsigned *failing, size_t count)
{
    int status;

    for (size_t i = 0; i < count; i++)
        seen->fails[failing[i]] = true;
    fflush(stdout);
    pid_t pid = __real_fork();
    if (pid == 0) {
        signal(SIGALRM, SIG_DFL);
        alarm(2 * LONG_ENOUGH_S);
        _exit(run_server());
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static int open_seen(void **state)
{
    (void)state;
    seen = mmap(NULL, sizeof(*seen), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return seen == MAP_FAILED ? -1 : 0;
}

static int close_seen(void **state)
{
    (void)state;
    return munmap(seen, sizeof(*seen));
}

static void a_front_that_cannot_be_forked_is_forked_later(void **state)
{
    static const unsigned failing[] = {0, 1, 2};

    (void)state;
    assert_int_equal(status_with(failing, COUNT(failing)), 0);
    assert_int_equal(seen->failed, 3);
    assert_int_equal(seen->fronts, 1);
    assert_int_equal(seen->workers, WORKERS);
    assert_int_equal(seen->forks, 3 + 1 + WORKERS); /* no worker without a front */
}

static void a_worker_that_cannot_be_forked_is_forked_later(void **state)
{
    static const unsigned failing[] = {1, 2, 3};

    (void)state;
    assert_int_equal(status_with(failing, COUNT(failing)), 0);
    assert_int_equal(seen->failed, 3);
    assert_int_equal(seen->fronts, 1);
    assert_int_equal(seen->workers, WORKERS);
}

static void a_reload_that_cannot_be_forked_changes_nothing(void **state)
{
    (void)state;
    seen->reloads = true;
    assert_int_equal(status_with(NULL, 0), 0);
    assert_int_equal(seen->failed, 1);
    assert_int_equal(seen->fronts, 1);
    assert_int_equal(seen->workers, WORKERS);
    assert_int_equal(seen->forks, 1 + WORKERS + 1);
}

/* -- A pusher -------------------------------------------------------------------------------- */

static void what_the_front_sent_last_is_taken_before_the_end(void **state)
{
    (void)state;
    seen->dying = 1;
    assert_int_equal(status_with(NULL, 0), 0);
    assert_int_equal(seen->pushers, 1);
    assert_int_equal(seen->finished, 1);
    assert_int_equal(seen->forks, 1 + WORKERS + 1);
}

static void a_pusher_that_dies_is_started_again(void **state)
{
    (void)state;
    seen->dying = 4;
    assert_int_equal(status_with(NULL, 0), 0);
    assert_int_equal(seen->pushers, 4);
    assert_int_equal(seen->finished, 1);
    assert_int_equal(seen->fronts, 1);
}

static void a_pusher_that_cannot_be_forked_is_forked_later(void **state)
{
    static const unsigned failing[] = {1 + WORKERS};

    (void)state;
    seen->dying = 1;
    assert_int_equal(status_with(failing, COUNT(failing)), 0);
    assert_int_equal(seen->failed, 1);
    assert_int_equal(seen->pushers, 1);
    assert_int_equal(seen->finished, 1);
}

static void a_pusher_that_hangs_is_ended_by_a_second_signal(void **state)
{
    (void)state;
    seen->dying = 1;
    seen->hangs = true;
    assert_int_equal(status_with(NULL, 0), 0);
    assert_int_equal(seen->finished, 1);
}

#define SUPERVISOR_TEST(name) cmocka_unit_test_setup_teardown(name, open_seen, close_seen)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SUPERVISOR_TEST(a_front_that_cannot_be_forked_is_forked_later),
        SUPERVISOR_TEST(a_worker_that_cannot_be_forked_is_forked_later),
        SUPERVISOR_TEST(a_reload_that_cannot_be_forked_changes_nothing),
        SUPERVISOR_TEST(what_the_front_sent_last_is_taken_before_the_end),
        SUPERVISOR_TEST(a_pusher_that_dies_is_started_again),
        SUPERVISOR_TEST(a_pusher_that_cannot_be_forked_is_forked_later),
        SUPERVISOR_TEST(a_pusher_that_hangs_is_ended_by_a_second_signal),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
