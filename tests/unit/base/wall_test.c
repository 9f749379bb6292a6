/* wall_test.c - rules of a filter, capabilities and limits. */
/* SPDX-License-Identifier: MIT */
#include "behind_wall.h"

#include <errno.h>
#include <linux/capability.h>
#include <pthread.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "base/wall.h"

static const struct wall_rule rules[] = {
    {.call = "exit_group"},
    {.call = "getuid"},
    {.call = "umask", .match = {{0, WALL_INT, 0111}}},
    {.call = "umask", .match = {{0, WALL_INT, 0222}}},
    {.call = "getpriority", .match = {{0, 1, 0}, {1, 6, 4}}},
    {.call = "getsid", .refusal = ENOSYS},
    {.call = "futex"},
    {.call = "rt_sigprocmask"},
    {.call = "exit"},
    {.call = "madvise"},
};

static void raise_wall(void)
{
    struct err err;

    need(wall_raise(rules, COUNT(rules), &err));
}

/* -- Filters --------------------------------------------------------------------------------- */

static void listed(const void *data)
{
    (void)data;
    getuid();
    umask(0111);
    umask(0222);
    syscall(SYS_umask, 0xab00000000L | 0111); /* the kernel sees an int */
    syscall(SYS_getpriority, 2, 4);
    syscall(SYS_getpriority, 0, 13);
    need(syscall(SYS_getsid, 0) == -1 && errno == ENOSYS);
}

static void what_the_rules_say_is_allowed(void **state)
{
    (void)state;
    assert_int_equal(end_behind(raise_wall, listed, NULL), 0);
}

static void all_else_ends_the_process(void **state)
{
    static const struct attempt attempts[] = {
        ATTEMPT(getgid, 0),
        ATTEMPT(geteuid, 0),
        ATTEMPT(umask, 0110),
        ATTEMPT(umask, 0333),
        ATTEMPT(getpriority, 1, 4), /* the first condition fails */
        ATTEMPT(getpriority, 0, 2), /* the second one */
        {"no such call", 100000, {0}, false},
    };

    (void)state;
    expect_forbidden(raise_wall, attempts, COUNT(attempts));
}

#if defined(__x86_64__)
enum { X32 = 0x40000000, GETUID_32 = 24 };

static void call_as_32_bits(const void *data)
{
    long result;

    (void)data;
    __asm__ volatile("int $0x80" : "=a"(result) : "0"(GETUID_32) : "memory");
}

/* Their numbers mean other calls: getuid's is that of sched_yield. */
static void calls_of_other_architectures_end_the_process(void **state)
{
    static const struct attempt x32[] = {{"x32", X32 | SYS_getuid, {0}, false}};

    (void)state;
    expect_forbidden(raise_wall, x32, 1);
    int status = end_behind(raise_wall, call_as_32_bits, NULL);
    assert_true(WIFSIGNALED(status)); /* SIGSEGV where the kernel has none of that */
    assert_true(WTERMSIG(status) == SIGSYS || WTERMSIG(status) == SIGSEGV);
}
#else
static void calls_of_other_architectures_end_the_process(void **state)
{
    (void)state;
    skip(); /* these are those of x86-64 */
}
#endif

static void *make_a_forbidden_call(void *lock)
{
    pthread_mutex_lock(lock);
    getgid();
    return NULL;
}

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_t thread;

static void raise_wall_over_threads(void)
{
    pthread_mutex_lock(&lock);
    need(pthread_create(&thread, NULL, make_a_forbidden_call, &lock) == 0);
    raise_wall();
}

static void let_the_thread_go_on(const void *data)
{
    (void)data;
    pthread_mutex_unlock(&lock);
    pthread_join(thread, NULL);
}

static void threads_that_run_already_are_behind_it_and_end_it_all(void **state)
{
    (void)state;
    int status = end_behind(raise_wall_over_threads, let_the_thread_go_on, NULL);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGSYS);
}

static void no_wall_behind_one_that_forbids_it(void **state)
{
    (void)state;
    int status = end_behind(raise_wall, (void (*)(const void *))raise_wall, NULL);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGSYS);
}

static void a_rule_that_makes_no_sense_is_told(void **state)
{
    static const struct wall_rule wrong[] = {{.call = "no_such_call"}};
    struct err err = {.code = ERR_NONE};

    (void)state;
    assert_false(wall_raise(wrong, 1, &err));
    assert_int_equal(err.code, ERR_INTERNAL);
    expect_contains(err.text, "seccomp");
}

/* -- Rights ---------------------------------------------------------------------------------- */

static void nothing(void)
{
}

static void renounces(const void *data)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct words[_LINUX_CAPABILITY_U32S_3];
    struct rlimit core;
    struct err err;

    (void)data;
    need(wall_renounce(1u << CAP_KILL, &err));
    need(syscall(SYS_capget, &header, words) == 0);
    need((words[0].permitted & ~(1u << CAP_KILL)) == 0 && words[1].permitted == 0);
    need(words[0].effective == words[0].permitted && words[0].inheritable == 0);
    need(geteuid() != 0 || words[0].effective == 1u << CAP_KILL);
    need(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1);
    need(getrlimit(RLIMIT_CORE, &core) == 0 && core.rlim_max == 0);
    need(wall_renounce(0, &err) && syscall(SYS_capget, &header, words) == 0);
    need(words[0].permitted == 0);
    need(wall_renounce(1u << CAP_KILL, &err) && syscall(SYS_capget, &header, words) == 0);
    need(words[0].permitted == 0); /* gone for good */
}

static void rights_go_for_good(void **state)
{
    (void)state;
    assert_int_equal(end_behind(nothing, renounces, NULL), 0);
}

static void lowers_limits(const void *data)
{
    struct rlimit limit;
    struct err err;

    (void)data;
    need(wall_limit(RLIMIT_STACK, 4 << 20, &err));
    need(getrlimit(RLIMIT_STACK, &limit) == 0);
    need(limit.rlim_cur == 4 << 20 && limit.rlim_max == 4 << 20);
    need(wall_limit(RLIMIT_STACK, 8 << 20, &err));
    need(getrlimit(RLIMIT_STACK, &limit) == 0 && limit.rlim_max == 4 << 20);
    need(!wall_limit(-1, 0, &err) && strstr(err.text, "limit"));
}

static void limits_only_go_down(void **state)
{
    (void)state;
    assert_int_equal(end_behind(nothing, lowers_limits, NULL), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_the_rules_say_is_allowed),
        cmocka_unit_test(all_else_ends_the_process),
        cmocka_unit_test(calls_of_other_architectures_end_the_process),
        cmocka_unit_test(threads_that_run_already_are_behind_it_and_end_it_all),
        cmocka_unit_test(no_wall_behind_one_that_forbids_it),
        cmocka_unit_test(a_rule_that_makes_no_sense_is_told),
        cmocka_unit_test(rights_go_for_good),
        cmocka_unit_test(limits_only_go_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
