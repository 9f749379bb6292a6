/* process_test.c - what /proc says of this process, its parent, and one that is gone. */
/* SPDX-License-Identifier: MIT */
#include "../base/cases.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "observe/process.h"

enum { MIB = 1 << 20 };

/* Runs until the process has used `seconds` more; that the figure grows is what ends it. */
static bool cpu_grows(double seconds)
{
    struct process_figures before, now;
    uint64_t give_up = clock_now_ns() + 60 * NS_PER_S;

    assert_true(process_read_front(&before));
    do {
        for (volatile int i = 0; i < 1000000; i++)
            ;
        assert_true(process_read_front(&now));
        assert_true(now.cpu_seconds >= before.cpu_seconds);
        if (now.cpu_seconds >= before.cpu_seconds + seconds)
            return true;
    } while (clock_now_ns() < give_up);
    return false;
}

static void cpu_time_grows_with_work(void **state)
{
    (void)state;
    assert_true(cpu_grows(0.1));
}

static void memory_grows_with_what_is_touched(void **state)
{
    struct process_figures before, touched, after;

    (void)state;
    assert_true(process_read_front(&before));
    assert_in_range(before.memory_bytes, 100 << 10, SIZE_MAX);
    char *memory = mmap(NULL, 32 * MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(memory, MAP_FAILED);
    memset(memory, 1, 32 * MIB);
    assert_true(process_read(getpid(), &touched));
    munmap(memory, 32 * MIB);
    assert_true(process_read(getpid(), &after));
    assert_in_range(touched.memory_bytes, before.memory_bytes + 31 * MIB, SIZE_MAX);
    assert_in_range(after.memory_bytes, 0, touched.memory_bytes - 31 * MIB);
}

static void a_process_that_is_gone_is_told(void **state)
{
    struct process_figures f;
    int status;
    pid_t pid = fork();

    (void)state;
    if (pid == 0)
        _exit(0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_false(process_read(pid, &f));
    assert_false(process_read(-1, &f));
}

/* A child that works asks for its parent's figures: those of this process. */
static void the_supervisor_is_the_parent_with_its_children(void **state)
{
    struct process_figures before;
    int status;

    (void)state;
    assert_true(process_read_front(&before));
    for (int i = 0; i < 2; i++) {
        pid_t pid = fork();

        if (pid == 0) {
            struct process_figures parent;

            if (i == 0)
                _exit(cpu_grows(0.1) ? 0 : 1);
            if (!process_read_supervisor(&parent) || parent.memory_bytes == 0)
                _exit(1);
            _exit(parent.cpu_seconds >= before.cpu_seconds + 0.09 ? 0 : 2);
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_int_equal(status, 0);
    }
}

static void figures_are_added(void **state)
{
    struct process_figures sum = {1.5, 10};

    (void)state;
    process_add(&sum, &(struct process_figures){0.25, 5});
    assert_true(sum.cpu_seconds == 1.75);
    assert_int_equal(sum.memory_bytes, 15);
}

static void open_descriptors_are_counted(void **state)
{
    size_t before = process_open_fds();
    int fds[10];

    (void)state;
    assert_in_range(before, 1, 1000);
    for (size_t i = 0; i < COUNT(fds); i++)
        fds[i] = open("/dev/null", O_RDONLY);
    assert_int_equal(process_open_fds(), before + COUNT(fds));
    for (size_t i = 0; i < COUNT(fds); i++)
        close(fds[i]);
    assert_int_equal(process_open_fds(), before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cpu_time_grows_with_work),
        cmocka_unit_test(memory_grows_with_what_is_touched),
        cmocka_unit_test(a_process_that_is_gone_is_told),
        cmocka_unit_test(the_supervisor_is_the_parent_with_its_children),
        cmocka_unit_test(figures_are_added),
        cmocka_unit_test(open_descriptors_are_counted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
