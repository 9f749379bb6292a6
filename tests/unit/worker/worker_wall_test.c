/* worker_wall_test.c - what a worker may do behind its wall, and what ends it. */
/* SPDX-License-Identifier: MIT */
#include "../base/behind_wall.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>

#include "base/log.h"
#include "base/pace.h"
#include "worker/worker_wall.h"

enum { CHANNELS = 3, SLOT = 1, RECORD_MAX = 4096, BYTES = 1 << 20, SIGNAL = SIGUSR1 };

static struct switchboard board;
static timer_t timer;
static volatile sig_atomic_t signals;

static void on_signal(int number)
{
    (void)number;
    signals++;
}

/* As worker_main does it: what needs more comes before. */
static void raise_wall(void)
{
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGNAL};
    struct err err;

    log_init("probe", LOG_INFO);
    signal(SIGNAL, on_signal);
    need(timer_create(CLOCK_MONOTONIC, &event, &timer) == 0);
    need(worker_wall_raise(&board, SLOT, &err));
}

/* -- Forbidden ------------------------------------------------------------------------------- */

static void files_sockets_programs_and_processes_end_it(void **state)
{
    static const struct attempt attempts[] = {
        ATTEMPT_OF_REPORTS(open, 0),
        ATTEMPT_OF_REPORTS(openat, AT_FDCWD),
        ATTEMPT(openat2, AT_FDCWD),
        ATTEMPT(creat, 0),
        ATTEMPT(open_by_handle_at, AT_FDCWD),
        ATTEMPT(memfd_create, 0),
        ATTEMPT_OF_REPORTS(read, 0),
        ATTEMPT(pread64, 0),
        ATTEMPT_OF_REPORTS(write, STDIN_FILENO),
        ATTEMPT_OF_REPORTS(write, STDOUT_FILENO),
        ATTEMPT_OF_REPORTS(write, 100),
        ATTEMPT(writev, STDOUT_FILENO),
        ATTEMPT(sendfile, STDERR_FILENO, STDIN_FILENO),
        ATTEMPT_OF_REPORTS(mmap, 0, 4096, PROT_READ, MAP_PRIVATE, STDIN_FILENO, 0),
        ATTEMPT_OF_REPORTS(mmap, 0, 4096, PROT_READ, MAP_SHARED, STDIN_FILENO, 0),
        ATTEMPT_OF_REPORTS(ioctl, STDERR_FILENO),
        ATTEMPT_OF_REPORTS(fcntl, STDERR_FILENO, F_SETOWN, 1),
        ATTEMPT(dup, STDERR_FILENO),
        ATTEMPT(unlink, 0),
        ATTEMPT(rename, 0),
        ATTEMPT(inotify_init1, 0),
        ATTEMPT(epoll_create1, 0),
        ATTEMPT(eventfd2, 0),
        ATTEMPT(socket, AF_INET, SOCK_STREAM),
        ATTEMPT(socketpair, AF_UNIX, SOCK_STREAM),
        ATTEMPT(connect, STDERR_FILENO),
        ATTEMPT(bind, STDERR_FILENO),
        ATTEMPT(accept4, STDERR_FILENO),
        ATTEMPT(sendto, STDERR_FILENO),
        ATTEMPT(sendmsg, STDERR_FILENO),
        ATTEMPT(execve, 0),
        ATTEMPT(execveat, -1),
        ATTEMPT(fork, 0),
        ATTEMPT_OF_REPORTS(clone, SIGCHLD),
        ATTEMPT_OF_REPORTS(clone, CLONE_NEWUSER | SIGCHLD),
        ATTEMPT_OF_REPORTS(clone, CLONE_VM | CLONE_SIGHAND | CLONE_THREAD),
        ATTEMPT_OF_REPORTS(ptrace, 0),
        ATTEMPT(process_vm_readv, PARENT_PID),
        ATTEMPT(process_vm_writev, PARENT_PID),
        ATTEMPT(kill, OWN_PID, 0),
        ATTEMPT(kill, PARENT_PID, 0),
        ATTEMPT(tkill, PARENT_PID, 0),
        ATTEMPT_OF_REPORTS(tgkill, PARENT_PID, PARENT_PID, 0),
        ATTEMPT(rt_sigqueueinfo, PARENT_PID, 0),
        ATTEMPT(pidfd_open, PARENT_PID),
        ATTEMPT(sched_setattr, PARENT_PID),
        ATTEMPT(setpriority, PRIO_PROCESS, PARENT_PID),
        ATTEMPT_OF_REPORTS(prlimit64, PARENT_PID),
        ATTEMPT_OF_REPORTS(prctl, 0),
        ATTEMPT_OF_REPORTS(rt_sigaction, SIGNAL),
    };

    (void)state;
    expect_forbidden(raise_wall, attempts, COUNT(attempts));
}

static void ways_into_the_kernel_end_it(void **state)
{
    static const struct attempt attempts[] = {
        ATTEMPT(mount, 0),           ATTEMPT(umount2, 0),        ATTEMPT(chroot, 0),
        ATTEMPT(pivot_root, 0),      ATTEMPT(unshare, 0),        ATTEMPT(setns, -1),
        ATTEMPT(setuid, 0),          ATTEMPT(setgid, 0),         ATTEMPT(capset, 0),
        ATTEMPT(seccomp, 99),        ATTEMPT(bpf, 99),           ATTEMPT(userfaultfd, 0),
        ATTEMPT(perf_event_open, 0), ATTEMPT(io_uring_setup, 0), ATTEMPT(io_uring_enter, -1),
        ATTEMPT(keyctl, 99),         ATTEMPT(add_key, 0),        ATTEMPT(init_module, 0),
        ATTEMPT(finit_module, -1),   ATTEMPT(kexec_load, 0),     ATTEMPT(shmget, 0),
        ATTEMPT(msgget, 0),          ATTEMPT(semget, 0),         ATTEMPT(personality, -1),
        ATTEMPT(modify_ldt, 0),      ATTEMPT(iopl, 0),           ATTEMPT(arch_prctl, 0),
        ATTEMPT(timer_create, 0),    ATTEMPT(setitimer, 0),
    };

    (void)state;
    expect_forbidden(raise_wall, attempts, COUNT(attempts));
}

/* -- Permitted ------------------------------------------------------------------------------- */

static void takes_memory(const void *unused)
{
    char *pages = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    (void)unused;
    need(pages != MAP_FAILED);
    memset(pages, 1, BYTES);
    need(mprotect(pages, BYTES, PROT_READ | PROT_EXEC) == 0);
    need(madvise(pages, BYTES, MADV_DONTNEED) == 0 && munmap(pages, BYTES) == 0);
    for (size_t size = 1; size <= 64 << 20; size *= 2) {
        char *block = malloc(size);

        need(block != NULL);
        memset(block, 1, size);
        block = realloc(block, 2 * size);
        need(block != NULL);
        free(block);
    }
}

static void *allocates(void *unused)
{
    (void)unused;
    for (int i = 0; i < 100; i++)
        free(malloc((size_t)i * 1000));
    return NULL;
}

static void starts_threads(const void *unused)
{
    pthread_t threads[8];

    (void)unused;
    for (size_t i = 0; i < COUNT(threads); i++)
        need(pthread_create(&threads[i], NULL, allocates, NULL) == 0);
    for (size_t i = 0; i < COUNT(threads); i++)
        need(pthread_join(threads[i], NULL) == 0);
}

static void waits(const void *unused)
{
    const struct itimerspec soon = {.it_value = {.tv_nsec = 1000000}};
    const struct timespec pause = {.tv_nsec = 1000000};
    struct bell bell = {0};

    (void)unused;
    bell_arm(&bell);
    bell_wait(&bell, 1);
    need(nanosleep(&pause, NULL) == 0 || errno == EINTR);
    need(timer_settime(timer, 0, &soon, NULL) == 0);
    while (!signals)
        nanosleep(&pause, NULL);
}

static void asks_for_times(const void *unused)
{
    time_t now = time(NULL);
    struct tm tm;
    char text[64];

    (void)unused;
    need(localtime_r(&now, &tm) && mktime(&tm) == now);
    need(strftime(text, sizeof(text), "%F %X %Z", &tm) > 0);
    need(gmtime_r(&now, &tm) && clock() != (clock_t)-1);
}

static void wakes_the_front_and_logs(const void *unused)
{
    (void)unused;
    bell_arm(board.front_bell);
    bell_ring(board.front_bell, board.wake_front);
    log_line(LOG_INFO, "from behind the wall");
    need(log_dropped() == 0);
}

static void changes_its_pace(const void *unused)
{
    (void)unused;
    pace_set(PACE_LONG);
    pace_set(PACE_QUICK);
}

static void aborts(const void *unused)
{
    (void)unused;
    abort();
}

static void computing_is_permitted(void **state)
{
    static const struct permitted list[] = {
        {"memory", takes_memory, 0},
        {"threads", starts_threads, 0},
        {"waiting", waits, 0},
        {"times", asks_for_times, 0},
        {"log", wakes_the_front_and_logs, 0},
        {"pace", changes_its_pace, 0},
        {"abort", aborts, SIGABRT},
    };

    (void)state;
    expect_permitted(raise_wall, list, COUNT(list));
}

/* -- What is left of it ---------------------------------------------------------------------- */

static const char *secret; /* where the value lies */

static void has_no_environment(const void *unused)
{
    extern char **environ;

    (void)unused;
    need(!getenv("SECRET") && getenv("TZ"));
    need(environ[0] && !environ[1]);
    need(secret[0] == '\0' && secret[1] == '\0'); /* nor in memory */
}

static void the_environment_is_empty_but_for_the_time_zone(void **state)
{
    (void)state;
    assert_int_equal(setenv("SECRET", "xyzzy", 1), 0);
    secret = getenv("SECRET");
    assert_int_equal(end_behind(raise_wall, has_no_environment, NULL), 0);
    assert_string_equal(getenv("SECRET"), "xyzzy");
    unsetenv("SECRET");
}

static void shows_hour_of_epoch(const void *expected)
{
    time_t epoch = 0;
    struct tm tm;

    need(localtime_r(&epoch, &tm) && tm.tm_hour == *(const int *)expected);
    need(mktime(&tm) == epoch);
}

static void the_time_zone_stays(void **state)
{
    static const struct {
        const char *zone;
        int hour;
    } cases[] = {{"UTC0", 0}, {"XXX-7", 7}, {"XXX5", 19}, {"", 0}};

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        setenv("TZ", cases[i].zone, 1);
        assert_int_equal(end_behind(raise_wall, shows_hour_of_epoch, &cases[i].hour), 0);
    }
    unsetenv("TZ");
}

static bool is_open(int fd)
{
    struct pollfd p = {.fd = fd};

    return poll(&p, 1, 0) == 0 || !(p.revents & POLLNVAL);
}

static void has_few_descriptors(const void *unused)
{
    (void)unused;
    for (int fd = 0; fd < 200; fd++)
        need(is_open(fd) == (fd <= 2 || fd == log_fd() || fd == board.wake_front));
}

static void descriptors_are_closed(void **state)
{
    int more[2];

    (void)state;
    assert_int_equal(pipe(more), 0); /* below and above the others */
    int high = dup2(more[0], 150);
    assert_int_equal(end_behind(raise_wall, has_few_descriptors, NULL), 0);
    close(more[0]);
    close(more[1]);
    close(high);
}

static void touches_another_channel(const void *unused)
{
    (void)unused;
    board.channels[SLOT].state->running = 1;
    board.channels[SLOT + 1].state->running = 1;
}

static void touches_samples_of_others(const void *number)
{
    board.own[*(const size_t *)number].samples->tail = 1;
}

static void dies_by_segv(void)
{
    signal(SIGSEGV, SIG_DFL); /* sanitizers would make a report of it */
    raise_wall();
}

static void channels_of_others_are_out_of_reach(void **state)
{
    (void)state;
    int status = end_behind(dies_by_segv, touches_another_channel, NULL);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGSEGV);
    assert_int_equal(board.channels[SLOT].state->running, 1);
    assert_int_equal(board.channels[SLOT + 1].state->running, 0);
    for (size_t i = 0; i < OWN_SOURCES; i++) {
        status = end_behind(dies_by_segv, touches_samples_of_others, &i);
        assert_true(WIFSIGNALED(status));
        assert_int_equal(WTERMSIG(status), SIGSEGV);
        assert_int_equal(board.own[i].samples->tail, 0);
    }
}

static void fails_without_descriptors(const void *unused)
{
    const struct rlimit none = {0, 0};
    struct err err = {.code = ERR_NONE};

    (void)unused;
    need(setrlimit(RLIMIT_NOFILE, &none) == 0);
    need(!worker_wall_raise(&board, SLOT, &err) && strstr(err.text, "/dev/null"));
}

static void nothing(void)
{
}

static void what_is_not_possible_is_told(void **state)
{
    (void)state;
    assert_int_equal(end_behind(nothing, fails_without_descriptors, NULL), 0);
}

static int open_board(void **state)
{
    struct err err;

    (void)state;
    pace_init();
    return switchboard_open(&board, CHANNELS, RECORD_MAX, RECORD_MAX, &err) ? 0 : -1;
}

static int close_board(void **state)
{
    (void)state;
    switchboard_close(&board);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_sockets_programs_and_processes_end_it),
        cmocka_unit_test(ways_into_the_kernel_end_it),
        cmocka_unit_test(computing_is_permitted),
        cmocka_unit_test(the_environment_is_empty_but_for_the_time_zone),
        cmocka_unit_test(the_time_zone_stays),
        cmocka_unit_test(descriptors_are_closed),
        cmocka_unit_test(channels_of_others_are_out_of_reach),
        cmocka_unit_test(what_is_not_possible_is_told),
    };

    return cmocka_run_group_tests(tests, open_board, close_board);
}
