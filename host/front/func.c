/* func.c - functions and their versions, counted. */
/* SPDX-License-Identifier: MIT */
#include "front/func.h"

#include <stdlib.h>

#include "base/clock.h"
#include "front/dispatch.h"

enum { CRASH_WINDOW_S = 60 };

static void *must(void *p)
{
    if (!p)
        abort(); /* the supervisor starts the next front */
    return p;
}

bool func_name_is_valid(struct str name)
{
    static const char first[] = "abcdefghijklmnopqrstuvwxyz0123456789";
    static const char others[] = "abcdefghijklmnopqrstuvwxyz0123456789_-";

    if (name.len == 0 || name.len > FUNC_NAME_MAX || !memchr(first, name.at[0], sizeof(first) - 1))
        return false;
    for (size_t i = 1; i < name.len; i++)
        if (!memchr(others, name.at[i], sizeof(others) - 1))
            return false;
    return true;
}

struct func *func_open(struct str name)
{
    struct func *func = must(calloc(1, sizeof(*func)));

    memcpy(func->name, name.at, name.len);
    func->refs = 1;
    return func;
}

void func_unref(struct func *func)
{
    if (--func->refs)
        return;
    free(func->path);
    free(func->error);
    free(func);
}

void func_log(struct func *func, enum log_level level, struct str call_id, struct str traceparent,
              struct str text)
{
    const struct log_text line = {.wall_ms = clock_wall_ms(),
                                  .level = level,
                                  .call_id = call_id,
                                  .traceparent = traceparent,
                                  .text = text};

    if (!func->removed)
        logs_add(&func->logs, &line);
}

struct version *version_open(struct func *func, struct str source, struct blob *modules,
                             size_t workers)
{
    static uint64_t last_id;
    struct version *v = must(calloc(1, sizeof(*v)));

    func->refs++;
    *v = (struct version){.id = ++last_id,
                          .func = func,
                          .refs = 1,
                          .source = must(malloc(source.len + 1)),
                          .source_len = source.len,
                          .modules = blob_ref(modules),
                          .known = must(calloc(workers, sizeof(*v->known)))};
    if (source.len)
        memcpy(v->source, source.at, source.len);
    return v;
}

struct version *version_ref(struct version *version)
{
    version->refs++;
    return version;
}

void version_unref(struct version *version)
{
    if (!version || --version->refs)
        return;
    dispatch_forget(version);
    free(version->source);
    blob_unref(version->modules);
    json_decref(version->description);
    free(version->known);
    free(version->pool);
    func_unref(version->func);
    free(version);
}

struct blob *blob_open(void)
{
    struct blob *blob = must(calloc(1, sizeof(*blob)));

    blob->refs = 1;
    return blob;
}

struct blob *blob_ref(struct blob *blob)
{
    blob->refs++;
    return blob;
}

void blob_unref(struct blob *blob)
{
    if (!blob || --blob->refs)
        return;
    buf_fini(&blob->text);
    free(blob);
}

bool version_crashed(struct version *version, uint64_t now_ns)
{
    memmove(version->crashed_ns, version->crashed_ns + 1,
            sizeof(version->crashed_ns) - sizeof(*version->crashed_ns));
    version->crashed_ns[CRASHES_MAX - 1] = now_ns;
    if (version->quarantined || version->crashed_ns[0] == 0 ||
        now_ns - version->crashed_ns[0] > CRASH_WINDOW_S * NS_PER_S)
        return false;
    return version->quarantined = true;
}

bool version_is_suspect(const struct version *version, uint64_t now_ns)
{
    uint64_t last = version->crashed_ns[CRASHES_MAX - 1];

    return last && now_ns - last <= CRASH_WINDOW_S * NS_PER_S;
}
