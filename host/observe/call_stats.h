/* call_stats.h - what is counted of a function's calls. */
/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

#include "base/err.h"
#include "observe/histogram.h"

/* Bounds of the exported histogram of call seconds; longer calls are in one more bucket. */
enum { CALL_BUCKET_COUNT = 17 };

enum call_phase { PHASE_QUEUE, PHASE_DEPLOY, PHASE_EXEC, PHASE_UNDEPLOY, PHASE_COUNT };
enum call_start { CALL_COLD, CALL_WARM, CALL_UNSTARTED, CALL_STARTS };

extern const char *const call_phase_names[PHASE_COUNT];
extern const char *const call_start_names[CALL_STARTS];   /* "none": ended before it started */
extern const uint64_t call_buckets_us[CALL_BUCKET_COUNT]; /* upper ones, ascending */

struct call_sample {
    enum call_start start;
    enum err_code outcome;
    uint64_t latency_ns;
    uint64_t phase_ns[PHASE_COUNT];
    uint64_t peak_bytes; /* of its heap; 0: it had none */
};

/* Zeroed is empty. One thread. */
struct call_stats {
    uint64_t outcomes[CALL_STARTS][ERR_COUNT];
    uint64_t buckets[CALL_STARTS][CALL_BUCKET_COUNT + 1]; /* each its own count, not cumulative */
    uint64_t latency_sum_ns[CALL_STARTS];
    uint64_t phase_ns[CALL_STARTS][PHASE_COUNT];
    struct histogram latency;
    uint64_t peak_bytes; /* the most that any call had */
};

void call_stats_add(struct call_stats *stats, const struct call_sample *sample);

/* Calls ended with `start`, of whatever outcome. */
uint64_t call_stats_count(const struct call_stats *stats, enum call_start start);

/* Calls ended with `outcome`, of whatever start. */
uint64_t call_stats_outcome(const struct call_stats *stats, enum err_code outcome);
