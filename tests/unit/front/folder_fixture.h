/* folder_fixture.h - a functions folder of a test's own, and what is found in it. */
/* SPDX-License-Identifier: MIT */
#pragma once

#include "../base/cases.h"

#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "front/folder.h"

enum { FILE_MOST = 1000 };

/* -- A folder of the test's own -------------------------------------------------------------- */

static char place[] = "/tmp/folder_test_XXXXXX";
static struct folder folder;
static int inotify;

static inline const char *path_of(const char *name)
{
    static char path[512];

    snprintf(path, sizeof(path), "%s/%s", place, name);
    return path;
}

static inline void write_text(const char *name, struct str text)
{
    int fd = open(path_of(name), O_WRONLY | O_CREAT | O_TRUNC, 0644);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, text.at, text.len), text.len);
    close(fd);
}

static inline int remove_one(const char *path, const struct stat *s, int type, struct FTW *ftw)
{
    (void)s;
    (void)type;
    (void)ftw;
    return remove(path);
}

static inline int open_folder(void **state)
{
    (void)state;
    memcpy(place + sizeof(place) - 7, "XXXXXX", 6);
    if (!mkdtemp(place))
        return -1;
    log_init("probe", LOG_ERROR);
    inotify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    folder_init(&folder, place, inotify, FILE_MOST);
    return 0;
}

static inline int close_folder(void **state)
{
    (void)state;
    folder_fini(&folder);
    close(inotify);
    return nftw(place, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* Hands the events so far to the folder; false when there was none. */
static inline bool note_events(void)
{
    _Alignas(struct inotify_event) char bytes[16384];
    ssize_t len = read(inotify, bytes, sizeof(bytes));

    for (char *p = bytes; len > 0 && p < bytes + len;) {
        struct inotify_event *event = (struct inotify_event *)p;

        folder_note(&folder, event);
        p += sizeof(*event) + event->len;
    }
    return len > 0;
}

/* Scans; what is being written is left for the time told. */
static inline uint64_t scan(void)
{
    uint64_t again_ns = 0;

    while (note_events())
        ;
    assert_true(folder_scan(&folder, &again_ns));
    return again_ns;
}

static inline uint64_t serial_of(const char *name)
{
    struct file *file = folder_find(&folder, str_of(name));

    return file ? file->serial : 0;
}

static inline void expect_text(const char *name, const char *text)
{
    struct file *file = folder_find(&folder, str_of(name));

    if (!file || !file->read)
        fail_msg("%s is not there: %s", name, file ? file->error : "not found");
    else
        expect_str(buf_str(&file->text), str_of(text));
}

#define FOLDER_TEST(name) cmocka_unit_test_setup_teardown(name, open_folder, close_folder)
