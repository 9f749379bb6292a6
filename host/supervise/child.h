/* child.h - a process that the supervisor forks, and forks anew when it dies. */
/* SPDX-License-Identifier: MIT */
#pragma once

#include "supervise/restart.h"

/* Zeroed: none runs. */
struct child {
    pid_t pid; /* 0: none runs */
    uint32_t generation;
    struct restart restart;
};

/* False in the new process. In the supervisor true: it runs, or, without a pid, the fork failed and
 * is due again later. */
bool child_fork(struct child *child);

/* Kills it and waits for that; it is not due any more. */
void child_end(struct child *child);
