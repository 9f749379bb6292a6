/* push_wall.c - the pusher's system calls. */
/* SPDX-License-Identifier: MIT */
#include "push/push_wall.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/wall.h"

/* X(system call, what for) */
#define FREE_CALLS(X)                                                                              \
    X(poll, "")                                                                                    \
    X(ppoll, "the same, on other architectures")                                                   \
    X(connect, "the server, the name service")                                                     \
    X(bind, "which addresses does this machine have")                                              \
    X(sendto, "")                                                                                  \
    X(recvfrom, "")                                                                                \
    X(sendmsg, "")                                                                                 \
    X(sendmmsg, "the name service")                                                                \
    X(recvmsg, "uploads; the name service")                                                        \
    X(setsockopt, "")                                                                              \
    X(getsockopt, "")                                                                              \
    X(getsockname, "")                                                                             \
    X(getpeername, "")                                                                             \
    X(socketpair, "threads of the name service")                                                   \
    X(eventfd2, "libcurl 8 wakes itself")                                                          \
    X(shutdown, "")                                                                                \
    X(close, "")                                                                                   \
    X(read, "")                                                                                    \
    X(pread64, "uploads")                                                                          \
    X(write, "the log")                                                                            \
    X(writev, "glibc's last words")                                                                \
    X(fcntl, "O_NONBLOCK")                                                                         \
    X(ioctl, "the name service: how much is there to read")                                        \
    X(fstat, "uploads, certificates")                                                              \
    X(newfstatat, "certificates, configuration of the name service")                               \
    X(statx, "the same")                                                                           \
    X(access, "the same")                                                                          \
    X(faccessat, "the same, on other architectures")                                               \
    X(lseek, "")                                                                                   \
    X(getdents64, "")                                                                              \
    X(readlink, "")                                                                                \
    X(readlinkat, "")                                                                              \
    X(uname, "the name service")                                                                   \
    X(sysinfo, "malloc")                                                                           \
    X(getuid, "OpenSSL")                                                                           \
    X(geteuid, "")                                                                                 \
    X(getgid, "")                                                                                  \
    X(getegid, "")                                                                                 \
    X(mmap, "modules of the name service are code")                                                \
    X(mprotect, "the same")                                                                        \
    X(munmap, "")                                                                                  \
    X(mremap, "")                                                                                  \
    X(madvise, "")                                                                                 \
    X(brk, "")                                                                                     \
    X(futex, "")                                                                                   \
    X(set_robust_list, "a thread's start")                                                         \
    X(rseq, "a thread's start")                                                                    \
    X(sched_getaffinity, "malloc, for a thread's arena")                                           \
    X(sched_yield, "")                                                                             \
    X(nanosleep, "")                                                                               \
    X(clock_nanosleep, "")                                                                         \
    X(clock_gettime, "clocks that the vDSO does not read")                                         \
    X(getrandom, "")                                                                               \
    X(rt_sigprocmask, "")                                                                          \
    X(rt_sigreturn, "")                                                                            \
    X(restart_syscall, "what a stop interrupted")                                                  \
    X(getpid, "")                                                                                  \
    X(gettid, "abort")                                                                             \
    X(exit, "a thread's end")                                                                      \
    X(exit_group, "")

bool push_wall_raise(struct err *err)
{
    const struct wall_rule rules[] = {
        /* reading: O_RDONLY is 0 */
        {.call = "openat", .match = {{2, O_ACCMODE | O_CREAT | O_TRUNC, O_RDONLY}}},
        {.call = "socket", .match = {{0, WALL_INT, AF_INET}}},
        {.call = "socket", .match = {{0, WALL_INT, AF_INET6}}},
        {.call = "socket", .match = {{0, WALL_INT, AF_UNIX}}},    /* the name service */
        {.call = "socket", .match = {{0, WALL_INT, AF_NETLINK}}}, /* the same */
        {.call = "clone", .match = {{0, UINT64_MAX, wall_thread_flags}}},
        {.call = "rt_sigaction", .match = {{0, WALL_INT, WALL_THREAD_SIGNAL}}},
        {.call = "rt_sigaction", .match = {{0, WALL_INT, SIGPIPE}}}, /* libcurl, while it sends */
        {.call = "clone3", .refusal = ENOSYS}, /* its flags lie in memory; glibc then takes clone */
        {.call = "tgkill", .match = {{0, WALL_INT, (uint32_t)getpid()}}}, /* abort */
#define X(name, why) {.call = #name},
        FREE_CALLS(X)
#undef X
    };

    return wall_renounce(0, err) && wall_raise(rules, sizeof(rules) / sizeof(*rules), err);
}
