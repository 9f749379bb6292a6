/* behind_wall.h - tables of system calls, each made by a child of its own behind a wall. */
/* SPDX-License-Identifier: MIT */
#pragma once

#include "cases.h"

#include <signal.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* Sanitizers make some calls for their reports: behind their walls nothing is shown by those. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { SANITIZED = true };
#else
enum { SANITIZED = false };
#endif

/* Stand for a process's number where an attempt's arguments have them. */
enum { OWN_PID = -1001, PARENT_PID = -1002 };

struct attempt {
    const char *name;
    long number;
    long args[6];
    bool for_reports; /* allowed to sanitizers */
};

/* Of the calls that only older architectures have, no row is tried on others. */
#ifndef __x86_64__
enum { SYS_arch_prctl = -1, SYS_chmod = -1, SYS_creat = -1, SYS_fork = -1, SYS_iopl = -1 };
enum { SYS_mkdir = -1, SYS_modify_ldt = -1, SYS_open = -1, SYS_rename = -1, SYS_unlink = -1 };
#endif

/* Versions 14 and 19 of clang-format disagree about these. */
/* clang-format off */
#define ATTEMPT(call, ...) {#call, SYS_##call, {__VA_ARGS__}, false}
#define ATTEMPT_OF_REPORTS(call, ...) {#call, SYS_##call, {__VA_ARGS__}, true}
/* clang-format on */

/* Found out before the wall, which may forbid to ask. */
static pid_t own_pid, parent_pid;

/* Behind the wall that `raise_wall` puts up: how the child ends that makes the call, or plays. */
static inline int end_behind(void (*raise_wall)(void), void (*play)(const void *), const void *data)
{
    int status;

    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        own_pid = getpid();
        parent_pid = getppid();
        raise_wall();
        play(data);
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

static inline long argument(long value)
{
    return value == OWN_PID ? own_pid : value == PARENT_PID ? parent_pid : value;
}

static inline void attempt_it(const void *data)
{
    const struct attempt *a = data;

    syscall(a->number, argument(a->args[0]), argument(a->args[1]), a->args[2], a->args[3],
            a->args[4], a->args[5]);
}

static inline void expect_forbidden(void (*raise_wall)(void), const struct attempt *attempts,
                                    size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (attempts[i].number < 0 || (SANITIZED && attempts[i].for_reports))
            continue;
        int status = end_behind(raise_wall, attempt_it, &attempts[i]);

        if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGSYS)
            fail_msg("%s (row %zu): status %#x, not SIGSYS", attempts[i].name, i, status);
    }
}

/* What a process may do behind its wall; `play` ends by _exit(1) when it does not work. */
struct permitted {
    const char *name;
    void (*play)(const void *);
    int signal; /* it ends with, else 0 */
};

static inline void expect_permitted(void (*raise_wall)(void), const struct permitted *list,
                                    size_t count)
{
    for (size_t i = 0; i < count; i++) {
        int status = end_behind(raise_wall, list[i].play, NULL);
        int signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;

        if (signal != list[i].signal || (!signal && WEXITSTATUS(status) != 0))
            fail_msg("%s: status %#x", list[i].name, status);
    }
}

static inline void need(bool works)
{
    if (!works)
        _exit(1);
}
