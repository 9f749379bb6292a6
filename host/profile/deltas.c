/* deltas.c - windows of a table, one after the other. */
/* SPDX-License-Identifier: MIT */
#include "profile/deltas.h"

#include "base/clock.h"
#include "base/err.h"

void deltas_init(struct deltas *d, deltas_sink sink, uint64_t interval_ns, uint64_t now_ns)
{
    *d = (struct deltas){.sink = sink,
                         .interval_ns = interval_ns,
                         .from_ns = now_ns,
                         .from_wall_ns = clock_wall_ms() * NS_PER_MS};
    d->due_ns = d->from_ns + interval_ns;
}

void deltas_fini(struct deltas *d)
{
    buf_fini(&d->before);
}

uint64_t deltas_due_ns(const struct deltas *d)
{
    return d->sink ? d->due_ns : UINT64_MAX;
}

/* Which types have samples that `before` has not. */
static void find_types(const struct deltas *d, const struct table *t, bool has[SAMPLE_TYPES])
{
    for (size_t i = 0; i < table_entries(t); i++) {
        struct amount amount = table_since(t, i, &d->before);

        if (amount.count || amount.value)
            has[table_entry(t, i)->type] = true;
    }
}

static bool encode(const struct deltas *d, struct table *t, const struct sampling *rates,
                   uint64_t now_ns, struct delta *deltas, size_t *count)
{
    struct pprof_query query = {
        .before = &d->before, .time_ns = d->from_wall_ns, .duration_ns = now_ns - d->from_ns};
    bool has[SAMPLE_TYPES] = {false};
    struct err err;

    find_types(d, t, has);
    for (query.type = 0; query.type < SAMPLE_TYPES; query.type++) {
        if (!has[query.type])
            continue;
        query.period = sampling_period(rates, query.type);
        if (!pprof_encode(t, &query, &deltas[*count].body, &err))
            return false;
        deltas[(*count)++].type = query.type;
    }
    return true;
}

static void begin(struct deltas *d, const struct table *t, uint64_t now_ns, uint64_t now_wall_ns)
{
    table_snapshot(t, &d->before);
    d->from_ns = now_ns;
    d->from_wall_ns = now_wall_ns;
}

void deltas_make(struct deltas *d, struct table *t, const struct sampling *rates, uint64_t now_ns,
                 bool is_last)
{
    struct delta deltas[SAMPLE_TYPES] = {0};
    uint64_t now_wall_ns = clock_wall_ms() * NS_PER_MS;
    size_t count = 0;

    if (!d->sink || (!is_last && now_ns < d->due_ns))
        return;
    bool ok = encode(d, t, rates, now_ns, deltas, &count);
    if (ok && count)
        d->sink(deltas, count, d->from_wall_ns);
    while (count)
        buf_fini(&deltas[--count].body);
    if (ok)
        begin(d, t, now_ns, now_wall_ns); /* else all of it is in the next window */
    d->due_ns += d->interval_ns;
    if (d->due_ns <= now_ns)
        d->due_ns = now_ns + d->interval_ns;
}
