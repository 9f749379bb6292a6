/* process.h - what the kernel says of the server's processes. */
/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct process_figures {
    double cpu_seconds;
    uint64_t memory_bytes; /* proportional: a page that n processes share counts 1/n in each */
};

/* Fills `f` from /proc; false when the process is gone. Never raises, allocates nothing. */
bool process_read(int32_t pid, struct process_figures *f);
bool process_read_front(struct process_figures *f); /* the process that asks */

/* Its parent, with the CPU time of the children that it has waited for. */
bool process_read_supervisor(struct process_figures *f);

void process_add(struct process_figures *sum, const struct process_figures *one);

/* Descriptors that the process that asks has open. */
size_t process_open_fds(void);
