/* cgroup.h - how much of the machine a container, or a service manager, lets this process have. */
/* SPDX-License-Identifier: MIT */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct cgroup_limits {
    double processors;     /* of time, in a second; 0: no limit */
    uint64_t memory_bytes; /* 0: no limit */
};

/* The strictest limits of this process's cgroups and of those above them, as far as they can be
 * seen from here; of version 1 and 2. `root` stands before /proc and /sys: "", but for tests. */
struct cgroup_limits cgroup_limits(const char *root);

/* How many processors this process can keep busy, at least 1: those it may run on, or fewer where
 * `limits` give less time than that. A part of one counts as one. */
size_t cgroup_processors(const struct cgroup_limits *limits);
