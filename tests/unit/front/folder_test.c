/* folder_test.c - a functions folder: what is found in it, what has changed, what is ignored. */
/* SPDX-License-Identifier: MIT */
#include "folder_fixture.h"

#include <sys/resource.h>

static void expect_error(const char *name, const char *part)
{
    struct file *file = folder_find(&folder, str_of(name));

    if (!file || file->read || !file->error)
        fail_msg("%s has no error", name);
    else
        expect_contains(file->error, part);
}

/* -- Functions ------------------------------------------------------------------------------- */

static void files_are_found_changed_and_removed(void **state)
{
    (void)state;
    assert_int_equal(scan(), 0);
    assert_int_equal(folder.files.count, 0);
    write_text("hash.lua", STR("one"));
    write_text("sort.lua", STR("two"));
    scan();
    expect_text("hash", "one");
    expect_text("sort", "two");
    uint64_t hash = serial_of("hash"), sort = serial_of("sort");
    assert_int_not_equal(hash, sort);
    scan();
    assert_int_equal(serial_of("hash"), hash);
    write_text("hash.lua", STR("three"));
    scan();
    expect_text("hash", "three");
    assert_in_range(serial_of("hash"), sort + 1, UINT64_MAX);
    assert_int_equal(serial_of("sort"), sort);
    assert_int_equal(unlink(path_of("hash.lua")), 0);
    scan();
    assert_null(folder_find(&folder, STR("hash")));
    expect_text("sort", "two");
}

static void a_file_moved_in_place_of_another_is_read(void **state)
{
    (void)state;
    write_text("f.lua", STR("old"));
    scan();
    uint64_t before = serial_of("f");
    write_text("f.lua.new", STR("new"));
    char from[512];
    snprintf(from, sizeof(from), "%s", path_of("f.lua.new"));
    assert_int_equal(rename(from, path_of("f.lua")), 0);
    assert_int_equal(scan(), 0);
    expect_text("f", "new");
    assert_in_range(serial_of("f"), before + 1, UINT64_MAX);
}

static void other_names_are_ignored(void **state)
{
    static const char *const names[] = {".hidden.lua", "f.txt",   "f.lua~", ".lua", "F.lua",
                                        "a b.lua",     "f.lua.x", "_f.lua", "lua",  "f.LUA",
                                        ".f.lua.swp",  "-f.lua",  "a.b.lua"};

    (void)state;
    log_init("probe", LOG_ERROR);
    for (size_t i = 0; i < COUNT(names); i++)
        write_text(names[i], STR("text"));
    write_text("good.lua", STR("text"));
    scan();
    for (size_t i = 0; i < folder.files.count; i++)
        if (folder.files.at[i]->read && strcmp(folder.files.at[i]->name, "good") != 0)
            fail_msg("%s is read", folder.files.at[i]->name);
    assert_null(folder_find(&folder, STR("F")));
    expect_text("good", "text");
}

/* As editors and scripts do it: the same size, and the times put back. */
static void a_rewrite_that_leaves_no_mark_is_noticed_by_its_event(void **state)
{
    struct stat s;

    (void)state;
    write_text("f.lua", STR("aaaa"));
    scan();
    uint64_t before = serial_of("f");
    struct file *file = folder_find(&folder, STR("f"));
    assert_int_equal(stat(path_of("f.lua"), &s), 0);
    write_text("f.lua", STR("bbbb"));
    assert_int_equal(
        utimensat(AT_FDCWD, path_of("f.lua"), (const struct timespec[]){s.st_atim, s.st_mtim}, 0),
        0);
    while (note_events())
        ;
    assert_true(file->told);
    /* also the time of the change of state, which is not to be set from outside */
    assert_int_equal(stat(path_of("f.lua"), &s), 0);
    file->mark.changed_ns = (int64_t)s.st_ctim.tv_sec * (int64_t)NS_PER_S + s.st_ctim.tv_nsec;
    scan();
    expect_text("f", "bbbb");
    assert_int_equal(serial_of("f"), before + 1);
    assert_false(file->told);
}

static void the_same_text_again_is_no_change(void **state)
{
    (void)state;
    write_text("f.lua", STR("text"));
    scan();
    uint64_t before = serial_of("f");
    write_text("f.lua", STR("text"));
    scan();
    assert_int_equal(serial_of("f"), before);
}

static void without_events_marks_tell_what_has_changed(void **state)
{
    struct folder other;
    uint64_t again_ns = 0;

    (void)state;
    folder_init(&other, place, -1, FILE_MOST);
    write_text("f.lua", STR("text"));
    assert_true(folder_scan(&other, &again_ns));
    uint64_t before = folder_find(&other, STR("f"))->serial;
    write_text("f.lua", STR("longer text"));
    assert_true(folder_scan(&other, &again_ns));
    assert_int_equal(folder_find(&other, STR("f"))->serial, before + 1);
    assert_int_equal(again_ns, 0);
    folder_fini(&other);
}

/* A file that is open for writing is left alone until it is closed. */
static void a_file_being_written_is_left_for_later(void **state)
{
    (void)state;
    scan();
    int fd = open(path_of("f.lua"), O_WRONLY | O_CREAT, 0644);
    assert_int_equal(write(fd, "ha", 2), 2);
    uint64_t again_ns = scan();
    assert_in_range(again_ns, clock_now_ns(), clock_now_ns() + NS_PER_S);
    assert_null(folder_find(&folder, STR("f")));
    assert_int_equal(write(fd, "lf", 2), 2);
    close(fd);
    assert_int_equal(scan(), 0);
    expect_text("f", "half");
}

static void what_cannot_be_read_is_told(void **state)
{
    static char large[FILE_MOST + 1];

    (void)state;
    memset(large, ' ', sizeof(large));
    write_text("exact.lua", (struct str){large, FILE_MOST});
    write_text("large.lua", (struct str){large, FILE_MOST + 1});
    assert_int_equal(mkdir(path_of("dir.lua"), 0755), 0);
    assert_int_equal(mkfifo(path_of("fifo.lua"), 0644), 0);
    write_text("locked.lua", STR("text"));
    assert_int_equal(chmod(path_of("locked.lua"), 0), 0);
    scan();
    assert_non_null(folder_find(&folder, STR("exact")));
    assert_true(folder_find(&folder, STR("exact"))->read);
    expect_error("large", "more than 1000 bytes");
    expect_error("dir", "it is no regular file");
    expect_error("fifo", "it is no regular file");
    if (geteuid() != 0)
        expect_error("locked", "it cannot be opened");
    uint64_t before = serial_of("large");
    scan();
    assert_int_equal(serial_of("large"), before);
    write_text("large.lua", STR("small"));
    scan();
    expect_text("large", "small");
}

static void files_past_the_4096th_are_left_out(void **state)
{
    char name[32];
    size_t read = 0;

    (void)state;
    for (int i = 0; i < 4100; i++) {
        snprintf(name, sizeof(name), "f%04d.lua", i);
        write_text(name, STR("text"));
    }
    scan();
    assert_true(folder.files.full);
    for (size_t i = 0; i < folder.files.count; i++) {
        read += folder.files.at[i]->read;
        if (i > 0)
            assert_true(strcmp(folder.files.at[i - 1]->name, folder.files.at[i]->name) < 0);
    }
    assert_int_equal(read, 4096);
    char from[512], first[64];
    snprintf(first, sizeof(first), "%s.lua", folder.files.at[0]->name);
    snprintf(from, sizeof(from), "%s", path_of(first));
    assert_int_equal(rename(from, path_of("another.lua")), 0);
    while (scan() != 0)
        ; /* what makes room goes first, then there is another look */
    assert_int_equal(folder.files.count, 4096);
    for (int i = 0; i < 4100; i++) {
        snprintf(name, sizeof(name), "f%04d.lua", i);
        unlink(path_of(name));
    }
    while (scan() != 0)
        ;
    assert_int_equal(folder.files.count, 1);
    assert_false(folder.files.full);
    expect_text("another", "text");
}

/* How many of the events so far call for a scan. */
static int calling_events(void)
{
    _Alignas(struct inotify_event) char bytes[16384];
    ssize_t len = read(inotify, bytes, sizeof(bytes));
    int calling = 0;

    for (char *p = bytes; len > 0 && p < bytes + len;) {
        struct inotify_event *event = (struct inotify_event *)p;

        calling += folder_note(&folder, event);
        p += sizeof(*event) + event->len;
    }
    return calling;
}

static void events_of_other_files_call_for_no_scan(void **state)
{
    (void)state;
    assert_int_equal(mkdir(path_of("lib"), 0755), 0);
    write_text("notes.txt", STR("1"));
    write_text("lib/notes.txt", STR("1"));
    scan();
    int fd = open(path_of("notes.txt"), O_WRONLY), lib = open(path_of("lib/notes.txt"), O_WRONLY);
    assert_int_equal(write(fd, "2", 1) + write(lib, "2", 1), 2);
    close(fd);
    close(lib);
    assert_int_equal(chmod(path_of("notes.txt"), 0600), 0);
    assert_int_equal(calling_events(), 0);
    assert_int_equal(chmod(path_of("lib"), 0700), 0);
    assert_in_range(calling_events(), 1, 2);
    write_text("lib/m.lua", STR("return 1"));
    assert_in_range(calling_events(), 1, 10);
    assert_int_equal(symlink("nowhere", path_of("link")), 0);
    assert_int_equal(calling_events(), 1);
}

static void a_folder_that_is_not_there_comes_later(void **state)
{
    struct folder later;
    char path[512];
    uint64_t again_ns = 0;

    (void)state;
    snprintf(path, sizeof(path), "%s", path_of("later"));
    folder_init(&later, path, inotify, FILE_MOST);
    assert_false(folder_scan(&later, &again_ns));
    assert_int_equal(mkdir(path, 0755), 0);
    write_text("later/f.lua", STR("text"));
    assert_true(folder_scan(&later, &again_ns));
    assert_non_null(folder_find(&later, STR("f")));
    assert_int_equal(unlink(path_of("later/f.lua")), 0);
    assert_int_equal(rmdir(path), 0);
    assert_false(folder_scan(&later, &again_ns));
    assert_null(folder_find(&later, STR("f")));
    folder_fini(&later);
}

/* Sets how many descriptors this process may have, and returns what was before. */
static rlim_t limit_files(rlim_t most)
{
    struct rlimit limit;

    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    rlim_t before = limit.rlim_cur;
    limit.rlim_cur = most;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    return before;
}

static void without_descriptors_all_stays_as_it_was(void **state)
{
    uint64_t again_ns = 0;

    (void)state;
    assert_int_equal(mkdir(path_of("lib"), 0755), 0);
    assert_int_equal(mkdir(path_of("lib/sub"), 0755), 0);
    write_text("f.lua", STR("old"));
    write_text("lib/sub/m.lua", STR("old"));
    scan();
    uint64_t modules = folder.modules_serial;
    write_text("f.lua", STR("newer"));
    write_text("lib/sub/m.lua", STR("newer"));
    while (note_events())
        ;
    /* none at all; one, which the folder takes and then lib, so that what is in them stays shut */
    for (rlim_t spare = 0; spare < 2; spare++) {
        int next = dup(inotify);
        close(next);
        rlim_t before = limit_files((rlim_t)next + spare);
        assert_false(folder_scan(&folder, &again_ns));
        limit_files(before);
        expect_text("f", "old");
        assert_int_equal(folder.modules.count, 1);
        assert_int_equal(folder.modules_serial, modules);
    }
    assert_int_not_equal(again_ns, 0);
    scan();
    expect_text("f", "newer");
    assert_int_not_equal(folder.modules_serial, modules);
    assert_int_equal(unlink(path_of("lib/sub/m.lua")), 0);
    assert_int_equal(rmdir(path_of("lib/sub")), 0);
    assert_int_equal(rmdir(path_of("lib")), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FOLDER_TEST(files_are_found_changed_and_removed),
        FOLDER_TEST(a_file_moved_in_place_of_another_is_read),
        FOLDER_TEST(other_names_are_ignored),
        FOLDER_TEST(a_rewrite_that_leaves_no_mark_is_noticed_by_its_event),
        FOLDER_TEST(the_same_text_again_is_no_change),
        FOLDER_TEST(without_events_marks_tell_what_has_changed),
        FOLDER_TEST(a_file_being_written_is_left_for_later),
        FOLDER_TEST(what_cannot_be_read_is_told),
        FOLDER_TEST(files_past_the_4096th_are_left_out),
        FOLDER_TEST(events_of_other_files_call_for_no_scan),
        FOLDER_TEST(a_folder_that_is_not_there_comes_later),
        FOLDER_TEST(without_descriptors_all_stays_as_it_was),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
