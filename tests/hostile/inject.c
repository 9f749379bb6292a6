/* inject.c - makes another process make a system call; runs a program that has no seccomp. */
/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ARGUMENTS = 6, SYSCALL_INSTRUCTION = 0x050f, NO_ACCESS = 3, SIGNALS_MAX = 100 };

static int fail(const char *what)
{
    fprintf(stderr, "%s: %s\n", what, strerror(errno));
    return 1;
}

/* -- A call of another process --------------------------------------------------------------- */

static void set_call(struct user_regs_struct *regs, unsigned long long number,
                     const unsigned long long *args)
{
    regs->rax = number;
    regs->orig_rax = (unsigned long long)-1; /* no call that was interrupted is made again */
    regs->rdi = args[0];
    regs->rsi = args[1];
    regs->rdx = args[2];
    regs->r10 = args[3];
    regs->r8 = args[4];
    regs->r9 = args[5];
}

/* One instruction. Signals that come before it are dropped, and so is the stop that was asked for
 * where a signal's came first: it has an event above the SIGTRAP that a step ends with. */
static bool step(pid_t pid, int *status)
{
    for (int i = 0; i < SIGNALS_MAX; i++) {
        if (ptrace(PTRACE_SINGLESTEP, pid, NULL, 0) != 0 || waitpid(pid, status, __WALL) != pid)
            return false;
        if (!WIFSTOPPED(*status) || *status >> 8 == SIGTRAP)
            return true;
    }
    return false;
}

/* The instruction replaces what comes next, for one step; then all is as before. */
static int make_call(pid_t pid, unsigned long long number, const unsigned long long *args)
{
    struct user_regs_struct before, regs;
    int status;

    if (ptrace(PTRACE_GETREGS, pid, NULL, &before) != 0)
        return fail("registers");
    errno = 0;
    long code = ptrace(PTRACE_PEEKTEXT, pid, before.rip, NULL);
    if (errno)
        return fail("code");
    regs = before;
    set_call(&regs, number, args);
    if (ptrace(PTRACE_POKETEXT, pid, before.rip, (code & ~0xffffL) | SYSCALL_INSTRUCTION) != 0 ||
        ptrace(PTRACE_SETREGS, pid, NULL, &regs) != 0 || !step(pid, &status))
        return fail("step");
    if (WIFSIGNALED(status)) {
        printf("signal %d\n", WTERMSIG(status));
        return 0;
    }
    if (ptrace(PTRACE_GETREGS, pid, NULL, &regs) != 0)
        return fail("result");
    printf("result %lld\n", (long long)regs.rax);
    if (ptrace(PTRACE_POKETEXT, pid, before.rip, code) != 0 ||
        ptrace(PTRACE_SETREGS, pid, NULL, &before) != 0 || ptrace(PTRACE_DETACH, pid, NULL, 0) != 0)
        return fail("detach");
    return 0;
}

static int inject(pid_t pid, unsigned long long number, const unsigned long long *args)
{
    int status;

    if (ptrace(PTRACE_SEIZE, pid, NULL, 0) != 0) {
        int why = errno;

        fail("attach");
        return why == EPERM ? NO_ACCESS : 1;
    }
    if (ptrace(PTRACE_INTERRUPT, pid, NULL, 0) != 0 || waitpid(pid, &status, __WALL) != pid)
        return fail("stop");
    return make_call(pid, number, args);
}

/* -- A machine without seccomp --------------------------------------------------------------- */

/* As a container's policy does it: seccomp() fails with EPERM. */
static int run_without_seccomp(char **command)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_seccomp, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    const struct sock_fprog program = {.len = sizeof(code) / sizeof(*code), .filter = code};

    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0)
        return fail("filter");
    execv(command[0], command);
    return fail(command[0]);
}

int main(int argc, char **argv)
{
    unsigned long long args[ARGUMENTS] = {0};

    if (argc > 2 && strcmp(argv[1], "without-seccomp") == 0)
        return run_without_seccomp(argv + 2);
    if (argc < 4 || argc > 4 + ARGUMENTS || strcmp(argv[1], "call") != 0) {
        fprintf(stderr, "inject call PID NUMBER [ARGUMENT ...]\n"
                        "inject without-seccomp PROGRAM [ARGUMENT ...]\n");
        return 2;
    }
    for (int i = 4; i < argc; i++)
        args[i - 4] = strtoull(argv[i], NULL, 0);
    return inject((pid_t)strtol(argv[2], NULL, 10), strtoull(argv[3], NULL, 0), args);
}
