/* process.c - reading /proc. */
/* SPDX-License-Identifier: MIT */
#include "observe/process.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"

/* proc(5): fields of stat, counted from behind the name in parentheses. */
enum { STAT_UTIME = 11, STAT_CUTIME = 13, STAT_BYTES = 1024, SMAPS_BYTES = 2048 };

static struct str read_proc(int32_t pid, const char *file, char *text, size_t room)
{
    char path[64];

    snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, file);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return (struct str){NULL, 0};
    ssize_t len = read(fd, text, room);
    close(fd);
    return (struct str){text, len > 0 ? (size_t)len : 0};
}

static double ticks_at(struct str fields, int first, int count)
{
    int64_t sum = 0, ticks;

    for (int i = 0; i < first + count; i++) {
        struct str field = str_cut(&fields, ' ');

        if (i >= first && str_to_int64(field, 0, INT64_MAX, &ticks))
            sum += ticks;
    }
    return (double)sum / (double)sysconf(_SC_CLK_TCK);
}

static bool read_cpu(int32_t pid, int fields, double *seconds)
{
    char text[STAT_BYTES];
    struct str stat = read_proc(pid, "stat", text, sizeof(text));
    const char *name_end = stat.len ? memrchr(stat.at, ')', stat.len) : NULL;

    if (!name_end || name_end + 2 > stat.at + stat.len)
        return false;
    struct str rest = {name_end + 2, (size_t)(stat.at + stat.len - name_end) - 2};
    *seconds = ticks_at(rest, STAT_UTIME, fields);
    return true;
}

static uint64_t read_memory(int32_t pid)
{
    char text[SMAPS_BYTES];
    struct str rest = read_proc(pid, "smaps_rollup", text, sizeof(text));
    int64_t kib;

    while (rest.len) {
        struct str line = str_cut(&rest, '\n');

        if (!str_starts(line, STR("Pss:")))
            continue;
        struct str value = str_trim((struct str){line.at + 4, line.len - 4});
        if (str_to_int64(str_cut(&value, ' '), 0, INT64_MAX / 1024, &kib))
            return (uint64_t)kib * 1024;
    }
    return 0;
}

static bool read_figures(int32_t pid, int cpu_fields, struct process_figures *f)
{
    f->memory_bytes = read_memory(pid);
    return read_cpu(pid, cpu_fields, &f->cpu_seconds);
}

bool process_read(int32_t pid, struct process_figures *f)
{
    return read_figures(pid, 2, f);
}

bool process_read_front(struct process_figures *f)
{
    return process_read(getpid(), f);
}

bool process_read_supervisor(struct process_figures *f)
{
    return read_figures(getppid(), STAT_CUTIME - STAT_UTIME + 2, f);
}

void process_add(struct process_figures *sum, const struct process_figures *one)
{
    sum->cpu_seconds += one->cpu_seconds;
    sum->memory_bytes += one->memory_bytes;
}

size_t process_open_fds(void)
{
    DIR *dir = opendir("/proc/self/fd");
    size_t count = 0;

    while (dir && readdir(dir))
        count++;
    if (dir)
        closedir(dir);
    return count > 3 ? count - 3 : 0; /* "." and ".." and the directory itself */
}
