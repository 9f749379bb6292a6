/* walls_test.c - the rehearsal before workers are started. */
/* SPDX-License-Identifier: MIT */
#include "../base/behind_wall.h"

#include <stdlib.h>
#include <sys/prctl.h>

#include "supervise/walls.h"

static const struct switchboard board;

static bool can(const struct switchboard *of, struct err *err)
{
    (void)err;
    return of == &board;
}

static bool cannot(const struct switchboard *of, struct err *err)
{
    (void)of;
    return err_set(err, ERR_INTERNAL, "no such thing here");
}

static bool dies(const struct switchboard *of, struct err *err)
{
    (void)of;
    (void)err;
    signal(SIGSYS, SIG_DFL);
    raise(SIGSYS);
    return true;
}

static void nothing(void)
{
}

static bool raised(void)
{
    return prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1;
}

static void goes_well(const void *unused)
{
    const struct settings settings = {.walls = true};
    struct err err;

    (void)unused;
    need(walls_raise(&settings, &board, can, &err) && raised());
}

static void is_told(const void *unused)
{
    const struct settings settings = {.walls = true};
    struct err err;

    (void)unused;
    need(!walls_raise(&settings, &board, cannot, &err) && !raised());
    need(strstr(err.text, "no such thing here") && strstr(err.text, "--walls=false"));
    need(!walls_raise(&settings, &board, dies, &err) && !raised());
    need(strstr(err.text, "signal 31") && strstr(err.text, "--walls=false"));
}

static void is_not_tried(const void *unused)
{
    const struct settings settings = {.walls = false};
    struct err err;

    (void)unused;
    need(walls_raise(&settings, &board, cannot, &err) && !raised());
}

static void walls_go_up_where_workers_can_have_them(void **state)
{
    (void)state;
    assert_int_equal(end_behind(nothing, goes_well, NULL), 0);
}

static void what_a_worker_cannot_give_up_is_told_at_start(void **state)
{
    (void)state;
    assert_int_equal(end_behind(nothing, is_told, NULL), 0);
}

static void walls_that_are_off_are_not_rehearsed(void **state)
{
    (void)state;
    assert_int_equal(end_behind(nothing, is_not_tried, NULL), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(walls_go_up_where_workers_can_have_them),
        cmocka_unit_test(what_a_worker_cannot_give_up_is_told_at_start),
        cmocka_unit_test(walls_that_are_off_are_not_rehearsed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
