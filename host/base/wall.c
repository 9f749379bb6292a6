/* wall.c - seccomp filters, capabilities and limits. */
/* SPDX-License-Identifier: MIT */
#include "base/wall.h"

#include <errno.h>
#include <linux/capability.h>
#include <sched.h>
#include <seccomp.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { PRIORITY_MOST = 255, WORD_BITS = 32 };

/* -- Sanitizers ------------------------------------------------------------------------------ */

/* X(system call, what for) of reports, of threads that sanitizers start, and of the search for
 * leaks. No sockets, no programs. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZER_CALLS(X)                                                                         \
    X(openat, "the report; /proc/self; debug information")                                         \
    X(open, "the same")                                                                            \
    X(close, "")                                                                                   \
    X(read, "")                                                                                    \
    X(write, "")                                                                                   \
    X(lseek, "")                                                                                   \
    X(ioctl, "is the report for a terminal?")                                                      \
    X(readlink, "its own name")                                                                    \
    X(newfstatat, "")                                                                              \
    X(fstat, "")                                                                                   \
    X(stat, "")                                                                                    \
    X(lstat, "")                                                                                   \
    X(getdents, "the list of threads")                                                             \
    X(getdents64, "the same")                                                                      \
    X(gettimeofday, "TSan's own thread")                                                           \
    X(mmap, "reserved addresses; debug information")                                               \
    X(mprotect, "")                                                                                \
    X(rt_sigaction, "")                                                                            \
    X(sigaltstack, "")                                                                             \
    X(getpid, "")                                                                                  \
    X(gettid, "")                                                                                  \
    X(getppid, "")                                                                                 \
    X(tgkill, "its other threads")                                                                 \
    X(set_robust_list, "the start of TSan's own thread")                                           \
    X(rseq, "the same")                                                                            \
    X(sched_yield, "locks")                                                                        \
    X(nanosleep, "")                                                                               \
    X(clock_nanosleep, "")                                                                         \
    X(prlimit64, "the size of the stack")                                                          \
    X(getrlimit, "the same")                                                                       \
    X(sched_getaffinity, "the same")                                                               \
    X(fcntl, "debug information")                                                                  \
    X(uname, "")                                                                                   \
    X(pipe2, "is this memory readable?")                                                           \
    X(pipe, "the same")                                                                            \
    X(prctl, "the process that looks for leaks")                                                   \
    X(ptrace, "the same")                                                                          \
    X(wait4, "the same")                                                                           \
    X(clone, "the same")
const uint64_t wall_files_max = 64;
#else
#define SANITIZER_CALLS(X)
const uint64_t wall_files_max = 1;
#endif

const uint64_t wall_thread_flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND |
                                   CLONE_THREAD | CLONE_SYSVSEM | CLONE_SETTLS |
                                   CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID;

static const struct wall_rule sanitizer_rules[] = {
#define X(name, why) {.call = #name},
    SANITIZER_CALLS(X)
#undef X
        {.call = NULL},
};

/* -- System calls ---------------------------------------------------------------------------- */

static bool fail(int code, const char *what, struct err *err)
{
    errno = code;
    return err_set_errno(err, what);
}

static int add_rule(scmp_filter_ctx filter, const struct wall_rule *rule)
{
    uint32_t action = rule->refusal ? SCMP_ACT_ERRNO((uint32_t)rule->refusal) : SCMP_ACT_ALLOW;
    int call = seccomp_syscall_resolve_name(rule->call);
    struct scmp_arg_cmp matches[WALL_MATCHES];
    unsigned count = 0;

    for (; count < WALL_MATCHES && rule->match[count].mask; count++)
        matches[count] = (struct scmp_arg_cmp){rule->match[count].arg, SCMP_CMP_MASKED_EQ,
                                               rule->match[count].mask, rule->match[count].value};
    int failed = seccomp_rule_add_array(filter, action, call, count, matches);

    return failed == -EEXIST ? 0 : failed; /* a wider rule is there */
}

static int add_rules(scmp_filter_ctx filter, const struct wall_rule *rules, size_t count)
{
    int failed = 0;

    for (size_t i = 0; sanitizer_rules[i].call && !failed; i++)
        failed = add_rule(filter, &sanitizer_rules[i]);
    for (size_t i = 0; i < count && !failed; i++) {
        int call = seccomp_syscall_resolve_name(rules[i].call);

        failed = add_rule(filter, &rules[i]);
        if (!failed && i < PRIORITY_MOST)
            failed = seccomp_syscall_priority(filter, call, (uint8_t)(PRIORITY_MOST - i));
    }
    return failed;
}

bool wall_raise(const struct wall_rule *rules, size_t count, struct err *err)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);

    if (!filter)
        return fail(ENOSYS, "seccomp: a filter that ends processes", err);
    seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
    seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);
    seccomp_attr_set(filter, SCMP_FLTATR_API_SYSRAWRC, 1); /* tell what the kernel says */
    int failed = add_rules(filter, rules, count);
    if (!failed)
        failed = seccomp_load(filter);
    seccomp_release(filter);
    return !failed || fail(-failed, "seccomp: loading the filter", err);
}

/* -- Rights ---------------------------------------------------------------------------------- */

bool wall_keep_capabilities(uint64_t keep, struct err *err)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct words[_LINUX_CAPABILITY_U32S_3];

    if (syscall(SYS_capget, &header, words) != 0)
        return err_set_errno(err, "reading capabilities");
    for (int i = 0; i < _LINUX_CAPABILITY_U32S_3; i++) {
        words[i].permitted &= (uint32_t)(keep >> (i * WORD_BITS));
        words[i].effective = words[i].permitted;
        words[i].inheritable = 0;
    }
    if (syscall(SYS_capset, &header, words) != 0)
        return err_set_errno(err, "dropping capabilities");
    return true;
}

bool wall_renounce(uint64_t keep, struct err *err)
{
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return err_set_errno(err, "no_new_privs");
    return wall_limit(RLIMIT_CORE, 0, err) && wall_keep_capabilities(keep, err);
}

bool wall_limit(int resource, uint64_t most, struct err *err)
{
    struct rlimit limit;

    if (getrlimit(resource, &limit) != 0)
        return err_set_errno(err, "reading a limit");
    if (limit.rlim_max > most)
        limit.rlim_max = most;
    if (limit.rlim_cur > most)
        limit.rlim_cur = most;
    return setrlimit(resource, &limit) == 0 || err_set_errno(err, "lowering a limit");
}
