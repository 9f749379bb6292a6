/* pace.c - nice values, and slices by sched_setattr, which libc has no function for. */
/* SPDX-License-Identifier: MIT */
#include "base/pace.h"

#include <linux/capability.h>
#include <linux/sched.h>
#include <linux/sched/types.h>
#include <stdbool.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/wall.h"

/* The shortest slice that the kernel takes; steps of the nice value that make a tenth. */
enum { QUICK_SLICE_NS = 100000, LONG_STEPS = 10, NICE_MOST = 19, NICE_TO_LIMIT = 20 };

static int quick_nice, long_nice;
static uint64_t capabilities;

/* What root could do by a capability it allows by the limit, so that workers need none; false where
 * it may not. */
static bool raise_limit(void)
{
    const rlim_t least = (rlim_t)(NICE_TO_LIMIT - quick_nice);
    const struct rlimit raised = {least, least};
    struct rlimit limit;

    if (getrlimit(RLIMIT_NICE, &limit) == 0 && limit.rlim_cur >= least)
        return true;
    return setrlimit(RLIMIT_NICE, &raised) == 0;
}

/* Limits, capabilities and namespaces decide; a child that tries knows. */
static bool may_come_back(void)
{
    struct err err;
    int status = 1;
    pid_t pid = fork();

    if (pid == 0)
        _exit(!wall_keep_capabilities(capabilities, &err) ||
              setpriority(PRIO_PROCESS, 0, quick_nice + 1) != 0 ||
              setpriority(PRIO_PROCESS, 0, quick_nice) != 0);
    return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0;
}

void pace_init(void)
{
    quick_nice = long_nice = getpriority(PRIO_PROCESS, 0);
    capabilities = raise_limit() ? 0 : UINT64_C(1) << CAP_SYS_NICE;
    if (quick_nice + LONG_STEPS <= NICE_MOST && may_come_back())
        long_nice += LONG_STEPS;
    else
        capabilities = 0;
}

uint64_t pace_capabilities(void)
{
    return capabilities;
}

static void set(pid_t pid, enum pace pace)
{
    struct sched_attr attr = {.size = sizeof(attr),
                              .sched_flags = SCHED_FLAG_KEEP_POLICY,
                              .sched_nice = pace == PACE_QUICK ? quick_nice : long_nice,
                              .sched_runtime = pace == PACE_QUICK ? QUICK_SLICE_NS : 0};

    syscall(SYS_sched_setattr, pid, &attr, 0);
}

void pace_set(enum pace pace)
{
    set(0, pace);
}

void pace_hurry(pid_t pid)
{
    set(pid, PACE_QUICK);
}
