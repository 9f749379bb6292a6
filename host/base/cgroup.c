/* cgroup.c - reading /proc/self/cgroup, and limits below /sys/fs/cgroup. */
/* SPDX-License-Identifier: MIT */
#include "base/cgroup.h"

#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <unistd.h>

#include "base/str.h"

/* Version 1 says "no limit" by a number of about 2^63. */
enum { LIST_BYTES = 16384, FILE_BYTES = 128, NAME_BYTES = 64 };
static const int64_t memory_most = INT64_MAX / 2;

/* What is in DIR/NAME, to be read into `text`; nothing when there is no such file. */
static struct str read_text(const char *dir, const char *name, char *text, size_t room)
{
    char path[PATH_MAX];

    if (snprintf(path, sizeof(path), "%s/%s", dir, name) >= (int)sizeof(path))
        return (struct str){NULL, 0};
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return (struct str){NULL, 0};
    ssize_t len = read(fd, text, room);
    close(fd);
    return str_trim((struct str){text, len > 0 ? (size_t)len : 0});
}

static void limit_memory(struct cgroup_limits *limits, struct str text)
{
    int64_t bytes;

    if (str_to_int64(text, 1, memory_most, &bytes) &&
        (!limits->memory_bytes || (uint64_t)bytes < limits->memory_bytes))
        limits->memory_bytes = (uint64_t)bytes;
}

static void limit_processors(struct cgroup_limits *limits, struct str quota, struct str period)
{
    int64_t quota_us, period_us;

    if (!str_to_int64(quota, 1, INT64_MAX, &quota_us) ||
        !str_to_int64(period, 1, INT64_MAX, &period_us))
        return;
    double processors = (double)quota_us / (double)period_us;
    if (limits->processors == 0 || processors < limits->processors)
        limits->processors = processors;
}

static void read_limits(struct cgroup_limits *limits, const char *dir)
{
    char text[FILE_BYTES], period[FILE_BYTES];
    struct str both = read_text(dir, "cpu.max", text, sizeof(text));
    struct str quota = str_cut(&both, ' ');

    limit_processors(limits, quota, both);
    limit_memory(limits, read_text(dir, "memory.max", text, sizeof(text)));
    limit_processors(limits, read_text(dir, "cpu.cfs_quota_us", text, sizeof(text)),
                     read_text(dir, "cpu.cfs_period_us", period, sizeof(period)));
    limit_memory(limits, read_text(dir, "memory.limit_in_bytes", text, sizeof(text)));
}

/* Of the cgroup at `path` below the hierarchy at `base`, and of all above it. In a container the
 * path may be that of the world outside, and the own cgroup is then the base. */
static void read_upwards(struct cgroup_limits *limits, const char *base, struct str path)
{
    char dir[PATH_MAX];

    while (path.len > 1 && path.at[0] == '/') {
        if (snprintf(dir, sizeof(dir), "%s%.*s", base, STR_ARG(path)) < (int)sizeof(dir))
            read_limits(limits, dir);
        path.len = (size_t)((const char *)memrchr(path.at, '/', path.len) - path.at);
    }
    read_limits(limits, base);
}

/* "4:memory:/some/path"; version 2 has no name. */
static void read_line(struct cgroup_limits *limits, const char *root, struct str line)
{
    char base[PATH_MAX];

    str_cut(&line, ':');
    struct str name = str_cut(&line, ':');
    if (!line.at || name.len > NAME_BYTES)
        return;
    int len = snprintf(base, sizeof(base), "%s/sys/fs/cgroup%s%.*s", root, name.len ? "/" : "",
                       STR_ARG(name));
    if (len < (int)sizeof(base))
        read_upwards(limits, base, line);
}

struct cgroup_limits cgroup_limits(const char *root)
{
    struct cgroup_limits limits = {0, 0};
    char proc[PATH_MAX], text[LIST_BYTES];

    snprintf(proc, sizeof(proc), "%s/proc/self", root);
    struct str rest = read_text(proc, "cgroup", text, sizeof(text));
    while (rest.len)
        read_line(&limits, root, str_cut(&rest, '\n'));
    return limits;
}

size_t cgroup_processors(const struct cgroup_limits *limits)
{
    long all = sysconf(_SC_NPROCESSORS_ONLN);
    size_t count = all > 0 ? (size_t)all : 1;
    cpu_set_t set;

    if (sched_getaffinity(0, sizeof(set), &set) == 0 && CPU_COUNT(&set) < (int)count)
        count = (size_t)CPU_COUNT(&set);
    if (limits->processors > 0 && limits->processors < (double)count)
        count =
            (size_t)limits->processors + (limits->processors > (double)(size_t)limits->processors);
    return count;
}
