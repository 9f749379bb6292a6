/* collector.c - drains the rings of samples, and keeps the windows of those who asked. */
/* SPDX-License-Identifier: MIT */
#include "profile/collector.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/err.h"
#include "profile/flame.h"
#include "profile/symbols.h"
#include "wire/channel.h"
#include "wire/ticker.h"

/* RECORDS_MOST: more than a ring holds, so that a writer without end holds up nobody. */
enum { DRAIN_MS = 100, IDLE_MS = 1000, RECORDS_MOST = 4096 };

struct waiting {
    struct collector_request *request; /* NULL: free */
    uint64_t from_ns, from_wall_ns, until_ns;
    struct buf before;
};

struct collector {
    const struct switchboard *board;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wake, started;
    bool is_started, is_stopping, any_cancelled;             /* lock */
    struct collector_request *asked[COLLECTOR_REQUESTS_MAX]; /* lock; not seen by the thread yet */
    size_t asked_count, waiting_count; /* lock; of the latter, asked ones too */
    /* The thread's own: */
    struct waiting waiting[COLLECTOR_REQUESTS_MAX];
    struct ring_end *readers;
    char *record;
    struct symbols symbols;
    struct table table;
    struct deltas deltas;
    struct history history;
    uint64_t begun_ns, begun_wall_ns;
    /* Of others, who count: */
    struct tallies tallies;
    /* For others to read: */
    _Atomic uint64_t stacks, samples, folded, corrupt, bytes;
};

/* -- Samples ------------------------------------------------------------------------------------
 */

/* The record is copied, for its writer may change it while it is looked at. */
static bool take_record(struct collector *c, struct str record)
{
    struct sample sample;

    if (record.len > sample_record_max())
        return false;
    memcpy(c->record, record.at, record.len);
    if (!sample_parse((struct str){c->record, record.len}, &sample))
        return false;
    table_add(&c->table, &sample);
    return true;
}

static void drain_ring(struct collector *c, struct ring_end *reader)
{
    struct str record;
    enum ring_state state;

    for (int i = 0; i < RECORDS_MOST; i++) {
        if ((state = ring_read(reader, &record)) == RING_EMPTY) {
            ring_remind(reader);
            return;
        }
        if (state == RING_CORRUPT || !take_record(c, record)) {
            ring_skip(reader);
            atomic_fetch_add(&c->corrupt, 1);
            return;
        }
        ring_consume(reader, record);
    }
}

static void drain(struct collector *c)
{
    for (size_t i = 0; i < switchboard_sources(c->board); i++)
        drain_ring(c, &c->readers[i]);
    atomic_store(&c->stacks, table_entries(&c->table));
    atomic_store(&c->samples, c->table.samples);
    atomic_store(&c->folded, c->table.folded);
    atomic_store(&c->bytes, table_bytes(&c->table) + history_bytes(&c->history));
}

static bool is_sampling(const struct collector *c)
{
    for (size_t i = 0; i < switchboard_sources(c->board); i++) {
        const struct sampling *s = switchboard_source(c->board, i).sampling;

        if (atomic_load(&s->cpu_hz) || atomic_load(&s->wall_hz) || atomic_load(&s->alloc_bytes) ||
            atomic_load(&s->lock_ns))
            return true;
    }
    return false;
}

/* -- Requests -----------------------------------------------------------------------------------
 */

static uint64_t wall_ns(void)
{
    return clock_wall_ms() * NS_PER_MS;
}

static void open_window(struct collector *c, struct collector_request *r)
{
    struct waiting *w = c->waiting;

    while (w->request)
        w++;
    w->request = r;
    if (r->is_flame)
        return; /* of what is there already: answered at once */
    w->from_ns = r->seconds ? clock_now_ns() : c->begun_ns;
    w->from_wall_ns = r->seconds ? wall_ns() : c->begun_wall_ns;
    w->until_ns = r->seconds ? w->from_ns + r->seconds * NS_PER_S : 0;
    if (r->seconds)
        table_snapshot(&c->table, &w->before);
}

static bool is_over(struct collector *c, const struct collector_request *r)
{
    pthread_mutex_lock(&c->lock);
    bool is = r->is_over;
    pthread_mutex_unlock(&c->lock);
    return is;
}

/* Its place is free. False: it was before. */
static bool give_place(struct collector *c, struct collector_request *r)
{
    bool gives = !r->is_over;

    c->waiting_count -= gives;
    r->is_over = true;
    return gives;
}

static void refuse(struct collector_request *r)
{
    struct buf none = {0};
    const struct err err = {.code = ERR_CANCELLED, .text = "nobody waits for this profile"};

    r->done(r, &none, &err);
}

/* Before new ones are looked at: they may have got the places. */
static void drop_cancelled(struct collector *c)
{
    for (size_t i = 0; i < COLLECTOR_REQUESTS_MAX; i++) {
        struct waiting *w = &c->waiting[i];
        struct collector_request *r = w->request;

        if (!r || !is_over(c, r))
            continue;
        buf_fini(&w->before);
        *w = (struct waiting){0};
        refuse(r);
    }
}

/* Those of now, which are told to this thread as to all. */
static const struct sampling *rates_of(const struct collector *c)
{
    return c->board->own[SOURCE_COLLECTOR].sampling;
}

static void put_flame(struct collector *c, const struct collector_request *r, struct buf *body)
{
    uint64_t now = clock_now_ns(), ago = r->seconds * NS_PER_S;
    struct history_sum sum = {0};

    history_add_up(&c->history, now > ago ? now - ago : 0, &sum);
    const struct pprof_query query = {.type = r->type,
                                      .function = r->function,
                                      .start = r->start,
                                      .time_ns = wall_ns() - (now - sum.from_ns),
                                      .duration_ns = now - sum.from_ns};
    flame_encode(&c->table, &query, &sum.values,
                 history_calls(&c->history, &sum, r->function, r->start), body);
    history_sum_fini(&sum);
}

static void put_pprof(struct collector *c, struct waiting *w, struct buf *body, struct err *err)
{
    const struct collector_request *r = w->request;
    const struct pprof_query query = {.type = r->type,
                                      .function = r->function,
                                      .start = r->start,
                                      .before = r->seconds ? &w->before : NULL,
                                      .period = sampling_period(rates_of(c), r->type),
                                      .time_ns = w->from_wall_ns,
                                      .duration_ns = clock_now_ns() - w->from_ns};

    pprof_encode(&c->table, &query, body, err);
}

static void answer(struct collector *c, struct waiting *w)
{
    struct collector_request *r = w->request;
    struct buf body = {0};
    struct err err = {0};

    if (r->is_flame)
        put_flame(c, r, &body);
    else
        put_pprof(c, w, &body, &err);
    buf_fini(&w->before);
    *w = (struct waiting){0};
    pthread_mutex_lock(&c->lock);
    give_place(c, r);
    pthread_mutex_unlock(&c->lock);
    r->done(r, &body, &err);
}

/* Each is answered with what was drained before: at the start and at the end of its window. */
static void serve(struct collector *c, struct collector_request **asked, size_t count, bool is_last)
{
    drop_cancelled(c);
    for (size_t i = 0; i < count; i++)
        open_window(c, asked[i]);
    for (size_t i = 0; i < COLLECTOR_REQUESTS_MAX; i++) {
        struct waiting *w = &c->waiting[i];

        if (w->request && (is_last || w->until_ns <= clock_now_ns()))
            answer(c, w);
    }
}

/* -- The thread ---------------------------------------------------------------------------------
 */

static uint64_t next_ns(const struct collector *c)
{
    uint64_t next = clock_now_ns() + (is_sampling(c) ? DRAIN_MS : IDLE_MS) * NS_PER_MS;
    uint64_t due = deltas_due_ns(&c->deltas);

    if (due < next)
        next = due;
    for (size_t i = 0; i < COLLECTOR_REQUESTS_MAX; i++)
        if (c->waiting[i].request && c->waiting[i].until_ns < next)
            next = c->waiting[i].until_ns;
    return next;
}

/* Until there is something to do; takes what was asked. */
static size_t wait_for_work(struct collector *c, struct collector_request **asked, bool *is_last)
{
    const struct timespec until = clock_timespec(next_ns(c));

    pthread_mutex_lock(&c->lock);
    while (!c->asked_count && !c->is_stopping && !c->any_cancelled &&
           pthread_cond_timedwait(&c->wake, &c->lock, &until) == 0)
        ;
    size_t count = c->asked_count;
    memcpy(asked, c->asked, count * sizeof(*asked));
    c->asked_count = 0;
    c->any_cancelled = false;
    *is_last = c->is_stopping;
    pthread_mutex_unlock(&c->lock);
    return count;
}

static void *collect(void *arg)
{
    struct collector *c = arg;
    struct collector_request *asked[COLLECTOR_REQUESTS_MAX];
    struct ticker ticker;
    bool is_last = false;

    ticker_start(&ticker, &c->board->own[SOURCE_COLLECTOR], "front\ncollector\n",
                 __builtin_frame_address(0));
    pthread_mutex_lock(&c->lock);
    c->is_started = true;
    pthread_cond_signal(&c->started);
    pthread_mutex_unlock(&c->lock);
    while (!is_last) {
        size_t count = wait_for_work(c, asked, &is_last);

        ticker_look(&ticker);
        drain(c);
        serve(c, asked, count, is_last);
        deltas_make(&c->deltas, &c->table, rates_of(c), clock_now_ns(), is_last);
        history_turn(&c->history, clock_now_ns());
    }
    ticker_stop(&ticker);
    return NULL;
}

/* -- The whole ----------------------------------------------------------------------------------
 */

static void release(struct collector *c)
{
    pthread_mutex_destroy(&c->lock);
    pthread_cond_destroy(&c->wake);
    pthread_cond_destroy(&c->started);
    deltas_fini(&c->deltas);
    history_fini(&c->history);
    table_fini(&c->table);
    symbols_fini(&c->symbols);
    free(c->readers);
    free(c->record);
    free(c);
}

static struct collector *collector_open(const struct switchboard *board, deltas_sink sink,
                                        uint64_t interval_ns)
{
    struct collector *c = calloc(1, sizeof(*c));
    pthread_condattr_t attr;

    if (!c)
        return NULL;
    c->board = board;
    pthread_mutex_init(&c->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&c->wake, &attr);
    pthread_cond_init(&c->started, NULL);
    pthread_condattr_destroy(&attr);
    symbols_init(&c->symbols);
    table_init(&c->table, &c->symbols);
    c->begun_ns = clock_now_ns();
    deltas_init(&c->deltas, sink, interval_ns, c->begun_ns);
    c->begun_wall_ns = wall_ns();
    history_init(&c->history, &c->table, &c->tallies, c->begun_ns);
    c->readers = calloc(switchboard_sources(board), sizeof(*c->readers));
    c->record = malloc(sample_record_max());
    if (c->readers && c->record)
        return c;
    release(c);
    return NULL;
}

/* The thread has no other signal handler than the profiler's. */
static int start_thread(struct collector *c)
{
    sigset_t all, before;

    sigfillset(&all);
    sigdelset(&all, SIGPROF);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(&c->thread, NULL, collect, c);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return failed;
}

struct collector *collector_start(const struct switchboard *board, deltas_sink sink,
                                  uint64_t interval_ns, struct err *err)
{
    struct collector *c = collector_open(board, sink, interval_ns);

    for (size_t i = 0; c && i < switchboard_sources(board); i++) {
        const struct source source = switchboard_source(board, i);

        c->readers[i] = ring_reader_after(source.samples, source.memory);
    }
    if (!c || start_thread(c) != 0) {
        err_set(err, ERR_INTERNAL, "no thread or no memory for the collector of samples");
        if (c)
            release(c);
        return NULL;
    }
    /* A wall that is raised after this finds a thread that needs no more than its work does. */
    pthread_mutex_lock(&c->lock);
    while (!c->is_started)
        pthread_cond_wait(&c->started, &c->lock);
    pthread_mutex_unlock(&c->lock);
    return c;
}

void collector_stop(struct collector *c)
{
    if (!c)
        return;
    pthread_mutex_lock(&c->lock);
    c->is_stopping = true;
    pthread_cond_signal(&c->wake);
    pthread_mutex_unlock(&c->lock);
    pthread_join(c->thread, NULL);
    release(c);
}

struct tallies *collector_tallies(struct collector *c)
{
    return &c->tallies;
}

bool collector_ask(struct collector *c, struct collector_request *r)
{
    pthread_mutex_lock(&c->lock);
    bool ok = !c->is_stopping && c->waiting_count < COLLECTOR_REQUESTS_MAX;
    if (ok) {
        c->waiting_count++;
        c->asked[c->asked_count++] = r;
        pthread_cond_signal(&c->wake);
    }
    pthread_mutex_unlock(&c->lock);
    return ok;
}

/* True when the thread has not seen it yet, and now never will. */
static bool take_back(struct collector *c, const struct collector_request *r)
{
    for (size_t i = 0; i < c->asked_count; i++)
        if (c->asked[i] == r) {
            c->asked[i] = c->asked[--c->asked_count];
            return true;
        }
    return false;
}

void collector_cancel(struct collector *c, struct collector_request *r)
{
    pthread_mutex_lock(&c->lock);
    bool gave = give_place(c, r), unseen = gave && take_back(c, r);
    c->any_cancelled |= gave;
    pthread_cond_signal(&c->wake);
    pthread_mutex_unlock(&c->lock);
    if (unseen)
        refuse(r);
}

void collector_figures(const struct collector *c, struct collector_figures *figures)
{
    *figures = (struct collector_figures){.stacks = atomic_load(&c->stacks),
                                          .samples = atomic_load(&c->samples),
                                          .folded = atomic_load(&c->folded),
                                          .corrupt = atomic_load(&c->corrupt),
                                          .bytes = atomic_load(&c->bytes)};
}
