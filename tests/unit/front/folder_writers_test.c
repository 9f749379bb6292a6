/* folder_writers_test.c - files that somebody is writing are not read before they are whole. */
/* SPDX-License-Identifier: MIT */
#include "folder_fixture.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

static int open_for_writing(const char *name)
{
    int fd = open(path_of(name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

    assert_true(fd >= 0);
    return fd;
}

static void write_part(int fd, const char *text)
{
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
}

/* As if the last write had been long ago. */
static void let_time_pass(const char *name)
{
    struct file *file = files_find(&folder.files, str_of(name));

    while (note_events())
        ;
    if (file)
        file->busy_until = 0;
}

static void a_new_file_is_read_when_it_is_closed(void **state)
{
    int fd = open_for_writing("f.lua");

    (void)state;
    for (int part = 0; part < 3; part++) {
        write_part(fd, "part ");
        let_time_pass("f");
        assert_int_not_equal(scan(), 0);
        assert_null(folder_find(&folder, STR("f")));
    }
    close(fd);
    assert_int_equal(scan(), 0);
    expect_text("f", "part part part ");
}

static void a_file_that_is_written_over_is_what_it_was_until_then(void **state)
{
    (void)state;
    write_text("f.lua", STR("old"));
    assert_int_equal(scan(), 0);
    uint64_t before = serial_of("f");
    int fd = open_for_writing("f.lua");
    for (int part = 0; part < 3; part++) {
        let_time_pass("f");
        assert_int_not_equal(scan(), 0);
        expect_text("f", "old");
        write_part(fd, "part ");
    }
    assert_int_equal(serial_of("f"), before);
    close(fd);
    assert_int_equal(scan(), 0);
    expect_text("f", "part part part ");
}

static void so_is_one_that_was_moved_here_open(void **state)
{
    char from[512];
    int fd = open_for_writing("f.new");

    (void)state;
    write_part(fd, "half");
    snprintf(from, sizeof(from), "%s", path_of("f.new"));
    assert_int_equal(rename(from, path_of("f.lua")), 0);
    assert_int_not_equal(scan(), 0);
    assert_null(folder_find(&folder, STR("f")));
    write_part(fd, " and half");
    close(fd);
    scan();
    expect_text("f", "half and half");
}

static void so_is_a_module(void **state)
{
    (void)state;
    assert_int_equal(mkdir(path_of("lib"), 0755), 0);
    write_text("lib/m.lua", STR("old"));
    scan();
    uint64_t before = folder.modules_serial;
    int fd = open_for_writing("lib/m.lua");
    while (note_events())
        ;
    folder.modules.at[0]->busy_until = 0;
    assert_int_not_equal(scan(), 0);
    assert_int_equal(folder.modules_serial, before);
    write_part(fd, "new");
    close(fd);
    assert_int_equal(scan(), 0);
    expect_str(buf_str(&folder.modules.at[0]->text), STR("new"));
}

/* The writer waits while the file is read, and no signal about that ends anybody. */
static void who_opens_a_file_while_it_is_read_does_no_harm(void **state)
{
    const struct str whole = STR("0123456789");
    struct files files = {0};
    struct file *file = files_find_or_add(&files, STR("f"));
    int reads = 0;

    (void)state;
    write_text("f.lua", whole);
    pid_t pid = fork();
    if (pid == 0)
        for (prctl(PR_SET_PDEATHSIG, SIGKILL);;)
            write_text("f.lua", whole);
    while (reads < 300) {
        uint64_t again_ns = 0;

        file->busy_until = 0;
        file->told = true;
        file_look_at(file, path_of("f.lua"), FILE_MOST, &again_ns);
        if (again_ns == 0) {
            expect_str(buf_str(&file->text), whole);
            reads++;
        }
    }
    kill(pid, SIGKILL);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    files_fini(&files);
}

/* Where there is no lease to be had: the time of the last write decides. */
static void files_of_another_user_are_left_while_they_are_new(void **state)
{
    static const struct timespec old[2] = {{1, 0}, {1, 0}};

    (void)state;
    if (geteuid() != 0)
        skip();
    assert_int_equal(chmod(place, 0755), 0);
    write_text("f.lua", STR("new"));
    assert_int_equal(seteuid(65534), 0);
    assert_int_not_equal(scan(), 0);
    assert_null(folder_find(&folder, STR("f")));
    assert_int_equal(seteuid(0), 0);
    assert_int_equal(utimensat(AT_FDCWD, path_of("f.lua"), old, 0), 0);
    assert_int_equal(seteuid(65534), 0);
    let_time_pass("f");
    assert_int_equal(scan(), 0);
    expect_text("f", "new");
    assert_int_equal(seteuid(0), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FOLDER_TEST(a_new_file_is_read_when_it_is_closed),
        FOLDER_TEST(a_file_that_is_written_over_is_what_it_was_until_then),
        FOLDER_TEST(so_is_one_that_was_moved_here_open),
        FOLDER_TEST(so_is_a_module),
        FOLDER_TEST(who_opens_a_file_while_it_is_read_does_no_harm),
        FOLDER_TEST(files_of_another_user_are_left_while_they_are_new),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
