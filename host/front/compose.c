/* compose.c - batches of calls, for bursts and for what functions call. */
/* SPDX-License-Identifier: MIT */
#include "front/compose.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "front/params.h"
#include "front/registry.h"
#include "front/reply.h"

enum { CHILDREN_MAX = 1000, REPLIES_TOGETHER = 10 };

struct item {
    struct batch *batch;
    struct call *call; /* while it is under way */
    struct buf json;
};

/* How the items of a batch are put: as an invoke's reply is, or as ctx expects its results. */
enum style { STYLE_REPLY, STYLE_RESULT };

struct batch {
    enum style style;
    size_t count, pending, succeeded, bytes, bytes_max;
    uint64_t began_ns;
    struct func *func;   /* of a burst */
    struct call *parent; /* of children */
    struct timing timing;
    burst_done done;
    void *owner;
    struct item items[];
};

static int64_t reply_max, nesting_max;

void compose_init(const struct settings *settings)
{
    reply_max = settings->reply_max;
    nesting_max = settings->nesting_max;
}

size_t compose_bytes_max(void)
{
    return REPLIES_TOGETHER * (size_t)reply_max;
}

void timing_add(struct timing *timing, const struct reply *reply)
{
    for (int i = 0; i < PHASE_COUNT; i++)
        timing->phase_ns[i] += reply->phase_ns[i];
    if (reply->peak_bytes > timing->peak_bytes)
        timing->peak_bytes = reply->peak_bytes;
    timing->calls++;
    timing->warm += reply->warm;
}

/* -- Batches --------------------------------------------------------------------------------- */

static struct batch *batch_open(enum style style, size_t count, size_t bytes_max)
{
    struct batch *b = calloc(1, sizeof(*b) + count * sizeof(*b->items));

    if (!b)
        abort();
    b->style = style;
    b->count = count;
    b->bytes_max = bytes_max;
    b->began_ns = clock_now_ns();
    for (size_t i = 0; i < count; i++)
        b->items[i].batch = b;
    return b;
}

static void batch_close(struct batch *b)
{
    for (size_t i = 0; i < b->count; i++)
        buf_fini(&b->items[i].json);
    if (b->func)
        func_unref(b->func);
    free(b);
}

void compose_abandon(struct batch *batch)
{
    if (!batch)
        return;
    for (size_t i = 0; i < batch->count; i++)
        if (batch->items[i].call)
            dispatch_abandon(batch->items[i].call);
    batch_close(batch);
}

static void put_whole_error(struct item *item, const struct err *err, struct str function,
                            struct str call_id, const struct failure *failure)
{
    buf_clear(&item->json);
    reply_put_error(&item->json, err, function, call_id, failure);
    item->json.len--; /* the brace */
    buf_format(&item->json, ",\"status\":%d}", failure_status(failure, err));
}

/* Without details and traceback where those are too much. */
static void put_error(struct item *item, const struct err *err, struct str function,
                      struct str call_id, const struct failure *failure)
{
    struct batch *b = item->batch;

    put_whole_error(item, err, function, call_id, failure);
    if (failure && b->bytes + item->json.len > b->bytes_max) {
        const struct failure bare = {
            .status = failure->status, .code = failure->code, .child = failure->child};

        put_whole_error(item, err, function, call_id, &bare);
    }
    b->bytes += item->json.len;
}

static void put_success(struct item *item, const struct call *call, const struct reply *reply)
{
    struct batch *b = item->batch;
    struct err err;

    if (!reply_is_sound(reply))
        err_set(&err, ERR_INTERNAL, "the worker's reply is no JSON object");
    else if (b->bytes + reply->json.len > b->bytes_max)
        err_set(&err, ERR_BAD_RESULT, "the replies together are more than %zu bytes", b->bytes_max);
    else {
        if (b->style == STYLE_REPLY) {
            reply_put_result(&item->json, reply);
        } else {
            buf_put_str(&item->json, STR("{\"result\":"));
            buf_put_str(&item->json, reply->json);
            buf_put_str(&item->json, STR("}"));
        }
        b->bytes += item->json.len;
        b->succeeded++;
        return;
    }
    put_error(item, &err, str_of(call->order.func->name), call->order.call_id, NULL);
}

static void put_list(const struct batch *b, struct buf *out)
{
    for (size_t i = 0; i < b->count; i++) {
        buf_put(out, i ? "," : "[", 1);
        buf_put_str(out, buf_str(&b->items[i].json));
    }
    buf_put_str(out, b->count ? STR("]") : STR("[]"));
}

static void finish_burst(struct batch *b)
{
    struct buf out = {0};

    buf_format(&out, "{\"function\":\"%s\",\"count\":%zu,\"total_ms\":", b->func->name, b->count);
    reply_put_ms(&out, clock_now_ns() - b->began_ns);
    buf_format(&out, ",\"succeeded\":%zu,\"failed\":%zu,\"results\":", b->succeeded,
               b->count - b->succeeded);
    put_list(b, &out);
    buf_put_str(&out, STR("}"));
    b->done(b->owner, buf_str(&out), &b->timing);
    buf_fini(&out);
}

static void send_results(struct call *parent, enum err_code code, struct str text)
{
    struct message m = {.type = MESSAGE_RESULT, .code = code, .call = parent->id};

    crew_send(parent->member, &m, (struct str[MESSAGE_TEXTS]){text});
    call_unpark(parent);
}

static void finish_children(struct batch *b)
{
    struct buf out = {0};

    put_list(b, &out);
    b->parent->children = NULL;
    if (b->parent->member && out.len <= (size_t)reply_max + 1024)
        send_results(b->parent, ERR_NONE, buf_str(&out));
    else if (b->parent->member)
        send_results(b->parent, ERR_FUNCTION_ERROR,
                     STR("the calls it made returned more than the reply limit together"));
    buf_fini(&out);
}

static void finish_if_done(struct batch *b)
{
    if (b->pending)
        return;
    if (b->parent)
        finish_children(b);
    else
        finish_burst(b);
    batch_close(b);
}

static void on_item(struct call *call, void *owner, const struct reply *reply)
{
    struct item *item = owner;

    item->call = NULL;
    timing_add(&item->batch->timing, reply);
    if (reply->err.code == ERR_NONE)
        put_success(item, call, reply);
    else
        put_error(item, &reply->err, str_of(call->order.func->name), call->order.call_id,
                  &reply->failure);
    item->batch->pending--;
    finish_if_done(item->batch);
}

/* Submits the item's call with an id of its own, told from the request's by its number. */
static void start_item(struct batch *b, size_t i, struct order *order, struct str call_id)
{
    struct item *item = &b->items[i];
    char id[CALL_ID_SIZE];
    struct err err;

    int len = snprintf(id, sizeof(id), "%.*s.%zu", STR_ARG(call_id), i + 1);
    order->call_id = (struct str){id, (size_t)len < sizeof(id) ? (size_t)len : sizeof(id) - 1};
    item->call = dispatch_submit(order, on_item, item, &err);
    if (item->call)
        b->pending++;
    else
        put_error(item, &err, str_of(order->func->name), order->call_id, NULL);
}

/* -- Bursts ---------------------------------------------------------------------------------- */

struct batch *compose_burst(struct func *func, size_t count, struct str params,
                            const struct request *request, burst_done done, void *owner)
{
    struct batch *b = batch_open(STYLE_REPLY, count, compose_bytes_max());
    struct order order = {.kind = CALL_RUN,
                          .func = func,
                          .params = params,
                          .traceparent = request->traceparent,
                          .warm = request->warm,
                          .expires_ns = request->expires_ns};

    func->refs++;
    b->func = func;
    b->done = done;
    b->owner = owner;
    for (size_t i = 0; i < count; i++)
        start_item(b, i, &order, request->call_id);
    if (b->pending)
        return b;
    finish_if_done(b);
    return NULL;
}

/* -- Children -------------------------------------------------------------------------------- */

static struct str name_of(json_t *child)
{
    const json_t *name = json_array_get(child, 0);

    return (struct str){json_string_value(name), json_string_length(name)};
}

static bool child_order(const struct call *parent, json_t *child, struct order *order, char **text,
                        struct err *err)
{
    struct str name = name_of(child);
    json_t *params = json_array_get(child, 1);

    if (!name.at || !json_is_object(params))
        return err_set(err, ERR_BAD_REQUEST, "the parameters of a call must be an object");
    if (parent->order.depth + 1 > (unsigned)nesting_max)
        return err_set(err, ERR_BAD_REQUEST, "calls may be nested %lld deep, no deeper",
                       (long long)nesting_max);
    struct func *func = registry_get(name, err);
    if (!func)
        return false;
    if (func->current && !params_check(func->current, params, (struct str){NULL, 0}, err))
        return false;
    *text = json_dumps(params, JSON_COMPACT);
    *order = (struct order){.kind = CALL_RUN,
                            .func = func,
                            .params = str_of(*text),
                            .traceparent = parent->order.traceparent,
                            .warm = parent->order.warm,
                            .depth = parent->order.depth + 1,
                            .continues = true,
                            .expires_ns = parent->deadline_ns};
    return true;
}

static void start_child(struct batch *b, size_t i, json_t *child)
{
    struct order order;
    struct err err;
    char *text = NULL;

    if (child_order(b->parent, child, &order, &text, &err))
        start_item(b, i, &order, b->parent->order.call_id);
    else
        put_error(&b->items[i], &err, name_of(child), (struct str){NULL, 0}, NULL);
    free(text);
}

void compose_children(struct call *call, struct str list)
{
    json_t *children = json_loadb(list.at, list.len, JSON_ALLOW_NUL, NULL);
    size_t count = json_array_size(children);

    if (call->children || count == 0 || count > CHILDREN_MAX) {
        json_decref(children);
        crew_kill(call->member); /* our own worker code never says this */
        return;
    }
    struct batch *b = batch_open(STYLE_RESULT, count, (size_t)reply_max);
    b->parent = call;
    call->children = b;
    b->pending = 1; /* so that it does not end before all are started */
    for (size_t i = 0; i < count; i++)
        start_child(b, i, json_array_get(children, i));
    json_decref(children);
    b->pending--;
    finish_if_done(b);
}
