/* cgroup_test.c - limits read from trees of files such as hosts and containers have. */
/* SPDX-License-Identifier: MIT */
#include "cases.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cgroup.h"

enum { FILES_MAX = 8, PATH_BYTES = 512 };

static const char none[] = "9223372036854771712\n"; /* as version 1 says it */

struct tree {
    const char *what;
    struct {
        const char *path, *text;
    } files[FILES_MAX];
    double processors;
    uint64_t memory_bytes;
};

static const struct tree trees[] = {
    {"no cgroups", {{NULL, NULL}}, 0, 0},
    {"2, no limits",
     {{"proc/self/cgroup", "0::/\n"},
      {"sys/fs/cgroup/cpu.max", "max 100000\n"},
      {"sys/fs/cgroup/memory.max", "max\n"}},
     0,
     0},
    {"2, a container with its own view",
     {{"proc/self/cgroup", "0::/\n"},
      {"sys/fs/cgroup/cpu.max", "150000 100000\n"},
      {"sys/fs/cgroup/memory.max", "268435456\n"}},
     1.5,
     268435456},
    {"2, a service: what is above counts where it is stricter",
     {{"proc/self/cgroup", "0::/a.slice/b.service\n"},
      {"sys/fs/cgroup/a.slice/cpu.max", "50000 100000\n"},
      {"sys/fs/cgroup/a.slice/memory.max", "2000\n"},
      {"sys/fs/cgroup/a.slice/b.service/cpu.max", "400000 100000\n"},
      {"sys/fs/cgroup/a.slice/b.service/memory.max", "1000\n"}},
     0.5,
     1000},
    {"2, the path of the world outside",
     {{"proc/self/cgroup", "0::/../../kubepods/pod1/c1\n"},
      {"sys/fs/cgroup/cpu.max", "25000 50000\n"},
      {"sys/fs/cgroup/memory.max", "4096\n"}},
     0.5,
     4096},
    {"1, no limits",
     {{"proc/self/cgroup", "4:memory:/\n1:cpu:/\n"},
      {"sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1\n"},
      {"sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n"},
      {"sys/fs/cgroup/memory/memory.limit_in_bytes", none}},
     0,
     0},
    {"1, a container: its cgroup is mounted in place of the first",
     {{"proc/self/cgroup", "5:memory:/docker/0f\n4:cpu,cpuacct:/docker/0f\n0::/docker/0f\n"},
      {"sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "200000\n"},
      {"sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us", "100000\n"},
      {"sys/fs/cgroup/memory/memory.limit_in_bytes", "536870912\n"}},
     2,
     536870912},
    {"1, a service",
     {{"proc/self/cgroup", "5:memory:/a/b\n4:cpu:/a\n1:name=systemd:/a\n"},
      {"sys/fs/cgroup/cpu/a/cpu.cfs_quota_us", "1000\n"},
      {"sys/fs/cgroup/cpu/a/cpu.cfs_period_us", "100000\n"},
      {"sys/fs/cgroup/memory/memory.limit_in_bytes", none},
      {"sys/fs/cgroup/memory/a/memory.limit_in_bytes", "8192\n"},
      {"sys/fs/cgroup/memory/a/b/memory.limit_in_bytes", none}},
     0.01,
     8192},
    {"nonsense",
     {{"proc/self/cgroup", "\n:\n::\n0::relative\nx\n0::/\n"},
      {"sys/fs/cgroup/cpu.max", "100000\n"},
      {"sys/fs/cgroup/memory.max", "many\n"},
      {"sys/fs/cgroup/cpu.cfs_quota_us", "5\n"},
      {"sys/fs/cgroup/cpu.cfs_period_us", "0\n"},
      {"sys/fs/cgroup/memory.limit_in_bytes", "0\n"}},
     0,
     0},
};

static void make_folders(char *path)
{
    for (char *at = path + 1; (at = strchr(at, '/')); at++) {
        *at = '\0';
        mkdir(path, 0700);
        *at = '/';
    }
}

static void write_file(const char *root, const char *path, const char *text)
{
    char whole[PATH_BYTES];

    snprintf(whole, sizeof(whole), "%s/%s", root, path);
    make_folders(whole);
    FILE *file = fopen(whole, "w");
    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
}

static void expect_tree(const struct tree *t)
{
    char root[] = "/tmp/cgroup-XXXXXX", command[PATH_BYTES];

    assert_non_null(mkdtemp(root));
    for (size_t i = 0; i < FILES_MAX && t->files[i].path; i++)
        write_file(root, t->files[i].path, t->files[i].text);
    struct cgroup_limits got = cgroup_limits(root);
    snprintf(command, sizeof(command), "rm -r %s", root);
    assert_int_equal(system(command), 0);
    if (got.processors != t->processors || got.memory_bytes != t->memory_bytes)
        fail_msg("%s: %g processors, %llu bytes", t->what, got.processors,
                 (unsigned long long)got.memory_bytes);
}

static void the_strictest_limit_is_found(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(trees); i++)
        expect_tree(&trees[i]);
}

static size_t processors_with(double limit)
{
    const struct cgroup_limits limits = {.processors = limit};

    return cgroup_processors(&limits);
}

static void processors_are_whole_and_never_more_than_there_are(void **state)
{
    size_t all = processors_with(0);

    (void)state;
    assert_in_range(all, 1, 100000);
    assert_int_equal(processors_with(0.01), 1);
    assert_int_equal(processors_with(1), 1);
    assert_int_equal(processors_with(1.01), all < 2 ? all : 2);
    assert_int_equal(processors_with((double)all), all);
    assert_int_equal(processors_with(1e9), all);
}

static void processors_are_those_it_may_run_on(void **state)
{
    cpu_set_t before, one;

    (void)state;
    assert_int_equal(sched_getaffinity(0, sizeof(before), &before), 0);
    CPU_ZERO(&one);
    for (int i = 0; CPU_COUNT(&one) == 0; i++)
        if (CPU_ISSET((size_t)i, &before))
            CPU_SET((size_t)i, &one);
    assert_int_equal(sched_setaffinity(0, sizeof(one), &one), 0);
    assert_int_equal(processors_with(0), 1);
    assert_int_equal(sched_setaffinity(0, sizeof(before), &before), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_strictest_limit_is_found),
        cmocka_unit_test(processors_are_whole_and_never_more_than_there_are),
        cmocka_unit_test(processors_are_those_it_may_run_on),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
