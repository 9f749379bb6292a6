/* registry.c - resolving folders into functions, and getting new versions loaded. */
/* SPDX-License-Identifier: MIT */
#include "front/registry.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "front/declaration.h"
#include "front/dispatch.h"
#include "front/folder.h"
#include "front/pools.h"

enum { SETTLE_MS = 10, LOOK_AGAIN_MS = 100, GLANCE_MS = 1000 };

static struct {
    const struct settings *settings;
    struct timers *timers;
    struct timer rescan, glance;
    struct folder *folders;
    size_t folder_count;
    struct func **funcs; /* by name */
    size_t func_count, func_room;
    int inotify;
    size_t loading;
    uint64_t changes;
} r;

/* -- The table ------------------------------------------------------------------------------- */

/* Where `name` is, or would be. */
static size_t place_of(struct str name)
{
    size_t low = 0, high = r.func_count;

    while (low < high) {
        size_t middle = (low + high) / 2;

        if (str_compare(name, str_of(r.funcs[middle]->name)) > 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct func *registry_find(struct str name)
{
    size_t at = place_of(name);

    return at < r.func_count && str_equal(name, str_of(r.funcs[at]->name)) ? r.funcs[at] : NULL;
}

struct func *registry_get(struct str name, struct err *err)
{
    struct func *func = registry_find(name);

    if (!func)
        err_set(err, ERR_UNKNOWN_FUNCTION, "unknown function: %.*s", STR_ARG(name));
    return func;
}

void registry_each(void (*visit)(struct func *, void *), void *data)
{
    for (size_t i = 0; i < r.func_count; i++)
        visit(r.funcs[i], data);
}

uint64_t registry_changes(void)
{
    return r.changes;
}

bool registry_is_ready(void)
{
    return r.loading == 0;
}

static struct func *add_func(struct str name)
{
    size_t at = place_of(name);

    if (r.func_count == r.func_room) {
        r.func_room = r.func_room ? 2 * r.func_room : 64;
        r.funcs = realloc(r.funcs, r.func_room * sizeof(struct func *));
        if (!r.funcs)
            abort();
    }
    memmove(r.funcs + at + 1, r.funcs + at, (r.func_count - at) * sizeof(struct func *));
    r.func_count++;
    return r.funcs[at] = func_open(name);
}

/* Its calls in flight finish on the version they began on. */
static void remove_func(size_t at)
{
    const struct err gone = {.code = ERR_UNKNOWN_FUNCTION,
                             .text = "the function's file was removed"};
    struct func *func = r.funcs[at];
    struct version *current = func->current, *loading = func->loading;

    log_line(LOG_INFO, "function is gone function=%s", func->name);
    r.changes++;
    r.func_count--;
    memmove(r.funcs + at, r.funcs + at + 1, (r.func_count - at) * sizeof(struct func *));
    func->removed = true;
    logs_clear(&func->logs);
    func->pool_target = 0;
    func->current = func->loading = NULL;
    dispatch_loaded(func, &gone);
    version_unref(current);
    if (loading) {
        r.loading--;
        version_unref(loading);
    }
    func_unref(func);
}

/* -- Loading --------------------------------------------------------------------------------- */

static void loading_failed(struct func *func, const struct err *err)
{
    struct err broken;

    free(func->error);
    func->error = strdup(err->text);
    log_line(LOG_ERROR, "function does not load%s function=%s file=%s error=%s",
             func->current ? ", its last good version goes on" : "", func->name,
             log_quoted(str_of(func->path)), log_quoted(str_of(err->text)));
    if (func->current)
        return;
    err_set(&broken, ERR_FUNCTION_BROKEN, "%s does not load: %s", func->name, err->text);
    dispatch_loaded(func, &broken);
}

static void make_current(struct func *func, struct version *v)
{
    struct version *old = func->current;

    r.changes++;
    func->current = version_ref(v);
    func->number++;
    func->loaded_ms = clock_wall_ms();
    free(func->error);
    func->error = NULL;
    log_line(LOG_INFO, "function is loaded function=%s version=%llu file=%s", func->name,
             (unsigned long long)func->number, log_quoted(str_of(func->path)));
    dispatch_loaded(func, NULL);
    pools_moved(func);
    version_unref(old);
}

static void explain_load(struct err *err)
{
    if (err->code == ERR_DEADLINE)
        err_set(err, ERR_FUNCTION_ERROR, "the file took more than %lld ms to load",
                (long long)r.settings->load_timeout_ms);
    else if (err->code == ERR_WORKER_CRASHED)
        err_set(err, ERR_FUNCTION_ERROR, "the file crashed its worker while it loaded");
}

static void on_described(struct call *call, void *owner, const struct reply *reply)
{
    struct version *v = owner;
    struct func *func = v->func;
    struct err err = reply->err;

    (void)call;
    if (func->loading != v) {
        version_unref(v); /* a newer text came, or the file went */
        return;
    }
    func->loading = NULL;
    r.loading--;
    explain_load(&err);
    if (err.code == ERR_NONE && declaration_read(v, reply->json, r.settings, &err))
        make_current(func, v);
    else
        loading_failed(func, &err);
    version_unref(v); /* func->loading's */
    version_unref(v); /* the callback's */
}

/* A newer text has come, or none that can be read. */
static void drop_loading(struct func *func)
{
    if (!func->loading)
        return;
    version_unref(func->loading);
    func->loading = NULL;
    r.loading--;
}

static void load(struct func *func, const struct folder *folder, const struct file *file)
{
    struct version *v = version_open(func, buf_str(&file->text), folder->modules_blob, crew.count);
    struct order order = {.kind = CALL_DESCRIBE, .func = func, .version = v};
    struct err err;

    v->memory_bytes = declaration_memory_bytes((double)r.settings->memory_mb, r.settings);
    drop_loading(func);
    func->loading = v;
    r.loading++;
    if (dispatch_submit(&order, on_described, version_ref(v), &err))
        return;
    version_unref(v);
    func->loading = NULL;
    r.loading--;
    loading_failed(func, &err);
    version_unref(v);
}

/* -- Resolving ------------------------------------------------------------------------------- */

/* The last folder that has a file of this name. */
static struct file *source_of(struct str name, struct folder **folder)
{
    for (size_t i = r.folder_count; i-- > 0;) {
        struct file *file = folder_find(&r.folders[i], name);

        *folder = &r.folders[i];
        if (file)
            return file;
    }
    return NULL;
}

static void update(struct func *func, struct folder *folder, const struct file *file)
{
    if (func->file_serial == file->serial && func->modules_serial == folder->modules_serial)
        return;
    func->file_serial = file->serial;
    func->modules_serial = folder->modules_serial;
    free(func->path);
    if (asprintf(&func->path, "%s/%s.lua", folder->path, func->name) < 0)
        abort();
    if (file->read) {
        load(func, folder, file);
        return;
    }
    struct err err;
    drop_loading(func);
    err_set(&err, ERR_FUNCTION_BROKEN, "%s", file->error);
    loading_failed(func, &err);
}

static void add_missing(const struct folder *folder)
{
    for (size_t i = 0; i < folder->files.count; i++) {
        const struct file *f = folder->files.at[i];

        if ((f->read || f->error) && !registry_find(str_of(f->name)))
            add_func(str_of(f->name));
    }
}

static void resolve(void)
{
    for (size_t i = 0; i < r.folder_count; i++)
        add_missing(&r.folders[i]);
    for (size_t i = r.func_count; i-- > 0;) {
        struct folder *folder;
        struct file *file = source_of(str_of(r.funcs[i]->name), &folder);

        if (file)
            update(r.funcs[i], folder, file);
        else
            remove_func(i);
    }
}

static void on_rescan(struct timer *timer)
{
    uint64_t again = 0, now = clock_now_ns();

    for (size_t i = 0; i < r.folder_count; i++) {
        bool there = folder_scan(&r.folders[i], &again);

        if (!there || r.folders[i].watch < 0)
            again = again && again < now + LOOK_AGAIN_MS * NS_PER_MS
                        ? again
                        : now + LOOK_AGAIN_MS * NS_PER_MS;
    }
    resolve();
    if (again)
        timer_start(r.timers, timer, again, on_rescan);
}

/* Later events do not put it off, or a busy neighbour would for ever. */
static void rescan_soon(void)
{
    uint64_t due = clock_now_ns() + SETTLE_MS * NS_PER_MS;

    if (r.rescan.place == 0 || r.rescan.due_ns > due)
        timer_start(r.timers, &r.rescan, due, on_rescan);
}

/* -- Watching -------------------------------------------------------------------------------- */

int registry_fd(void)
{
    return r.inotify;
}

void registry_on_change(void)
{
    _Alignas(struct inotify_event) char events[16384];
    bool changed = false;
    ssize_t len;

    while ((len = read(r.inotify, events, sizeof(events))) > 0)
        for (char *at = events; at < events + len;) {
            const struct inotify_event *event = (const struct inotify_event *)at;

            changed |= (event->mask & IN_Q_OVERFLOW) != 0;
            for (size_t i = 0; i < r.folder_count; i++)
                changed |= folder_note(&r.folders[i], event);
            at += sizeof(*event) + event->len;
        }
    if (changed)
        rescan_soon();
}

/* What brings no event: links, and a folder that is another one now. */
static void on_glance(struct timer *timer)
{
    for (size_t i = 0; i < r.folder_count; i++)
        if (folder_is_stale(&r.folders[i])) {
            rescan_soon();
            break;
        }
    timer_start(r.timers, timer, clock_now_ns() + GLANCE_MS * NS_PER_MS, on_glance);
}

bool registry_init(const struct settings *settings, struct timers *timers, struct err *err)
{
    r.settings = settings;
    r.timers = timers;
    r.inotify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (r.inotify < 0)
        log_line(LOG_WARN, "no inotify: folders are looked at ten times a second");
    r.folder_count = settings->functions_count;
    r.folders = calloc(r.folder_count ? r.folder_count : 1, sizeof(*r.folders));
    if (!r.folders)
        return err_set_errno(err, "memory for the functions folders");
    for (size_t i = 0; i < r.folder_count; i++)
        folder_init(&r.folders[i], settings->functions[i], r.inotify, (size_t)settings->file_max);
    on_rescan(&r.rescan);
    on_glance(&r.glance);
    return true;
}
