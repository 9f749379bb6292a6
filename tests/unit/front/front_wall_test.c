/* front_wall_test.c - what the front may do behind its wall, and what ends it. */
/* SPDX-License-Identifier: MIT */
#include "../base/behind_wall.h"

#include <dirent.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>

#include "base/log.h"
#include "front/front_wall.h"

enum { BYTES = 1 << 20 };

static int listener, client, bell, watcher, poller, pair[2];
static timer_t ticks;

/* What the front has opened by then. */
static void raise_wall(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(address);
    struct err err;

    log_init("probe", LOG_INFO);
    listener = socket(AF_INET, SOCK_STREAM, 0);
    client = socket(AF_INET, SOCK_STREAM, 0);
    need(bind(listener, (struct sockaddr *)&address, len) == 0 && listen(listener, 8) == 0);
    need(getsockname(listener, (struct sockaddr *)&address, &len) == 0);
    need(connect(client, (struct sockaddr *)&address, len) == 0);
    need(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair) == 0);
    bell = eventfd(0, EFD_NONBLOCK);
    watcher = inotify_init1(IN_NONBLOCK);
    poller = epoll_create1(0);
    need(timer_create(CLOCK_THREAD_CPUTIME_ID, NULL, &ticks) == 0);
    need(bell >= 0 && watcher >= 0 && poller >= 0);
    need(front_wall_raise(pair[0], &err));
}

static void programs_processes_and_new_sockets_end_it(void **state)
{
    static const struct attempt attempts[] = {
        ATTEMPT(execve, 0),
        ATTEMPT(execveat, -1),
        ATTEMPT(fork, 0),
        ATTEMPT_OF_REPORTS(clone, SIGCHLD),
        ATTEMPT_OF_REPORTS(clone, CLONE_VM | CLONE_SIGHAND | CLONE_THREAD),
        ATTEMPT(clone3, 0),
        ATTEMPT_OF_REPORTS(ptrace, 0),
        ATTEMPT(process_vm_readv, PARENT_PID),
        ATTEMPT(process_vm_writev, PARENT_PID),
        ATTEMPT(kill, PARENT_PID, 0),
        ATTEMPT_OF_REPORTS(tgkill, PARENT_PID, PARENT_PID, 0),
        ATTEMPT(pidfd_open, PARENT_PID),
        ATTEMPT(socket, AF_INET, SOCK_STREAM),
        ATTEMPT(socketpair, AF_UNIX, SOCK_STREAM),
        ATTEMPT(connect, 0),
        ATTEMPT(sendmsg, STDERR_FILENO, 0),
        ATTEMPT(recvmsg, 0),
        ATTEMPT(bind, 0),
        ATTEMPT(listen, 0),
        ATTEMPT_OF_REPORTS(prctl, 0),
        ATTEMPT(mount, 0),
        ATTEMPT(chroot, 0),
        ATTEMPT(unshare, 0),
        ATTEMPT(setns, -1),
        ATTEMPT(setuid, 0),
        ATTEMPT(capset, 0),
        ATTEMPT(seccomp, 99),
        ATTEMPT(bpf, 99),
        ATTEMPT(userfaultfd, 0),
        ATTEMPT(perf_event_open, 0),
        ATTEMPT(io_uring_setup, 0),
        ATTEMPT(keyctl, 99),
        ATTEMPT(init_module, 0),
        ATTEMPT(shmget, 0),
    };

    (void)state;
    expect_forbidden(raise_wall, attempts, COUNT(attempts));
}

static void changing_files_and_new_code_end_it(void **state)
{
    static const struct attempt attempts[] = {
        ATTEMPT_OF_REPORTS(open, 0),
        ATTEMPT_OF_REPORTS(openat, AT_FDCWD, 0, O_WRONLY),
        ATTEMPT_OF_REPORTS(openat, AT_FDCWD, 0, O_RDWR),
        ATTEMPT_OF_REPORTS(openat, AT_FDCWD, 0, O_RDONLY | O_CREAT),
        ATTEMPT_OF_REPORTS(openat, AT_FDCWD, 0, O_RDONLY | O_TRUNC),
        ATTEMPT_OF_REPORTS(openat, AT_FDCWD, 0, O_RDWR | O_TMPFILE),
        ATTEMPT(openat2, AT_FDCWD),
        ATTEMPT(creat, 0),
        ATTEMPT(memfd_create, 0),
        ATTEMPT(unlink, 0),
        ATTEMPT(rename, 0),
        ATTEMPT(mkdir, 0),
        ATTEMPT(chmod, 0),
        ATTEMPT(ftruncate, 0),
        ATTEMPT_OF_REPORTS(ioctl, STDERR_FILENO),
        ATTEMPT_OF_REPORTS(fcntl, STDERR_FILENO, F_SETOWN, 1),
        ATTEMPT_OF_REPORTS(fcntl, STDERR_FILENO, F_DUPFD),
        ATTEMPT_OF_REPORTS(mmap, 0, 4096, PROT_READ, MAP_PRIVATE, 0, 0),
        ATTEMPT_OF_REPORTS(mmap, 0, 4096, PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
        ATTEMPT_OF_REPORTS(mprotect, 0, 4096, PROT_READ | PROT_EXEC),
        ATTEMPT(pkey_mprotect, 0, 4096, PROT_READ | PROT_EXEC, -1),
    };

    (void)state;
    expect_forbidden(raise_wall, attempts, COUNT(attempts));
}

static void serves(const void *unused)
{
    struct epoll_event event = {.events = EPOLLIN};
    const int on = 1;
    char text[8];
    uint64_t one = 1;

    (void)unused;
    need(epoll_ctl(poller, EPOLL_CTL_ADD, listener, &event) == 0);
    need(epoll_wait(poller, &event, 1, 10000) == 1);
    int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    need(fd >= 0 && fcntl(fd, F_SETFL, O_NONBLOCK) == 0);
    need(setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on)) == 0);
    need(write(fd, "hello", 5) == 5 && read(client, text, sizeof(text)) == 5);
    need(shutdown(fd, SHUT_RDWR) == 0 && close(fd) == 0);
    need(write(bell, &one, sizeof(one)) == sizeof(one));
    const struct itimerspec often = {.it_interval.tv_nsec = 10000000};
    need(timer_settime(ticks, 0, &often, NULL) == 0 && timer_delete(ticks) == 0);
    log_line(LOG_INFO, "from behind the wall");
    need(log_dropped() == 0);
}

static void reads_functions(const void *unused)
{
    DIR *dir = opendir("/");
    char text[64];

    (void)unused;
    need(dir != NULL);
    while (readdir(dir))
        ;
    closedir(dir);
    int fd = open("/proc/self/stat", O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    need(fd >= 0 && read(fd, text, sizeof(text)) > 0 && close(fd) == 0);
    int watch = inotify_add_watch(watcher, "/tmp", IN_MOVED_TO | IN_ONLYDIR);
    need(watch >= 0 && inotify_rm_watch(watcher, watch) == 0);
}

static void hands_over_profiles(const void *unused)
{
    char text[8];
    int fd = memfd_create("profiles", MFD_CLOEXEC);
    struct iovec data = {(char *)"hello", 5};
    const struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1};

    (void)unused;
    need(fd >= 0 && write(fd, "x", 1) == 1 && close(fd) == 0);
    need(sendmsg(pair[0], &message, MSG_DONTWAIT | MSG_NOSIGNAL) == 5);
    need(read(pair[1], text, sizeof(text)) == 5);
}

static int compare(const void *a, const void *b)
{
    return memcmp(a, b, 8);
}

static void takes_memory(const void *unused)
{
    char *block = calloc(1, BYTES);

    (void)unused;
    need(block != NULL);
    qsort(block, BYTES / 8, 8, compare);
    block = realloc(block, 4 * (size_t)BYTES);
    need(block != NULL);
    free(block);
}

static void aborts(const void *unused)
{
    (void)unused;
    abort();
}

static pthread_t thread;

/* As the collector's: begun before the wall, it works behind it. */
static void *collect(void *unused)
{
    uint64_t wakes;

    (void)unused;
    need(read(bell, &wakes, sizeof(wakes)) == sizeof(wakes));
    char *block = malloc(BYTES);
    need(block != NULL);
    memset(block, 1, BYTES);
    free(block);
    return NULL;
}

static void raise_wall_beside_a_thread(void)
{
    struct err err;

    bell = eventfd(0, 0);
    need(bell >= 0);
    need(pthread_create(&thread, NULL, collect, NULL) == 0);
    need(front_wall_raise(pair[0], &err));
}

static void ends_thread(const void *unused)
{
    const uint64_t one = 1;

    (void)unused;
    need(write(bell, &one, sizeof(one)) == sizeof(one));
    need(pthread_join(thread, NULL) == 0);
}

static void a_thread_from_before_is_permitted(void **state)
{
    static const struct permitted list[] = {{"a thread", ends_thread, 0}};

    (void)state;
    expect_permitted(raise_wall_beside_a_thread, list, COUNT(list));
}

static void serving_is_permitted(void **state)
{
    static const struct permitted list[] = {
        {"connections", serves, 0},  {"function files", reads_functions, 0},
        {"memory", takes_memory, 0}, {"profiles", hands_over_profiles, 0},
        {"abort", aborts, SIGABRT},
    };

    (void)state;
    expect_permitted(raise_wall, list, COUNT(list));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(programs_processes_and_new_sockets_end_it),
        cmocka_unit_test(changing_files_and_new_code_end_it),
        cmocka_unit_test(serving_is_permitted),
        cmocka_unit_test(a_thread_from_before_is_permitted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
