/* metrics.c - writing the figures of functions, pools, queue and processes. */
/* SPDX-License-Identifier: MIT */
#include "front/metrics.h"

#include "base/clock.h"
#include "base/log.h"
#include "front/ahead.h"
#include "front/exchange.h"
#include "front/pools.h"
#include "front/profiles.h"
#include "front/registry.h"
#include "observe/process.h"

/* -- Functions ------------------------------------------------------------------------------- */

/* One metric over all functions: its head once, then each function's lines. */
static void put_metric(struct buf *b, const char *name, const char *type, const char *help,
                       void (*put)(struct func *, void *))
{
    buf_format(b, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
    registry_each(put, b);
}

static void put_outcomes(struct func *func, void *data)
{
    struct buf *b = data;

    for (int start = 0; start < CALL_STARTS; start++)
        for (int code = 0; code < ERR_COUNT; code++)
            if (func->stats.outcomes[start][code])
                buf_format(b,
                           "faas_calls_total{function=\"%s\",start=\"%s\",outcome=\"%s\"} %llu\n",
                           func->name, call_start_names[start], err_word((enum err_code)code),
                           (unsigned long long)func->stats.outcomes[start][code]);
}

static void put_buckets(struct buf *b, const struct func *func, int start)
{
    unsigned long long sum = 0;

    for (int i = 0; i < CALL_BUCKET_COUNT; i++) {
        sum += func->stats.buckets[start][i];
        buf_format(b, "faas_call_seconds_bucket{function=\"%s\",start=\"%s\",le=\"%g\"} %llu\n",
                   func->name, call_start_names[start], (double)call_buckets_us[i] / 1e6, sum);
    }
    sum += func->stats.buckets[start][CALL_BUCKET_COUNT];
    buf_format(b, "faas_call_seconds_bucket{function=\"%s\",start=\"%s\",le=\"+Inf\"} %llu\n",
               func->name, call_start_names[start], sum);
    buf_format(b, "faas_call_seconds_sum{function=\"%s\",start=\"%s\"} %.9f\n", func->name,
               call_start_names[start],
               (double)func->stats.latency_sum_ns[start] / (double)NS_PER_S);
    buf_format(b, "faas_call_seconds_count{function=\"%s\",start=\"%s\"} %llu\n", func->name,
               call_start_names[start], sum);
}

static void put_histogram(struct func *func, void *data)
{
    for (int start = 0; start < CALL_STARTS; start++)
        if (call_stats_count(&func->stats, (enum call_start)start))
            put_buckets(data, func, start);
}

static void put_phases(struct func *func, void *data)
{
    for (int start = 0; start < CALL_UNSTARTED; start++)
        for (int phase = 0; phase < PHASE_COUNT; phase++)
            if (call_stats_count(&func->stats, (enum call_start)start))
                buf_format(data,
                           "faas_phase_seconds_total{function=\"%s\",start=\"%s\",phase=\"%s\"} "
                           "%.9f\n",
                           func->name, call_start_names[start], call_phase_names[phase],
                           (double)func->stats.phase_ns[start][phase] / (double)NS_PER_S);
}

static void put_in_flight(struct func *func, void *data)
{
    buf_format(data, "faas_calls_in_flight{function=\"%s\"} %u\n", func->name, func->in_flight);
}

static void put_pool_size(struct func *func, void *data)
{
    if (func->pool_target)
        buf_format(data, "faas_pool_size{function=\"%s\"} %zu\n", func->name,
                   pools_figures(func).size);
}

static void put_pool_idle(struct func *func, void *data)
{
    struct pool_figures f = pools_figures(func);

    if (func->pool_target)
        buf_format(data, "faas_pool_idle{function=\"%s\"} %zu\n", func->name, f.size - f.in_use);
}

static void put_pool_hits(struct func *func, void *data)
{
    if (func->pool_hits || func->pool_misses || func->pool_target)
        buf_format(data, "faas_pool_hits_total{function=\"%s\"} %llu\n", func->name,
                   (unsigned long long)func->pool_hits);
}

static void put_pool_misses(struct func *func, void *data)
{
    if (func->pool_hits || func->pool_misses || func->pool_target)
        buf_format(data, "faas_pool_misses_total{function=\"%s\"} %llu\n", func->name,
                   (unsigned long long)func->pool_misses);
}

static void put_functions(struct buf *b)
{
    put_metric(b, "faas_calls_total", "counter",
               "Calls ended, by start (none: ended before one) and outcome (ok or an error code).",
               put_outcomes);
    put_metric(b, "faas_call_seconds", "histogram", "Time from a call's arrival to its end.",
               put_histogram);
    put_metric(b, "faas_phase_seconds_total", "counter",
               "Time calls spent in the phases of their life.", put_phases);
    put_metric(b, "faas_calls_in_flight", "gauge", "Calls admitted and not yet ended.",
               put_in_flight);
    put_metric(b, "faas_pool_size", "gauge", "Warm instances.", put_pool_size);
    put_metric(b, "faas_pool_idle", "gauge", "Warm instances that serve no call.", put_pool_idle);
    put_metric(b, "faas_pool_hits_total", "counter",
               "Calls that wanted a warm start and found an idle instance.", put_pool_hits);
    put_metric(b, "faas_pool_misses_total", "counter",
               "Calls that wanted a warm start and had to start cold.", put_pool_misses);
}

/* -- Server ---------------------------------------------------------------------------------- */

static void put_one(struct buf *b, const char *name, const char *type, const char *help,
                    double value)
{
    buf_format(b, "# HELP %s %s\n# TYPE %s %s\n%s %.15g\n", name, help, name, type, name, value);
}

static double never_less(double *most, double value)
{
    *most = value > *most ? value : *most;
    return *most;
}

static void put_processes(struct buf *b)
{
    static double most; /* a worker that dies between two reads is missed by both */
    struct process_figures sum = {0}, one;

    if (process_read_front(&one))
        process_add(&sum, &one);
    if (process_read_supervisor(&one))
        process_add(&sum, &one);
    if (crew.board->uploads &&
        process_read(atomic_load(&crew.board->uploads->figures->pusher), &one))
        process_add(&sum, &one);
    for (size_t i = 0; i < crew.count; i++)
        if (crew.members[i].pid && process_read(crew.members[i].pid, &one))
            process_add(&sum, &one);
    put_one(b, "process_cpu_seconds_total", "counter",
            "CPU time of all processes of the server, past ones too.",
            never_less(&most, sum.cpu_seconds));
    put_one(b, "process_resident_memory_bytes", "gauge",
            "Memory of all processes of the server; pages that they share count once.",
            (double)sum.memory_bytes);
    put_one(b, "process_open_fds", "gauge", "Open descriptors of the front.",
            (double)process_open_fds());
}

/* -- Profiler -------------------------------------------------------------------------------- */

/* Counters of struct sampling; `parts` make one of the figure. */
static const struct tally {
    const char *name, *help;
    size_t counter;
    double parts;
} tallies[] = {
    {"faas_profile_ticks_total", "Ticks of the profiler's timers.",
     offsetof(struct sampling, ticks), 1},
    {"faas_profile_completed_total", "Samples that were taken.",
     offsetof(struct sampling, completed), 1},
    {"faas_profile_dropped_total", "Samples that there was no room for.",
     offsetof(struct sampling, dropped), 1},
    {"faas_profile_unattributed_total", "Samples of Lua code whose stack was gone.",
     offsetof(struct sampling, unattributed), 1},
    {"faas_profile_handler_seconds_total", "Time spent in the profiler's signal handlers.",
     offsetof(struct sampling, handler_ns), (double)NS_PER_S},
};

enum { TALLIES = sizeof(tallies) / sizeof(*tallies) };

/* Workers may write there what they like, but a figure that was told is not taken back. */
static void put_sampling(struct buf *b)
{
    static double most[TALLIES];

    for (size_t i = 0; i < TALLIES; i++) {
        double sum = 0;

        for (size_t j = 0; j < switchboard_sources(crew.board); j++) {
            const char *sampling = (const char *)switchboard_source(crew.board, j).sampling;

            sum += (double)atomic_load((const _Atomic uint64_t *)(sampling + tallies[i].counter));
        }
        put_one(b, tallies[i].name, "counter", tallies[i].help,
                never_less(&most[i], sum / tallies[i].parts));
    }
}

static void put_collector(struct buf *b)
{
    struct collector_figures f;

    profiles_figures(&f);
    put_one(b, "faas_profile_samples_total", "counter", "Samples that the collector took in.",
            (double)f.samples);
    put_one(b, "faas_profile_stacks", "gauge", "Stacks that the collector holds.",
            (double)f.stacks);
    put_one(b, "faas_profile_folded_total", "counter",
            "Samples counted without their stack: there was no room for one more.",
            (double)f.folded);
    put_one(b, "faas_profile_corrupt_total", "counter",
            "Records of workers that were no samples; what came behind them was lost.",
            (double)f.corrupt);
    put_one(b, "faas_profile_bytes", "gauge", "Memory of the collector.", (double)f.bytes);
}

static void put_push(struct buf *b)
{
    static const char *const words[UPLOAD_DROP_COUNT] = {
#define X(name, word) word,
        UPLOAD_DROPS(X)
#undef X
    };
    const struct upload_figures *f = crew.board->uploads ? crew.board->uploads->figures : NULL;

    if (!f)
        return;
    put_one(b, "faas_profile_push_uploads_total", "counter", "Uploads that Pyroscope took.",
            (double)atomic_load(&f->sent));
    put_one(b, "faas_profile_push_bytes_total", "counter", "Their bytes.",
            (double)atomic_load(&f->bytes));
    put_one(b, "faas_profile_push_retries_total", "counter", "Uploads tried once more.",
            (double)atomic_load(&f->retries));
    put_one(b, "faas_profile_push_queue", "gauge", "Uploads that the pusher has.",
            (double)atomic_load(&f->queued));
    buf_put_str(b, STR("# HELP faas_profile_push_dropped_total Uploads that were given up.\n"
                       "# TYPE faas_profile_push_dropped_total counter\n"));
    for (int i = 0; i < UPLOAD_DROP_COUNT; i++)
        buf_format(b, "faas_profile_push_dropped_total{reason=\"%s\"} %llu\n", words[i],
                   (unsigned long long)atomic_load(&f->dropped[i]));
}

void metrics_put(struct buf *b)
{
    struct dispatch_figures figures = dispatch_figures();

    put_functions(b);
    put_one(b, "faas_queue_depth", "gauge", "Calls that wait for a worker.",
            (double)figures.queued);
    put_one(b, "faas_queue_limit", "gauge", "Calls that may wait for a worker.",
            (double)figures.queue_max);
    put_one(b, "faas_calls_taken_back_total", "counter",
            "Calls given to a worker behind others, and given to another because those took long.",
            (double)ahead_taken_back());
    put_one(b, "faas_requests_in_flight", "gauge", "HTTP requests not yet answered.",
            (double)exchange_count());
    put_one(b, "faas_workers", "gauge", "Worker processes.", (double)crew.count);
    put_one(b, "faas_worker_restarts_total", "counter", "Workers that died and were replaced.",
            (double)crew.restarts);
    put_one(b, "faas_heaps_bytes", "gauge", "Memory of the heaps of calls and warm instances.",
            (double)budget_used(crew.board->budget));
    put_one(b, "faas_heaps_limit_bytes", "gauge", "What these may have together; 0: no limit.",
            (double)crew.board->budget->limit_bytes);
    put_one(b, "faas_log_lines_dropped_total", "counter",
            "Log lines that standard error had no room for.", (double)log_dropped());
    put_one(b, "faas_function_log_lines", "gauge", "Lines of functions that are kept in memory.",
            (double)logs_figures().lines);
    put_one(b, "faas_function_log_bytes", "gauge", "Memory of these lines.",
            (double)logs_figures().bytes);
    put_processes(b);
    put_sampling(b);
    put_collector(b);
    put_push(b);
    buf_format(b,
               "# HELP faas_build_info The version that runs; always 1.\n"
               "# TYPE faas_build_info gauge\n"
               "faas_build_info{version=\"%s\",commit=\"%s\"} 1\n",
               FAAS_VERSION, FAAS_COMMIT);
}
