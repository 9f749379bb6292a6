/* uploads_test.c - what goes in comes out; no room; messages that are none; the end. */
/* SPDX-License-Identifier: MIT */
#include "wire/uploads.h"

#include "../base/cases.h"

#include <dirent.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/err.h"

enum { MANY = 1000, BOUND = 20 };

static struct uploads uploads;

static int open_all(void **state)
{
    struct err err = {0};

    (void)state;
    return uploads_open(&uploads, &err) ? 0 : -1;
}

static int close_all(void **state)
{
    (void)state;
    uploads_close(&uploads);
    return 0;
}

static int open_descriptors(void)
{
    DIR *dir = opendir("/proc/self/fd");
    int count = 0;

    assert_non_null(dir);
    while (readdir(dir))
        count++;
    closedir(dir);
    return count;
}

static void expect_next(const char *text, uint64_t from_wall_ms)
{
    struct upload upload;
    char read[64];

    assert_int_equal(uploads_take(&uploads, &upload), UPLOADS_TAKEN);
    assert_int_equal(upload.from_wall_ms, from_wall_ms);
    assert_int_equal(upload.bytes, strlen(text));
    assert_int_equal(pread(upload.fd, read, sizeof(read), 0), strlen(text));
    assert_memory_equal(read, text, strlen(text));
    close(upload.fd);
}

static uint64_t dropped(void)
{
    return uploads.figures->dropped[UPLOAD_BEHIND];
}

static void what_is_sent_comes_in_order(void **state)
{
    struct upload upload;
    int before = open_descriptors();

    (void)state;
    assert_int_equal(uploads_take(&uploads, &upload), UPLOADS_NONE);
    uploads_send(&uploads, STR("one"), 1);
    uploads_send(&uploads, STR("another"), 2);
    expect_next("one", 1);
    uploads_send(&uploads, STR(""), 3);
    expect_next("another", 2);
    expect_next("", 3);
    assert_int_equal(uploads_take(&uploads, &upload), UPLOADS_NONE);
    assert_int_equal(dropped(), 0);
    assert_int_equal(open_descriptors(), before);
}

static void what_finds_no_room_is_counted(void **state)
{
    struct upload upload;
    uint64_t taken = 0;

    (void)state;
    for (int i = 0; i < MANY; i++)
        uploads_send(&uploads, STR("x"), 1);
    assert_in_range(dropped(), MANY - BOUND, MANY - 1);
    while (uploads_take(&uploads, &upload) == UPLOADS_TAKEN) {
        taken++;
        close(upload.fd);
    }
    assert_int_equal(taken + dropped(), MANY);
    uploads_send(&uploads, STR("y"), 2);
    expect_next("y", 2);
}

static void what_is_too_large_is_not_sent(void **state)
{
    struct str large = {calloc(1, UPLOAD_BYTES_MAX + 1), UPLOAD_BYTES_MAX + 1};
    struct upload upload;

    (void)state;
    assert_non_null(large.at);
    uploads_send(&uploads, large, 1);
    assert_int_equal(dropped(), 1);
    large.len--;
    uploads_send(&uploads, large, 1);
    assert_int_equal(dropped(), 1);
    assert_int_equal(uploads_take(&uploads, &upload), UPLOADS_TAKEN);
    assert_int_equal(upload.bytes, UPLOAD_BYTES_MAX);
    close(upload.fd);
    free((void *)large.at);
}

static void messages_that_are_none_are_left_out(void **state)
{
    struct upload upload;

    (void)state;
    assert_int_equal(send(uploads.to_pusher, "x", 1, 0), 1);
    assert_int_equal(send(uploads.to_pusher, "12345678", 8, 0), 8);
    uploads_send(&uploads, STR("one"), 1);
    expect_next("one", 1);
    assert_int_equal(uploads_take(&uploads, &upload), UPLOADS_NONE);
}

static void the_end_comes_after_what_was_sent(void **state)
{
    struct upload upload;

    (void)state;
    uploads_send(&uploads, STR("last"), 1);
    close(uploads.to_pusher);
    uploads.to_pusher = -1;
    expect_next("last", 1);
    assert_int_equal(uploads_take(&uploads, &upload), UPLOADS_END);
    uploads_send(&uploads, STR("late"), 1);
    assert_int_equal(dropped(), 1);
}

static void nobody_to_take_it_is_no_signal(void **state)
{
    (void)state;
    close(uploads.from_front);
    uploads.from_front = -1;
    uploads_send(&uploads, STR("x"), 1);
    assert_int_equal(dropped(), 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_all, close_all)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_is_sent_comes_in_order),       TEST(what_finds_no_room_is_counted),
        TEST(what_is_too_large_is_not_sent),     TEST(messages_that_are_none_are_left_out),
        TEST(the_end_comes_after_what_was_sent), TEST(nobody_to_take_it_is_no_signal),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
