/* profiles.c - asking the collector for profiles, and sending them when they are done. */
/* SPDX-License-Identifier: MIT */
#include "front/profiles.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "front/pushes.h"
#include "front/query.h"
#include "front/rates.h"
#include "front/registry.h"

enum { SECONDS_DEFAULT = 30 };

/* The names are Go's. */
static const struct kind {
    const char *name;
    enum sample_type type;
    bool cumulative; /* since the start, unless seconds= says how long */
    const char *description;
} kinds[] = {
    {"allocs", SAMPLE_ALLOC, true, "allocations since the start, or in the next seconds=N"},
    {"mutex", SAMPLE_MUTEX, true, "waiting for locks since the start, or in the next seconds=N"},
    {"profile", SAMPLE_CPU, false, "processor time in the next seconds=N (30)"},
    {"wall", SAMPLE_WALL, false, "what calls do, asleep or not, in the next seconds=N (30)"},
};

enum { KINDS = sizeof(kinds) / sizeof(*kinds) };

/* One that was asked for. */
struct profile {
    struct collector_request request; /* first: found from its address */
    const struct kind *kind;          /* of one for pprof */
    struct exchange *ex;              /* NULL: nobody waits for it any more */
    struct profile *next;             /* in `asked` */
    struct profile *next_done;        /* in `done` */
    struct buf body;
    struct err err;
    char function[SAMPLE_NAME_MAX];
};

static const struct str none = {NULL, 0};
static const enum sample_start starts[] = {
    [CALL_COLD] = START_COLD, [CALL_WARM] = START_WARM, [CALL_UNSTARTED] = START_NONE};

static struct {
    struct collector *collector;
    struct profile *asked;        /* all there are */
    struct profile *_Atomic done; /* by the collector's thread; those last done first */
    int wake;                     /* eventfd: something is done */
    bool draining;
} s = {.wake = -1};

/* -- Sending --------------------------------------------------------------------------------- */

/* In the collector's thread. */
static void on_done(struct collector_request *request, struct buf *body, const struct err *err)
{
    struct profile *p = (struct profile *)request;
    const uint64_t one = 1;

    p->err = *err;
    p->body = *body;
    *body = (struct buf){0};
    p->next_done = atomic_load(&s.done);
    while (!atomic_compare_exchange_weak(&s.done, &p->next_done, p))
        ;
    if (write(s.wake, &one, sizeof(one)) < 0 && errno != EAGAIN)
        abort();
}

/* The file is called as Go calls it. */
static void send_pprof(const struct profile *p)
{
    struct buf disposition = {0};
    bool delta = p->kind->cumulative && p->request.seconds;

    buf_format(&disposition, "attachment; filename=\"%s%s\"", p->kind->name, delta ? "-delta" : "");
    exchange_header(p->ex, "content-disposition", buf_str(&disposition));
    buf_fini(&disposition);
    exchange_header(p->ex, "x-content-type-options", STR("nosniff"));
    exchange_send(p->ex, 200, "application/octet-stream", buf_str(&p->body));
}

static void send_profile(const struct profile *p)
{
    if (p->err.code != ERR_NONE)
        exchange_send_error(p->ex, &p->err, none);
    else if (p->request.is_flame)
        exchange_send_json(p->ex, 200, buf_str(&p->body));
    else
        send_pprof(p);
}

static struct profile *open_profile(struct exchange *ex)
{
    struct profile *p = calloc(1, sizeof(*p));

    if (!p)
        abort();
    p->ex = ex;
    p->request.done = on_done;
    p->next = s.asked;
    s.asked = p;
    return p;
}

static void close_profile(struct profile *p)
{
    struct profile **at = &s.asked;

    while (*at != p)
        at = &(*at)->next;
    *at = p->next;
    buf_fini(&p->body);
    free(p);
}

void profiles_on_done(void)
{
    uint64_t wakes;

    if (read(s.wake, &wakes, sizeof(wakes)) < 0 && errno != EAGAIN)
        abort();
    for (struct profile *p = atomic_exchange(&s.done, NULL), *next; p; p = next) {
        next = p->next_done;
        if (p->ex)
            send_profile(p);
        close_profile(p);
    }
}

/* -- Asking ---------------------------------------------------------------------------------- */

static void on_gone(void *owner)
{
    struct profile *p = owner;

    p->ex = NULL;
    collector_cancel(s.collector, &p->request); /* which has it until it is done */
}

static bool find_kind(struct str name, const struct kind **kind, struct err *err)
{
    for (*kind = kinds; *kind < kinds + KINDS; (*kind)++)
        if (str_equal(name, str_of((*kind)->name)))
            return true;
    return err_set(err, ERR_NOT_FOUND,
                   "the profiles are allocs, mutex, profile and wall, not \"%.*s\"", STR_ARG(name));
}

static bool check_on(const struct kind *kind, struct err *err)
{
    if (rates_get(kind->type))
        return true;
    return err_set(err, ERR_NOT_FOUND,
                   "these samples are off: --%s, or %s in PUT /debug/profiling, switches them on",
                   rates_flag(kind->type), rates_key(kind->type));
}

static bool read_labels(struct profile *p, struct err *err)
{
    enum call_start start;
    struct func *func;

    if (!query_start(p->ex, &start, err) || !query_function(p->ex, &func, err))
        return false;
    if (func) {
        memcpy(p->function, func->name, sizeof(func->name));
        p->request.function = str_of(p->function);
    }
    p->request.start = starts[start];
    return true;
}

static bool read_query(struct profile *p, struct err *err)
{
    int64_t seconds;

    if (!query_number(p->ex, QUERY_SECONDS, &seconds, err) || !read_labels(p, err))
        return false;
    if (!seconds && !p->kind->cumulative)
        seconds = SECONDS_DEFAULT;
    p->request.type = p->kind->type;
    p->request.seconds = (unsigned)seconds;
    return true;
}

static bool read_flame_query(struct profile *p, struct err *err)
{
    int64_t seconds;
    int type;

    if (!query_choice(p->ex, QUERY_TYPE, &type, err) ||
        !query_number(p->ex, QUERY_LAST, &seconds, err) || !read_labels(p, err))
        return false;
    p->request.type = type == SAMPLE_TYPES ? SAMPLE_CPU : (enum sample_type)type;
    p->request.is_flame = true;
    p->request.seconds = (unsigned)seconds;
    return true;
}

static bool ask(struct profile *p, struct err *err)
{
    if (s.draining)
        return err_set(err, ERR_DRAINING, "the server is stopping");
    if (collector_ask(s.collector, &p->request))
        return true;
    return err_set(err, ERR_QUEUE_FULL, "too many profiles are being made already");
}

static void refuse(struct profile *p, const struct err *err)
{
    exchange_send_error(p->ex, err, none);
    close_profile(p);
}

void serve_profile(struct exchange *ex, struct str name)
{
    struct profile *p = open_profile(ex);
    struct err err;

    if (find_kind(name, &p->kind, &err) && check_on(p->kind, &err) && read_query(p, &err) &&
        ask(p, &err))
        exchange_wait(ex, on_gone, p);
    else
        refuse(p, &err);
}

void serve_flame(struct exchange *ex, struct str name)
{
    struct profile *p = open_profile(ex);
    struct err err;

    (void)name;
    if (read_flame_query(p, &err) && ask(p, &err))
        exchange_wait(ex, on_gone, p);
    else
        refuse(p, &err);
}

void serve_profiles(struct exchange *ex, struct str name)
{
    struct buf body = {0};

    (void)name;
    for (size_t i = 0; i < KINDS; i++)
        buf_format(&body,
                   "%s{\"name\":\"%s\",\"path\":\"/debug/pprof/%s\",\"description\":\"%s\","
                   "\"on\":%s}",
                   i ? "," : "{\"profiles\":[", kinds[i].name, kinds[i].name, kinds[i].description,
                   rates_get(kinds[i].type) ? "true" : "false");
    buf_put_str(&body, STR("]}"));
    exchange_send_json(ex, 200, buf_str(&body));
    buf_fini(&body);
}

/* -- Life ------------------------------------------------------------------------------------ */

bool profiles_start(const struct settings *settings, struct err *err)
{
    s.wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (s.wake < 0)
        return err_set_errno(err, "eventfd");
    s.collector = collector_start(crew.board, pushes_sink(crew.board->uploads, settings),
                                  (uint64_t)settings->push_interval_ns, err);
    return s.collector != NULL;
}

void profiles_stop(void)
{
    collector_stop(s.collector);
    s.collector = NULL;
}

int profiles_fd(void)
{
    return s.wake;
}

void profiles_figures(struct collector_figures *figures)
{
    collector_figures(s.collector, figures);
}

void profiles_count(struct func *func, enum call_start start)
{
    if (!s.collector || start == CALL_UNSTARTED)
        return;
    if (!func->tally)
        func->tally = tallies_of(collector_tallies(s.collector), str_of(func->name));
    tallies_count(func->tally, starts[start]);
}

void profiles_drain(void)
{
    const struct err err = {.code = ERR_DRAINING, .text = "the server is stopping"};

    s.draining = true;
    for (struct profile *p = s.asked; p; p = p->next) {
        struct exchange *ex = p->ex;

        p->ex = NULL;
        if (ex)
            exchange_send_error(ex, &err, none);
    }
}
