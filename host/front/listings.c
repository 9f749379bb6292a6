/* listings.c - what there is, as JSON. */
/* SPDX-License-Identifier: MIT */
#include "front/listings.h"

#include <stdlib.h>

#include "base/clock.h"
#include "front/pools.h"
#include "front/query.h"
#include "front/registry.h"
#include "front/reply.h"

/* A list or object under way: knows whether a comma is due. */
struct listing {
    struct buf body;
    bool any;
};

static void separate(struct listing *l)
{
    if (l->any)
        buf_put(&l->body, ",", 1);
    l->any = true;
}

static void send_and_close(struct exchange *ex, struct listing *l)
{
    exchange_send_json(ex, 200, buf_str(&l->body));
    buf_fini(&l->body);
}

/* -- Functions ------------------------------------------------------------------------------- */

static void put_name(struct func *func, void *listing)
{
    struct listing *l = listing;

    if (!func->current)
        return;
    separate(l);
    buf_put_json(&l->body, str_of(func->name));
}

static const char *status_of(const struct func *func)
{
    if (func->current && func->current->quarantined)
        return "quarantined";
    if (func->loading)
        return "loading";
    if (func->error)
        return func->current ? "stale" : "broken";
    return "ok";
}

static void put_description(struct buf *b, const struct version *v)
{
    json_t *params = v ? json_object_get(v->description, "params") : NULL;
    char *text =
        params ? json_dumps(params, JSON_COMPACT | JSON_SORT_KEYS | JSON_REAL_PRECISION(15)) : NULL;
    const char *words = v ? json_string_value(json_object_get(v->description, "description")) : "";

    buf_put_str(b, STR(",\"description\":"));
    buf_put_json(b, str_of(words ? words : ""));
    buf_format(b, ",\"params\":%s,\"limits\":", text ? text : "{}");
    free(text);
    if (!v)
        buf_put_str(b, STR("{}"));
    else if (v->max_concurrency)
        buf_format(b, "{\"timeout_ms\":%llu,\"memory_mb\":%zu,\"max_concurrency\":%u}",
                   (unsigned long long)v->timeout_ms, v->memory_bytes >> 20, v->max_concurrency);
    else
        buf_format(b, "{\"timeout_ms\":%llu,\"memory_mb\":%zu,\"max_concurrency\":null}",
                   (unsigned long long)v->timeout_ms, v->memory_bytes >> 20);
}

static void put_detail(struct func *func, void *listing)
{
    struct listing *l = listing;
    char time[CLOCK_TEXT_SIZE];

    separate(l);
    buf_format(&l->body, "{\"name\":\"%s\"", func->name);
    put_description(&l->body, func->current);
    buf_format(&l->body, ",\"version\":%llu,\"source\":", (unsigned long long)func->number);
    buf_put_json(&l->body, str_of(func->path));
    buf_format(&l->body, ",\"status\":\"%s\",\"error\":", status_of(func));
    if (func->error)
        buf_put_json(&l->body, str_of(func->error));
    else
        buf_put_str(&l->body, STR("null"));
    clock_format(func->loaded_ms, time);
    if (func->loaded_ms)
        buf_format(&l->body, ",\"loaded_at\":\"%s\"}", time);
    else
        buf_put_str(&l->body, STR(",\"loaded_at\":null}"));
}

void serve_list(struct exchange *ex, struct str name)
{
    struct listing l = {{0}, false};

    (void)name;
    buf_put_str(&l.body, STR("{\"functions\":["));
    registry_each(put_name, &l);
    buf_put_str(&l.body, STR("],\"details\":["));
    l.any = false;
    registry_each(put_detail, &l);
    buf_put_str(&l.body, STR("]}"));
    send_and_close(ex, &l);
}

/* -- Figures --------------------------------------------------------------------------------- */

static void put_quantiles(struct buf *b, const struct histogram *h)
{
    static const struct {
        const char *name;
        double share;
    } quantiles[] = {{"p50_ms", 0.50}, {"p95_ms", 0.95}, {"p99_ms", 0.99}};

    for (size_t i = 0; i < sizeof(quantiles) / sizeof(*quantiles); i++) {
        buf_format(b, ",\"%s\":", quantiles[i].name);
        reply_put_ms(b, histogram_quantile(h, quantiles[i].share));
    }
    buf_put_str(b, STR(",\"max_ms\":"));
    reply_put_ms(b, h->max_ns);
}

static void put_stats(struct func *func, void *listing)
{
    const struct call_stats *stats = &func->stats;
    const struct histogram *h = &stats->latency;
    struct listing *l = listing;
    unsigned long long timeouts =
        call_stats_outcome(stats, ERR_DEADLINE) + call_stats_outcome(stats, ERR_QUEUE_TIMEOUT);

    separate(l);
    buf_format(&l->body, "\"%s\":{\"invocations\":%llu,\"avg_latency_ms\":", func->name,
               (unsigned long long)h->count);
    reply_put_ms(&l->body, h->count ? h->sum_ns / h->count : 0);
    buf_format(&l->body,
               ",\"errors\":%llu,\"timeouts\":%llu,\"cold\":%llu,\"warm\":%llu,\"in_flight\":%u",
               (unsigned long long)(h->count - call_stats_outcome(stats, ERR_NONE)), timeouts,
               (unsigned long long)call_stats_count(stats, CALL_COLD),
               (unsigned long long)call_stats_count(stats, CALL_WARM), func->in_flight);
    put_quantiles(&l->body, h);
    buf_format(&l->body, ",\"peak_bytes\":%llu}", (unsigned long long)stats->peak_bytes);
}

void serve_stats(struct exchange *ex, struct str name)
{
    struct listing l = {{0}, false};

    (void)name;
    buf_put_str(&l.body, STR("{"));
    registry_each(put_stats, &l);
    buf_put_str(&l.body, STR("}"));
    send_and_close(ex, &l);
}

/* -- Logs ------------------------------------------------------------------------------------ */

static void put_line(const struct log_text *line, void *listing)
{
    struct listing *l = listing;
    char time[CLOCK_TEXT_SIZE];

    separate(l);
    clock_format(line->wall_ms, time);
    buf_format(&l->body, "{\"time\":\"%s\",\"level\":\"%s\",\"call_id\":", time,
               log_level_word(line->level));
    buf_put_json(&l->body, line->call_id);
    buf_put_str(&l->body, STR(",\"text\":"));
    buf_put_json(&l->body, line->text);
    if (line->traceparent.len) {
        buf_put_str(&l->body, STR(",\"traceparent\":"));
        buf_put_json(&l->body, line->traceparent);
    }
    buf_put_str(&l->body, STR("}"));
}

void serve_logs(struct exchange *ex, struct str name)
{
    struct listing l = {{0}, false};
    struct err err;
    int64_t tail;
    const struct func *func = registry_get(name, &err);

    if (!func || !query_number(ex, QUERY_TAIL, &tail, &err)) {
        exchange_send_error(ex, &err, name);
        return;
    }
    buf_put_str(&l.body, STR("{\"lines\":["));
    logs_each(&func->logs, (size_t)tail, put_line, &l);
    buf_put_str(&l.body, STR("]}"));
    send_and_close(ex, &l);
}

/* -- Pools ----------------------------------------------------------------------------------- */

static void put_pool(struct func *func, void *listing)
{
    struct pool_figures figures = pools_figures(func);
    struct listing *l = listing;

    if (func->pool_target == 0 && figures.size == 0)
        return;
    separate(l);
    buf_format(&l->body,
               "\"%s\":{\"pool_size\":%zu,\"idle\":%zu,\"in_use\":%zu,\"hits\":%llu,"
               "\"misses\":%llu}",
               func->name, figures.size, figures.size - figures.in_use, figures.in_use,
               (unsigned long long)func->pool_hits, (unsigned long long)func->pool_misses);
}

void serve_pools(struct exchange *ex, struct str name)
{
    struct listing l = {{0}, false};

    (void)name;
    buf_put_str(&l.body, STR("{"));
    registry_each(put_pool, &l);
    buf_put_str(&l.body, STR("}"));
    send_and_close(ex, &l);
}
