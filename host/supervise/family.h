/* family.h - a front, its workers and a pusher: started together, and replaced when they die. */
/* SPDX-License-Identifier: MIT */
#pragma once

#include <signal.h>
#include <sys/types.h>

#include "base/settings.h"
#include "wire/control.h"

struct roles;

/* What the family of a process is made from; lives as long as that. */
struct origin {
    const struct settings *settings;
    const struct roles *roles;
    const int *listeners;
    size_t listener_count;
    sigset_t mask;          /* of signals, in its members */
    void (*in_child)(void); /* closes what the supervisor alone shall have */
    const void *frame;      /* where stacks of the supervisor begin */
};

/* Makes the channels, for a process's only family.
 *
 *   thread  the process's only one
 *   fails   ERR_INTERNAL: no memory, no descriptors
 */
bool family_open(const struct origin *origin, struct err *err);

/* Starts what is due now. A child that was forked returns from here too: family_is_child. */
void family_start(void);

/* In a child process; `*status` is what it shall exit with. */
bool family_is_child(int *status);

/* When family_start has something to do; 0: never. */
uint64_t family_due_ns(void);

/* The control socket of the front, or -1; and what to do when it can be read. */
int family_fd(void);
void family_read(void);

/* The front that runs, and those that follow it, take connections from now on. `shared`: the
 * sockets live on after this server. */
void family_listen(bool shared);

/* A front said CONTROL_READY. */
bool family_is_ready(void);

/* Takes note of a death; false when the dead was none of the family. */
bool family_lost(pid_t pid, int status);

/* Tells the front to end by CONTROL_DRAIN or CONTROL_RETIRE, and gives it the time of drain_ms and
 * some more. Without a front, which will not be replaced, the pusher ends in what is left of that
 * time, and then the family is gone. */
void family_end(enum control_type how);
void family_kill(void);
bool family_is_ending(void);

/* There are members, or will be. */
bool family_is_there(void);
size_t family_workers(void);
