/* restart.h - when a process that died is started again. */
/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Zeroed is never. */
struct restart {
    uint64_t started_ns, due_ns; /* due_ns: 0 unless a start is due then */
    unsigned quick_deaths;
};

void restart_begun(struct restart *restart);

/* It died: at once, or after a pause when it keeps dying soon after its start. */
void restart_after_death(struct restart *restart);

/* It could not be started: after a pause. */
void restart_later(struct restart *restart);

bool restart_is_due(const struct restart *restart, uint64_t now_ns);

/* The earlier of two times, of which 0 is never. */
uint64_t restart_first(uint64_t a_ns, uint64_t b_ns);

/* `status` as of waitpid. */
void restart_log_death(const char *what, pid_t pid, int status);
