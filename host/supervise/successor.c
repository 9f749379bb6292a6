/* successor.c - starting the next supervisor, and talking to it. */
/* SPDX-License-Identifier: MIT */
#include "supervise/successor.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"

enum { EXIT_NO_EXEC = 127 };

/* -- The program ----------------------------------------------------------------------------- */

static bool is_running_one(const char *path)
{
    struct stat given, running;

    return stat(path, &given) == 0 && stat("/proc/self/exe", &running) == 0 &&
           given.st_dev == running.st_dev && given.st_ino == running.st_ino;
}

void program_find(struct program *program, char **argv)
{
    char here[PATH_MAX] = "";
    const char *name = argv[0] ? argv[0] : "";

    program->argv = argv;
    if (strchr(name, '/') && is_running_one(name) && (name[0] == '/' || getcwd(here, PATH_MAX)) &&
        (size_t)snprintf(program->path, PATH_MAX, "%s%s%s", here, *here ? "/" : "", name) <
            PATH_MAX)
        return;
    ssize_t len = readlink("/proc/self/exe", program->path, PATH_MAX - 1);
    program->path[len > 0 ? len : 0] = '\0';
}

/* -- Start ----------------------------------------------------------------------------------- */

static void become(const struct program *program, const struct handover *handover,
                   const sigset_t *mask, pid_t launcher)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    signal(SIGINT, SIG_IGN); /* for a signal to the whole group may come before it blocks them */
    signal(SIGTERM, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    if (getppid() == launcher) {
        sigprocmask(SIG_SETMASK, mask, NULL);
        handover_exec(handover, program->path, program->argv);
        log_line(LOG_ERROR, "the new process cannot be started program=%s error=%s",
                 log_quoted(str_of(program->path)), log_quoted(str_of(strerror(errno))));
    }
    _exit(EXIT_NO_EXEC);
}

bool successor_start(struct successor *successor, const struct program *program,
                     const struct handover *handover, const sigset_t *mask, int64_t most_ms,
                     struct err *err)
{
    struct handover given = *handover;
    pid_t launcher = getpid();
    int pair[2];

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
        return err_set_errno(err, "socketpair");
    given.launcher = pair[1];
    pid_t pid = fork();
    if (pid == 0)
        become(program, &given, mask, launcher);
    close(pair[1]);
    if (pid < 0) {
        close(pair[0]);
        return err_set_errno(err, "fork");
    }
    *successor = (struct successor){.pid = pid,
                                    .control = pair[0],
                                    .state = SUCCESSOR_STARTING,
                                    .by_ns = clock_now_ns() + (uint64_t)most_ms * NS_PER_MS};
    return true;
}

/* -- Its life -------------------------------------------------------------------------------- */

static void tell(const struct successor *successor, enum control_type type, int32_t status)
{
    const struct control c = {.type = type, .status = status};

    if (send(successor->control, &c, sizeof(c), MSG_NOSIGNAL) != sizeof(c))
        log_line(LOG_WARN, "the successor does not listen pid=%d error=%s", (int)successor->pid,
                 log_quoted(str_of(strerror(errno))));
}

bool successor_is_ready(struct successor *successor)
{
    struct control c = {0};
    bool ready = false;

    while (recv(successor->control, &c, sizeof(c), MSG_DONTWAIT) == (ssize_t)sizeof(c))
        ready |= c.type == CONTROL_READY;
    return ready && successor->state == SUCCESSOR_STARTING;
}

void successor_serve(struct successor *successor, bool shared)
{
    successor->state = SUCCESSOR_SERVING;
    successor->by_ns = 0;
    tell(successor, CONTROL_LISTEN, shared);
}

void successor_end(struct successor *successor, enum control_type how, int64_t most_ms)
{
    successor->state = SUCCESSOR_ENDING;
    successor->by_ns = clock_now_ns() + (uint64_t)most_ms * NS_PER_MS;
    tell(successor, how, 0);
}

void successor_kill(struct successor *successor)
{
    kill(successor->pid, SIGKILL);
    successor->by_ns = 0;
}

void successor_forget(struct successor *successor)
{
    close(successor->control);
    *successor = (struct successor){0};
}
