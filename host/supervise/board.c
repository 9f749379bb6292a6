/* board.c - sizes that follow from settings, and from what the system allows. */
/* SPDX-License-Identifier: MIT */
#include "supervise/board.h"

#include "base/cgroup.h"
#include "wire/message.h"

enum { WORKERS_PER_CPU = 4, WORKERS_MAX = BUDGET_SLOTS_MAX, MODULES_MAX = 8 << 20 };

static size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

static size_t worker_count(const struct settings *settings, size_t processors)
{
    if (settings->workers)
        return (size_t)settings->workers;
    size_t count = processors * WORKERS_PER_CPU;
    return count < WORKERS_MAX ? count : WORKERS_MAX;
}

/* The rest is for the processes themselves, and for what clients send and get. */
static uint64_t heaps_bytes(const struct settings *settings, const struct cgroup_limits *limits)
{
    return settings->heaps_mb ? (uint64_t)settings->heaps_mb << 20 : limits->memory_bytes / 4 * 3;
}

bool board_open(struct switchboard *board, const struct settings *settings, struct err *err)
{
    const struct cgroup_limits limits = cgroup_limits("");
    size_t processors = cgroup_processors(&limits);
    size_t reply = (size_t)settings->reply_max, source = (size_t)settings->file_max + MODULES_MAX;
    size_t in = larger(larger((size_t)settings->body_max, reply), source);

    if (!switchboard_open(board, worker_count(settings, processors), in + MESSAGE_EXTRA,
                          larger(reply, MESSAGE_DESCRIPTION_MAX) + MESSAGE_EXTRA, err))
        return false;
    board->processors = processors;
    board->budget->limit_bytes = heaps_bytes(settings, &limits);
    return true;
}
