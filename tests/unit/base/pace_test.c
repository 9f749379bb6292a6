/* pace_test.c - a process gives way only where it can come back. */
/* SPDX-License-Identifier: MIT */
#include "cases.h"

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/pace.h"
#include "base/wall.h"

enum { NOBODY = 65534, LONG_STEPS = 10, LIMIT_OF_NICE_0 = 20 };

static int nice_now(void)
{
    return getpriority(PRIO_PROCESS, 0);
}

/* What `play` returns in a child of its own, whose priority is nobody else's. */
static int in_child(int (*play)(void))
{
    int status;
    pid_t pid = fork();

    if (pid == 0)
        _exit(play());
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

/* 0: as it should be; else which step was not. */
static int goes_down_and_comes_back(void)
{
    int before = nice_now();
    struct err err;

    pace_init();
    if (!wall_keep_capabilities(pace_capabilities(), &err))
        return 3;
    for (int i = 0; i < 3; i++) {
        pace_set(PACE_LONG);
        if (nice_now() != before + LONG_STEPS)
            return 1;
        pace_set(PACE_QUICK);
        if (nice_now() != before)
            return 2;
    }
    return 0;
}

/* A child that computes for long, and waits to be made quick by this process. */
static int is_hurried_from_outside(void)
{
    int before = nice_now(), pipes[2];
    char byte;

    pace_init();
    if (pipe(pipes) != 0)
        return 1;
    pid_t pid = fork();
    if (pid == 0) {
        pace_set(PACE_LONG);
        _exit(write(pipes[1], "", 1) != 1 || pause());
    }
    int status = read(pipes[0], &byte, 1) == 1 ? 0 : 2;
    if (getpriority(PRIO_PROCESS, (id_t)pid) != before + LONG_STEPS)
        status = 3;
    pace_hurry(pid);
    if (getpriority(PRIO_PROCESS, (id_t)pid) != before)
        status = 4;
    kill(pid, SIGKILL);
    return waitpid(pid, NULL, 0) == pid ? status : 5;
}

/* 0: the system lets this process come back from a lower priority. */
static int may_not(void)
{
    int before = nice_now();

    return setpriority(PRIO_PROCESS, 0, before + 1) != 0 ||
           setpriority(PRIO_PROCESS, 0, before) != 0;
}

static int stays(void)
{
    int before = nice_now();

    pace_init();
    pace_set(PACE_LONG);
    if (nice_now() != before)
        return 1;
    pace_set(PACE_QUICK);
    if (pace_capabilities() != 0)
        return 4;
    return nice_now() == before ? 0 : 2;
}

static int stays_without_privilege(void)
{
    return setuid(NOBODY) != 0 ? 3 : stays();
}

static int stays_near_the_lowest(void)
{
    int low = nice_now() > LONG_STEPS ? nice_now() : LONG_STEPS; /* the tests may begin below 0 */

    return setpriority(PRIO_PROCESS, 0, low) != 0 ? 3 : stays();
}

static void who_may_come_back_gives_way(void **state)
{
    (void)state;
    if (in_child(may_not))
        skip();
    assert_int_equal(in_child(goes_down_and_comes_back), 0);
    assert_int_equal(in_child(is_hurried_from_outside), 0);
}

/* 0: no capability, as the limit is enough; 1: one, as it is not; else what was wrong. */
static int needs_a_capability(void)
{
    struct rlimit limit;

    pace_init();
    if (getrlimit(RLIMIT_NICE, &limit) != 0)
        return 2;
    bool enough = (int)limit.rlim_cur >= LIMIT_OF_NICE_0 - nice_now();
    if (enough != (pace_capabilities() == 0))
        return 3;
    return enough ? 0 : 1;
}

static void a_capability_is_needed_only_where_the_limit_is_too_low(void **state)
{
    (void)state;
    if (in_child(may_not))
        skip();
    assert_in_range(in_child(needs_a_capability), 0, 1);
}

static void who_may_not_come_back_stays(void **state)
{
    (void)state;
    if (!in_child(may_not) && geteuid() != 0)
        skip();
    assert_int_equal(in_child(geteuid() == 0 ? stays_without_privilege : stays), 0);
}

static void what_is_low_already_stays(void **state)
{
    (void)state;
    assert_int_equal(in_child(stays_near_the_lowest), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_may_come_back_gives_way),
        cmocka_unit_test(a_capability_is_needed_only_where_the_limit_is_too_low),
        cmocka_unit_test(who_may_not_come_back_stays),
        cmocka_unit_test(what_is_low_already_stays),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
