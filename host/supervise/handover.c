/* handover.c - passing listening sockets through exec, and finding them there. */
/* SPDX-License-Identifier: MIT */
#include "supervise/handover.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/str.h"

enum { FD_FIRST = 3 };

/* -- Taking ---------------------------------------------------------------------------------- */

static bool is_listener(int fd)
{
    int protocol, listens;
    socklen_t len = sizeof(protocol);

    return getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &len) == 0 &&
           protocol == IPPROTO_TCP &&
           getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &len) == 0 && listens;
}

static bool take_listeners(struct handover *h, size_t count, struct err *err)
{
    for (size_t i = 0; i < count; i++) {
        int fd = FD_FIRST + (int)i;

        if (!is_listener(fd))
            return err_set(err, ERR_INTERNAL,
                           "LISTEN_FDS is %zu, but descriptor %d is no TCP socket that listens",
                           count, fd);
        fcntl(fd, F_SETFD, FD_CLOEXEC);
        fcntl(fd, F_SETFL, O_NONBLOCK);
        h->listeners[h->count++] = fd;
    }
    return true;
}

/* A number that a variable has; -1 when it has none within the bounds. */
static int number_of(const char *name, int64_t least, int64_t most)
{
    const char *text = getenv(name);
    int64_t value;

    return text && str_to_int64(str_of(text), least, most, &value) ? (int)value : -1;
}

bool handover_take(struct handover *h, struct err *err)
{
    static const char *const told[] = {"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES",
                                       "FAAS_LAUNCHER"};
    bool ours = number_of("LISTEN_PID", 1, INT32_MAX) == getpid();
    bool any = getenv("LISTEN_FDS") != NULL;
    int count = number_of("LISTEN_FDS", 1, LISTENERS_MAX);
    int launcher = number_of("FAAS_LAUNCHER", FD_FIRST, INT32_MAX);

    *h = (struct handover){.launcher = -1};
    for (size_t i = 0; i < sizeof(told) / sizeof(*told); i++)
        unsetenv(told[i]);
    if (!ours || !any)
        return true;
    if (count < 0)
        return err_set(err, ERR_INTERNAL, "LISTEN_FDS must be a number from 1 to %d",
                       LISTENERS_MAX);
    if (launcher >= 0 && fcntl(launcher, F_SETFD, FD_CLOEXEC) == 0)
        h->launcher = launcher;
    return take_listeners(h, (size_t)count, err);
}

/* -- Giving ---------------------------------------------------------------------------------- */

/* Copies above all the places first, so that none is put where another still is. */
static bool put_in_place(const struct handover *h)
{
    int from[LISTENERS_MAX + 1], count = (int)h->count;

    memcpy(from, h->listeners, h->count * sizeof(*from));
    from[count] = h->launcher;
    for (int i = 0; i <= count; i++)
        if ((from[i] = fcntl(from[i], F_DUPFD_CLOEXEC, FD_FIRST + count + 1)) < 0)
            return false;
    for (int i = 0; i <= count; i++)
        if (dup2(from[i], FD_FIRST + i) < 0)
            return false;
    return true;
}

static bool tell(const char *name, long value)
{
    char text[32];

    snprintf(text, sizeof(text), "%ld", value);
    return setenv(name, text, 1) == 0;
}

void handover_exec(const struct handover *h, const char *program, char **argv)
{
    if (put_in_place(h) && tell("LISTEN_PID", getpid()) && tell("LISTEN_FDS", (long)h->count) &&
        tell("FAAS_LAUNCHER", FD_FIRST + (long)h->count))
        execv(program, argv);
}
