/* child.c - fork, and the end by SIGKILL. */
/* SPDX-License-Identifier: MIT */
#include "supervise/child.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"

bool child_fork(struct child *child)
{
    pid_t pid = fork();

    if (pid == 0)
        return false;
    if (pid > 0) {
        child->pid = pid;
        restart_begun(&child->restart);
        return true;
    }
    log_line(LOG_ERROR, "fork failed, trying again error=%s", log_quoted(str_of(strerror(errno))));
    restart_later(&child->restart);
    return true;
}

void child_end(struct child *child)
{
    int status;

    child->restart.due_ns = 0;
    if (!child->pid)
        return;
    kill(child->pid, SIGKILL);
    while (waitpid(child->pid, &status, 0) < 0 && errno == EINTR)
        ;
    child->pid = 0;
}
