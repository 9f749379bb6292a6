/* worker_wall.c - the environment, descriptors, limits and system calls of a worker. */
/* SPDX-License-Identifier: MIT */
#include "worker/worker_wall.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "base/pace.h"
#include "base/wall.h"

/* -- System calls ---------------------------------------------------------------------------- */

/* X(system call, what for), those of each call first. */
#define FREE_CALLS(X)                                                                              \
    X(futex, "sleep until there is work; locks of threads")                                        \
    X(getrandom, "a seed for each state")                                                          \
    X(timer_settime, "the next deadline")                                                          \
    X(rt_sigreturn, "from the deadline's signal")                                                  \
    X(sigaltstack, "siglongjmp, as glibc checks it")                                               \
    X(restart_syscall, "what a stop interrupted")                                                  \
    X(rt_sigprocmask, "siglongjmp; threads")                                                       \
    X(clock_gettime, "os.clock; clocks that the vDSO does not read")                               \
    X(nanosleep, "the front's ring is full")                                                       \
    X(clock_nanosleep, "the same, in glibc's words")                                               \
    X(poll, "may a log line be written")                                                           \
    X(ppoll, "the same, on other architectures")                                                   \
    X(sched_yield, "long calls share the processor")                                               \
    X(munmap, "")                                                                                  \
    X(madvise, "memory given back")                                                                \
    X(mprotect, "compiled code, of LuaJIT and pcre2")                                              \
    X(mremap, "malloc")                                                                            \
    X(brk, "malloc")                                                                               \
    X(sched_getaffinity, "malloc, for a thread's arena")                                           \
    X(set_robust_list, "a thread's start")                                                         \
    X(rseq, "a thread's start")                                                                    \
    X(exit, "a thread's end")                                                                      \
    X(exit_group, "")                                                                              \
    X(getpid, "abort")                                                                             \
    X(gettid, "abort")

static bool filter_calls(int bell, struct err *err)
{
    const struct wall_rule rules[] = {
        {.call = "write", .match = {{0, WALL_INT, (uint32_t)bell}}},
        {.call = "write", .match = {{0, WALL_INT, (uint32_t)log_fd()}}},
        {.call = "write", .match = {{0, WALL_INT, STDERR_FILENO}}},
        {.call = "writev", .match = {{0, WALL_INT, STDERR_FILENO}}}, /* glibc's last words */
        {.call = "sched_setattr", .match = {{0, WALL_INT, 0}}},      /* pace_set, of itself */
        {.call = "mmap", .match = {{3, MAP_ANONYMOUS, MAP_ANONYMOUS}}},
        {.call = "clone", .match = {{0, UINT64_MAX, wall_thread_flags}}},
        {.call = "rt_sigaction",
         .match = {{0, WALL_INT, WALL_THREAD_SIGNAL}}},              /* the first thread */
        {.call = "rt_sigaction", .match = {{0, WALL_INT, SIGSEGV}}}, /* a fault is to be fatal */
        {.call = "clone3", .refusal = ENOSYS}, /* its flags lie in memory; glibc then takes clone */
        {.call = "tgkill", .match = {{0, WALL_INT, (uint32_t)getpid()}}}, /* abort */
#define X(name, why) {.call = #name},
        FREE_CALLS(X)
#undef X
    };

    return wall_raise(rules, sizeof(rules) / sizeof(*rules), err);
}

/* -- Limits ---------------------------------------------------------------------------------- */

/* The process stays dumpable, for the front could not read its memory figures else.
 *
 * What is not here and why: each state reserves 1 GiB of addresses and a pool has many, so
 * RLIMIT_AS and RLIMIT_DATA would have to be larger than any machine; the heap counts what is used.
 * RLIMIT_NPROC counts the threads of all processes of the user. RLIMIT_FSIZE would stop lines to a
 * log file, the only file there is. */
static bool lower_limits(struct err *err)
{
    return wall_limit(RLIMIT_NOFILE, wall_files_max, err) && wall_limit(RLIMIT_MEMLOCK, 0, err) &&
           wall_limit(RLIMIT_MSGQUEUE, 0, err);
}

/* -- Environment and descriptors ------------------------------------------------------------- */

/* Also where the kernel put it, for functions that find a way to read memory. What stays is TZ.
 * Without it, libc would look at the file of the zone each time that Lua asks for the local time.
 */
static bool empty_environment(struct err *err)
{
    extern char **environ;
    const char *zone = getenv("TZ");
    char *kept = strdup(zone ? zone : ":/etc/localtime");

    if (!kept)
        return err_set_errno(err, "the time zone");
    for (char **variable = environ; variable && *variable; variable++)
        explicit_bzero(*variable, strlen(*variable));
    clearenv();
    bool ok = setenv("TZ", kept, 1) == 0 || err_set_errno(err, "the time zone");
    free(kept);
    tzset();
    return ok;
}

static bool close_descriptors(int bell, struct err *err)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    int log = log_fd(), last = log > bell ? log : bell;

    if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(null, STDOUT_FILENO) < 0)
        return err_set_errno(err, "/dev/null");
    for (int fd = STDERR_FILENO + 1; fd < last; fd++)
        if (fd != log && fd != bell)
            close(fd);
    closefrom(last + 1);
    return true;
}

bool worker_wall_raise(const struct switchboard *board, size_t slot, struct err *err)
{
    switchboard_keep(board, slot);
    return empty_environment(err) && close_descriptors(board->wake_front, err) &&
           lower_limits(err) && wall_renounce(pace_capabilities(), err) &&
           filter_calls(board->wake_front, err);
}
