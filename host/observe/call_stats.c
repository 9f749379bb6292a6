/* call_stats.c - counting calls. */
/* SPDX-License-Identifier: MIT */
#include "observe/call_stats.h"

#include "base/clock.h"

const char *const call_phase_names[PHASE_COUNT] = {"queue", "deploy", "exec", "undeploy"};
const char *const call_start_names[CALL_STARTS] = {"cold", "warm", "none"};
const uint64_t call_buckets_us[CALL_BUCKET_COUNT] = {
    50,    100,    250,    500,    1000,    2500,    5000,    10000,    25000,
    50000, 100000, 250000, 500000, 1000000, 2500000, 5000000, 10000000,
};

void call_stats_add(struct call_stats *stats, const struct call_sample *sample)
{
    enum call_start start = sample->start;
    unsigned bucket = 0;

    while (bucket < CALL_BUCKET_COUNT && sample->latency_ns > call_buckets_us[bucket] * NS_PER_US)
        bucket++;
    stats->outcomes[start][sample->outcome]++;
    stats->buckets[start][bucket]++;
    stats->latency_sum_ns[start] += sample->latency_ns;
    for (int i = 0; i < PHASE_COUNT; i++)
        stats->phase_ns[start][i] += sample->phase_ns[i];
    if (sample->peak_bytes > stats->peak_bytes)
        stats->peak_bytes = sample->peak_bytes;
    histogram_add(&stats->latency, sample->latency_ns);
}

uint64_t call_stats_count(const struct call_stats *stats, enum call_start start)
{
    uint64_t count = 0;

    for (int i = 0; i < ERR_COUNT; i++)
        count += stats->outcomes[start][i];
    return count;
}

uint64_t call_stats_outcome(const struct call_stats *stats, enum err_code outcome)
{
    uint64_t count = 0;

    for (int i = 0; i < CALL_STARTS; i++)
        count += stats->outcomes[i][outcome];
    return count;
}
