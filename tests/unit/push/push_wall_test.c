/* push_wall_test.c - what the pusher may do behind its wall, and what ends it. */
/* SPDX-License-Identifier: MIT */
#include "../base/behind_wall.h"

#include <fcntl.h>
#include <netdb.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include "base/log.h"
#include "push/push_wall.h"

static int pair[2];

static void raise_wall(void)
{
    struct err err;

    log_init("probe", LOG_INFO);
    need(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair) == 0);
    need(push_wall_raise(&err));
}

static void programs_processes_and_changes_end_it(void **state)
{
    static const struct attempt attempts[] = {
        ATTEMPT(execve, 0),
        ATTEMPT(execveat, -1),
        ATTEMPT(fork, 0),
        ATTEMPT_OF_REPORTS(clone, SIGCHLD),
        ATTEMPT_OF_REPORTS(ptrace, 0),
        ATTEMPT(process_vm_readv, PARENT_PID),
        ATTEMPT(process_vm_writev, PARENT_PID),
        ATTEMPT(kill, PARENT_PID, 0),
        ATTEMPT_OF_REPORTS(tgkill, PARENT_PID, PARENT_PID, 0),
        ATTEMPT(pidfd_open, PARENT_PID),
        ATTEMPT(socket, AF_PACKET, SOCK_RAW),
        ATTEMPT(socket, AF_VSOCK, SOCK_STREAM),
        ATTEMPT(listen, 0),
        ATTEMPT(accept4, 0),
        ATTEMPT_OF_REPORTS(openat, AT_FDCWD, 0, O_WRONLY),
        ATTEMPT_OF_REPORTS(openat, AT_FDCWD, 0, O_RDWR),
        ATTEMPT_OF_REPORTS(openat, AT_FDCWD, 0, O_RDONLY | O_CREAT),
        ATTEMPT_OF_REPORTS(openat, AT_FDCWD, 0, O_RDONLY | O_TRUNC),
        ATTEMPT(openat2, AT_FDCWD),
        ATTEMPT(creat, 0),
        ATTEMPT(unlink, 0),
        ATTEMPT(rename, 0),
        ATTEMPT(mkdir, 0),
        ATTEMPT(chmod, 0),
        ATTEMPT(ftruncate, 0),
        ATTEMPT(memfd_create, 0),
        ATTEMPT_OF_REPORTS(prctl, 0),
        ATTEMPT_OF_REPORTS(rt_sigaction, SIGTERM),
        ATTEMPT(mount, 0),
        ATTEMPT(chroot, 0),
        ATTEMPT(unshare, 0),
        ATTEMPT(setns, -1),
        ATTEMPT(setuid, 0),
        ATTEMPT(capset, 0),
        ATTEMPT(seccomp, 99),
        ATTEMPT(bpf, 99),
        ATTEMPT(io_uring_setup, 0),
        ATTEMPT(keyctl, 99),
    };

    (void)state;
    expect_forbidden(raise_wall, attempts, COUNT(attempts));
}

static void *look_up(void *unused)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;

    (void)unused;
    need(getaddrinfo("localhost", "http", &hints, &found) == 0);
    freeaddrinfo(found);
    getaddrinfo("no-such-name.invalid", "http", &hints, &found); /* asks the network */
    return NULL;
}

static void looks_up_names(const void *unused)
{
    pthread_t thread;

    (void)unused;
    need(pthread_create(&thread, NULL, look_up, NULL) == 0);
    need(pthread_join(thread, NULL) == 0);
}

static void reads_files_and_talks(const void *unused)
{
    char text[8];
    int fd = open("/proc/self/stat", O_RDONLY | O_CLOEXEC);

    (void)unused;
    need(fd >= 0 && pread(fd, text, sizeof(text), 0) > 0 && close(fd) == 0);
    need(send(pair[0], "hello", 5, MSG_NOSIGNAL) == 5);
    need(recv(pair[1], text, sizeof(text), MSG_DONTWAIT) == 5);
    fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    need(fd >= 0 && close(fd) == 0);
    log_line(LOG_INFO, "from behind the wall");
    need(log_dropped() == 0);
}

/* As libcurl does, which wakes itself with an eventfd since version 8. */
static void ignores_broken_pipes(const void *unused)
{
    (void)unused;
    need(signal(SIGPIPE, SIG_IGN) != SIG_ERR);
    int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    need(fd >= 0 && close(fd) == 0);
}

static void aborts(const void *unused)
{
    (void)unused;
    abort();
}

static void pushing_is_permitted(void **state)
{
    static const struct permitted list[] = {
        {"names", looks_up_names, 0},
        {"files and sockets", reads_files_and_talks, 0},
        {"libcurl", ignores_broken_pipes, 0},
        {"abort", aborts, SIGABRT},
    };

    (void)state;
    expect_permitted(raise_wall, list, COUNT(list));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(programs_processes_and_changes_end_it),
        cmocka_unit_test(pushing_is_permitted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
