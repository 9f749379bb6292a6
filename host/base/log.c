/* log.c - log lines that never hold up the process that writes them. */
/* SPDX-License-Identifier: MIT */
#include "base/log.h"

#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"

/* PIPE_BUF: a pipe takes a line of this size whole or not at all. */
enum { LINE_MAX_BYTES = 4096, QUOTES = 4 };

/* One thread logs in each process (the only one): no lock. */
static struct {
    const char *process;
    enum log_level least;
    int out;
    uint64_t dropped;
} logger = {"supervisor", LOG_INFO, STDERR_FILENO, 0};

static const char *const names[] = {"debug", "info", "warn", "error"};

/* A pipe is opened once more, for the flags of the first opening are shared with whoever started
 * us: a write to the second one fails where it would wait. */
static int open_pipe_again(void)
{
    struct stat s;

    if (fstat(STDERR_FILENO, &s) != 0 || !S_ISFIFO(s.st_mode))
        return STDERR_FILENO;
    int fd = open("/proc/self/fd/2", O_WRONLY | O_NONBLOCK | O_CLOEXEC);
    return fd < 0 ? logger.out : fd; /* a child may lack the right that its parent had */
}

void log_init(const char *process, enum log_level least)
{
    int out = open_pipe_again();

    if (logger.out != STDERR_FILENO && logger.out != out)
        close(logger.out);
    logger.out = out;
    logger.process = process;
    logger.least = least;
}

bool log_level_parse(struct str word, enum log_level *level)
{
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
        if (str_equal(word, str_of(names[i]))) {
            *level = (enum log_level)i;
            return true;
        }
    return false;
}

const char *log_level_word(enum log_level level)
{
    return names[level];
}

void log_line(enum log_level level, const char *format, ...)
{
    char line[LINE_MAX_BYTES], time[CLOCK_TEXT_SIZE];
    struct pollfd out = {.fd = logger.out, .events = POLLOUT};
    va_list args;

    if (level < logger.least)
        return;
    clock_format(clock_wall_ms(), time);
    int len = snprintf(line, sizeof(line), "%s %-5s %s ", time, names[level], logger.process);
    va_start(args, format);
    len += vsnprintf(line + len, sizeof(line) - (size_t)len, format, args);
    va_end(args);
    if ((size_t)len > sizeof(line) - 1)
        len = (int)sizeof(line) - 1;
    line[len] = '\n';
    if (poll(&out, 1, 0) != 1 || write(logger.out, line, (size_t)len + 1) < 0)
        logger.dropped++;
}

int log_fd(void)
{
    return logger.out;
}

uint64_t log_dropped(void)
{
    return logger.dropped;
}

const char *log_quoted(struct str s)
{
    static struct buf kept[QUOTES];
    static unsigned next;
    struct buf *b = &kept[next++ % QUOTES];

    buf_clear(b);
    buf_put_json(b, s.len > LINE_MAX_BYTES / 2 ? (struct str){s.at, LINE_MAX_BYTES / 2} : s);
    buf_put(b, "", 1);
    return b->at;
}
