/* front_wall.c - the front's system calls. */
/* SPDX-License-Identifier: MIT */
#include "front/front_wall.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/wall.h"

/* X(system call, what for), those of each request first. */
#define FREE_CALLS(X)                                                                              \
    X(epoll_wait, "")                                                                              \
    X(epoll_pwait, "the same, on other architectures")                                             \
    X(read, "")                                                                                    \
    X(writev, "")                                                                                  \
    X(write, "the log; other threads' queues of libh2o")                                           \
    X(futex, "workers; threads")                                                                   \
    X(accept4, "")                                                                                 \
    X(setsockopt, "")                                                                              \
    X(epoll_ctl, "")                                                                               \
    X(close, "")                                                                                   \
    X(shutdown, "connections")                                                                     \
    X(getsockname, "connections")                                                                  \
    X(getpeername, "connections")                                                                  \
    X(getsockopt, "connections")                                                                   \
    X(sendto, "the supervisor")                                                                    \
    X(recvfrom, "the supervisor")                                                                  \
    X(poll, "may a log line be written")                                                           \
    X(ppoll, "the same, on other architectures")                                                   \
    X(getrandom, "OpenSSL; jansson")                                                               \
    X(newfstatat, "function files")                                                                \
    X(fstat, "function files")                                                                     \
    X(lseek, "function files")                                                                     \
    X(getdents64, "functions folders")                                                             \
    X(inotify_add_watch, "functions folders")                                                      \
    X(inotify_rm_watch, "functions folders")                                                       \
    X(readlink, "functions folders")                                                               \
    X(readlinkat, "the same, on other architectures")                                              \
    X(getpid, "its own figures")                                                                   \
    X(getppid, "the supervisor's figures")                                                         \
    X(sysinfo, "qsort asks how much memory there is")                                              \
    X(set_robust_list, "the start of a thread")                                                    \
    X(rseq, "the same")                                                                            \
    X(exit, "its end")                                                                             \
    X(clock_gettime, "clocks that the vDSO does not read")                                         \
    X(timer_settime, "the profiler's rate")                                                        \
    X(timer_delete, "its end")                                                                     \
    X(brk, "malloc")                                                                               \
    X(munmap, "malloc")                                                                            \
    X(mremap, "malloc")                                                                            \
    X(madvise, "memory given back")                                                                \
    X(rt_sigprocmask, "abort")                                                                     \
    X(rt_sigreturn, "")                                                                            \
    X(restart_syscall, "what a stop interrupted")                                                  \
    X(gettid, "abort")                                                                             \
    X(exit_group, "")

bool front_wall_raise(int uploads, struct err *err)
{
    const struct wall_rule rules[] = {
        /* reading: O_RDONLY is 0 */
        {.call = "openat", .match = {{2, O_ACCMODE | O_CREAT | O_TRUNC, O_RDONLY}}},
        {.call = "fcntl", .match = {{1, WALL_INT, F_SETFL}}}, /* libh2o: O_NONBLOCK */
        {.call = "fcntl",
         .match = {{1, WALL_INT, F_SETSIG}}}, /* is a function file being written? */
        {.call = "fcntl", .match = {{1, WALL_INT, F_SETLEASE}}},
        {.call = "mmap", .match = {{3, MAP_ANONYMOUS, MAP_ANONYMOUS}, {2, PROT_EXEC, 0}}},
        {.call = "mprotect", .match = {{2, PROT_EXEC, 0}}},
        {.call = "memfd_create", .match = {{1, WALL_INT, MFD_CLOEXEC}}},
        {.call = "sendmsg", .match = {{0, WALL_INT, (uint32_t)uploads}}},
        {.call = "tgkill", .match = {{0, WALL_INT, (uint32_t)getpid()}}}, /* abort */
#define X(name, why) {.call = #name},
        FREE_CALLS(X)
#undef X
    };

    return wall_raise(rules, sizeof(rules) / sizeof(*rules), err);
}
