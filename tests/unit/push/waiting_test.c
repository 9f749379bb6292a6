/* waiting_test.c - the order of uploads that wait, and what goes when there are too many. */
/* SPDX-License-Identifier: MIT */
#include "push/waiting.h"

#include "../base/cases.h"

static struct upload number(int fd)
{
    return (struct upload){.fd = fd};
}

static bool put(struct waiting *w, int fd, int *gone)
{
    struct waiting_upload one = {.upload.fd = -1};
    const struct upload upload = number(fd);
    bool any = waiting_put(w, &upload, &one);

    *gone = one.upload.fd;
    return any;
}

static void expect_taken(struct waiting *w, int fd)
{
    struct waiting_upload one;

    assert_true(waiting_take(w, &one));
    assert_int_equal(one.upload.fd, fd);
}

static void the_oldest_is_taken_first(void **state)
{
    struct waiting w = {.count = 0};
    struct waiting_upload one;
    int gone;

    (void)state;
    assert_false(waiting_take(&w, &one));
    for (int i = 0; i < WAITING_MAX; i++)
        assert_false(put(&w, i, &gone));
    for (int i = 0; i < WAITING_MAX; i++)
        expect_taken(&w, i);
    assert_false(waiting_take(&w, &one));
}

static void the_oldest_goes_for_one_too_many(void **state)
{
    struct waiting w = {.count = 0};
    int gone;

    (void)state;
    for (int i = 0; i < 3 * WAITING_MAX; i++) {
        assert_int_equal(put(&w, i, &gone), i >= WAITING_MAX);
        assert_int_equal(gone, i >= WAITING_MAX ? i - WAITING_MAX : -1);
    }
    for (int i = 2 * WAITING_MAX; i < 3 * WAITING_MAX; i++)
        expect_taken(&w, i);
}

static void one_that_was_taken_comes_back_as_the_first(void **state)
{
    struct waiting w = {.count = 0};
    struct waiting_upload one;
    int gone;

    (void)state;
    for (int i = 0; i < WAITING_MAX; i++)
        put(&w, i, &gone);
    assert_true(waiting_take(&w, &one));
    one.tries = 3;
    assert_true(waiting_put_back(&w, &one));
    one = (struct waiting_upload){.tries = 0};
    assert_true(waiting_take(&w, &one));
    assert_int_equal(one.upload.fd, 0);
    assert_int_equal(one.tries, 3);
    put(&w, WAITING_MAX, &gone);
    assert_false(waiting_put_back(&w, &one));
    expect_taken(&w, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_oldest_is_taken_first),
        cmocka_unit_test(the_oldest_goes_for_one_too_many),
        cmocka_unit_test(one_that_was_taken_comes_back_as_the_first),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
