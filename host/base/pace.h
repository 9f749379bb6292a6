/* pace.h - telling the kernel which processes compute for moments, and which for long. */
/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdint.h>
#include <sys/types.h>

/* PACE_QUICK: a process that is to run at once when it wakes. PACE_LONG: one that computes for
 * longer than a moment and gives way to those, at a tenth of their weight while they want the
 * processor; with a processor to itself it is as fast. */
enum pace { PACE_QUICK, PACE_LONG };

/* Finds out what can be set; in the first process, before it forks the others. A process may come
 * back from a lower priority with RLIMIT_NICE, which root raises here, or CAP_SYS_NICE. Where it
 * may not, PACE_LONG only takes a longer slice of time, which tells since Linux 6.12. */
void pace_init(void);

/* What of its capabilities (bits by number) a process needs for pace_set: none where the limit
 * could be raised. */
uint64_t pace_capabilities(void);

/* Of the calling process. */
void pace_set(enum pace pace);

/* Makes another process PACE_QUICK, for it is to hear a signal soon. */
void pace_hurry(pid_t pid);
