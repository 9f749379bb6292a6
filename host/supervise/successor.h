/* successor.h - a supervisor that was started anew, from the binary and settings there are now. */
/* SPDX-License-Identifier: MIT */
#pragma once

#include <limits.h>
#include <signal.h>

#include "supervise/handover.h"
#include "wire/control.h"

/* What a successor is started from. */
struct program {
    char path[PATH_MAX];
    char **argv;
};

enum successor_state { SUCCESSOR_STARTING, SUCCESSOR_SERVING, SUCCESSOR_ENDING };

struct successor {
    pid_t pid; /* 0: none */
    int control;
    enum successor_state state;
    uint64_t by_ns; /* when it is ended by SIGKILL; 0: never */
};

/* Where the binary of this process lies, as it was called, so that a link in that path may come to
 * lead to another one. */
void program_find(struct program *program, char **argv);

/* Forks and becomes the program, which has `most_ms` to say that it is ready.
 *
 *   fails   ERR_INTERNAL: no process, no descriptors
 */
bool successor_start(struct successor *successor, const struct program *program,
                     const struct handover *handover, const sigset_t *mask, int64_t most_ms,
                     struct err *err);

/* Reads what it said; true when that was CONTROL_READY. */
bool successor_is_ready(struct successor *successor);

/* It takes connections from now on; `shared` as of family_listen. */
void successor_serve(struct successor *successor, bool shared);

/* Tells it to end by CONTROL_DRAIN or CONTROL_RETIRE within `most_ms`. */
void successor_end(struct successor *successor, enum control_type how, int64_t most_ms);
void successor_kill(struct successor *successor);

/* It has died. */
void successor_forget(struct successor *successor);
