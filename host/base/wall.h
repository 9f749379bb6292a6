/* wall.h - giving up for good what a process does not need, so that whoever takes it over has
 * little. */
/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* Bits of an argument that the kernel takes as an int, as it does descriptors and pids. */
#define WALL_INT UINT64_C(0xffffffff)

/* Argument `arg`, from 0, has `value` in the bits of `mask`. A mask of 0 is no condition. */
struct wall_match {
    unsigned arg;
    uint64_t mask, value;
};

enum { WALL_MATCHES = 2 };

/* A system call that may be made, where all of `match` hold. Several rules may name one call: each
 * allows it. With `refusal` it is not made, but fails with that errno. */
struct wall_rule {
    const char *call;
    int refusal;
    struct wall_match match[WALL_MATCHES];
};

/* From now on any system call but those of the rules ends the process with SIGSYS, in all of its
 * threads. The earlier a rule, the shorter its way through the filter; those without a condition
 * need it only once since Linux 5.11, so calls with conditions that are made often come first.
 * Programs built with a sanitizer may also make the calls that its reports need.
 *
 *   fails   ERR_INTERNAL: the kernel has no seccomp, or forbids it
 */
bool wall_raise(const struct wall_rule *rules, size_t count, struct err *err);

/* Keeps those capabilities of `keep` (bits by number) that the process has, and no other; of the
 * calling thread.
 *
 *   fails   ERR_INTERNAL
 */
bool wall_keep_capabilities(uint64_t keep, struct err *err);

/* The same, and: no program that it executes gets more, nor do its children; no core is dumped, for
 * it would hold what clients sent.
 *
 *   fails   ERR_INTERNAL
 */
bool wall_renounce(uint64_t keep, struct err *err);

/* Lowers a limit (RLIMIT_...) for good; one that is lower already stays.
 *
 *   fails   ERR_INTERNAL
 */
bool wall_limit(int resource, uint64_t most, struct err *err);

/* How many descriptors a process may have that opens none: poll() counts the one that it is given.
 * Sanitizers open a file for what they report. */
extern const uint64_t wall_files_max;

/* What pthread_create asks clone for: a thread of this process, nothing else; and the signal of
 * glibc that the first thread sets up. */
extern const uint64_t wall_thread_flags;
enum { WALL_THREAD_SIGNAL = 33 };
