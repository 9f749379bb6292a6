/* serve_calls.c - requests that become calls. */
/* SPDX-License-Identifier: MIT */
#include "front/serve_calls.h"

#include <stdlib.h>

#include "base/clock.h"
#include "front/params.h"
#include "front/pools.h"
#include "front/query.h"
#include "front/registry.h"
#include "front/reply.h"

enum { BODY_KEPT = 1 << 20 };

static const struct str none = {NULL, 0};
static bool optimized;

void serve_calls_init(const struct settings *settings)
{
    optimized = settings->optimized;
}

/* -- What requests have in common ------------------------------------------------------------ */

static struct func *find_func(struct exchange *ex, struct str name)
{
    struct err err;
    struct func *func = registry_get(name, &err);

    if (!func)
        exchange_send_error(ex, &err, name);
    return func;
}

static bool read_request(struct exchange *ex, struct request *request, struct err *err)
{
    enum call_start start;

    if (!query_start(ex, &start, err))
        return false;
    *request = (struct request){.call_id = ex->call_id,
                                .traceparent = ex->traceparent,
                                .warm = start == CALL_UNSTARTED ? optimized : start == CALL_WARM,
                                .expires_ns = ex->expires_ns};
    return true;
}

/* The body's parameters, checked where the function is loaded already. None are an empty text. */
static bool check_body(struct exchange *ex, const struct func *func, struct str *params,
                       struct err *err)
{
    json_t *value;

    *params = str_trim(exchange_body(ex));
    if (!params_parse(*params, &value, err))
        return false;
    if (json_object_size(value) == 0)
        *params = none;
    bool ok = !func->current || params_check(func->current, value, *params, err);
    json_decref(value);
    return ok;
}

/* Of several calls: the sums of their phases, the largest of their heaps, and warm only if all
 * were. */
static void put_timing(struct exchange *ex, const struct timing *timing)
{
    bool warm = timing->calls && timing->warm == timing->calls;
    static struct buf text;

    buf_clear(&text);
    for (int i = 0; i < PHASE_COUNT; i++) {
        buf_put_str(&text, i ? STR(", ") : STR(""));
        buf_put_str(&text, str_of(call_phase_names[i]));
        buf_put_str(&text, STR(";dur="));
        buf_put_decimal(&text, (timing->phase_ns[i] + 50) / 100, 4);
    }
    buf_put_str(&text, STR(", memory;desc=\""));
    buf_put_decimal(&text, timing->peak_bytes, 0);
    buf_put_str(&text, STR("\""));
    exchange_header(ex, "server-timing", buf_str(&text));
    exchange_header(ex, "x-start", str_of(call_start_names[warm ? CALL_WARM : CALL_COLD]));
}

/* -- Invoke ---------------------------------------------------------------------------------- */

struct invoke {
    struct exchange *ex;
    struct call *call;
};

static void on_invoke_gone(void *owner)
{
    struct invoke *invoke = owner;

    dispatch_abandon(invoke->call);
    free(invoke);
}

static void on_invoked(struct call *call, void *owner, const struct reply *reply)
{
    struct invoke *invoke = owner;
    struct exchange *ex = invoke->ex;
    struct str name = str_of(call->order.func->name);
    struct err err = reply->err;
    struct timing timing = {0};

    free(invoke);
    timing_add(&timing, reply);
    put_timing(ex, &timing);
    if (err.code == ERR_NONE && !reply_is_object(reply))
        err_set(&err, ERR_INTERNAL, "the worker's reply is no JSON object");
    if (err.code != ERR_NONE) {
        exchange_send_failure(ex, &err, name, &reply->failure);
        return;
    }
    static struct buf body;
    buf_clear(&body);
    reply_put_result(&body, reply);
    exchange_send_json(ex, 200, buf_str(&body));
    if (body.room > BODY_KEPT)
        buf_fini(&body);
}

void serve_invoke(struct exchange *ex, struct str name)
{
    struct func *func = find_func(ex, name);
    struct request request;
    struct str params;
    struct err err;

    if (!func)
        return;
    struct invoke *invoke = calloc(1, sizeof(*invoke));
    if (!invoke)
        abort();
    if (read_request(ex, &request, &err) && check_body(ex, func, &params, &err)) {
        struct order order = {.kind = CALL_RUN,
                              .func = func,
                              .params = params,
                              .call_id = request.call_id,
                              .traceparent = request.traceparent,
                              .warm = request.warm,
                              .expires_ns = request.expires_ns};
        invoke->ex = ex;
        invoke->call = dispatch_submit(&order, on_invoked, invoke, &err);
    }
    if (!invoke->call) {
        free(invoke);
        exchange_send_error(ex, &err, name);
        return;
    }
    exchange_wait(ex, on_invoke_gone, invoke);
}

/* -- Burst ----------------------------------------------------------------------------------- */

struct burst {
    struct exchange *ex;
    struct batch *batch;
};

static void on_burst_gone(void *owner)
{
    struct burst *burst = owner;

    compose_abandon(burst->batch);
    free(burst);
}

static void on_burst(void *owner, struct str json, const struct timing *timing)
{
    struct burst *burst = owner;

    put_timing(burst->ex, timing);
    exchange_send_json(burst->ex, 200, json);
    free(burst);
}

void serve_burst(struct exchange *ex, struct str name)
{
    struct func *func = find_func(ex, name);
    struct request request;
    struct str params;
    struct err err;
    int64_t count;

    if (!func)
        return;
    if (!read_request(ex, &request, &err) || !check_body(ex, func, &params, &err) ||
        !query_number(ex, QUERY_COUNT, &count, &err)) {
        exchange_send_error(ex, &err, name);
        return;
    }
    struct burst *burst = calloc(1, sizeof(*burst));
    if (!burst)
        abort();
    burst->ex = ex;
    struct batch *batch = compose_burst(func, (size_t)count, params, &request, on_burst, burst);
    if (!batch)
        return; /* all were refused: it is answered */
    burst->batch = batch;
    exchange_wait(ex, on_burst_gone, burst);
}

/* -- Chain ----------------------------------------------------------------------------------- */

static void on_chain_gone(void *owner)
{
    compose_chain_abandon(*(struct chain **)owner);
    free(owner);
}

struct chained {
    struct chain *chain; /* first, for on_chain_gone */
    struct exchange *ex;
};

static void on_chain(void *owner, int status, struct str json, const struct timing *timing)
{
    struct chained *chained = owner;

    put_timing(chained->ex, timing);
    exchange_send_json(chained->ex, status, json);
    free(chained);
}

void serve_chain(struct exchange *ex, struct str name)
{
    struct chained *chained = calloc(1, sizeof(*chained));
    struct request request;
    struct err err;

    (void)name;
    if (!chained)
        abort();
    chained->ex = ex;
    if (read_request(ex, &request, &err))
        chained->chain = compose_chain(exchange_body(ex), &request, on_chain, chained, &err);
    if (!chained->chain) {
        free(chained);
        exchange_send_error(ex, &err, none);
        return;
    }
    exchange_wait(ex, on_chain_gone, chained);
}

/* -- Warm pools ------------------------------------------------------------------------------ */

struct warming {
    struct exchange *ex;
    struct pool_change *change;
    size_t before;
    bool closing;
};

static void on_warming_gone(void *owner)
{
    struct warming *w = owner;

    pools_abandon(w->change);
    free(w);
}

/* `err` is NULL, or why the pool is smaller than asked. */
static void put_warmed(struct buf *body, const char *name, size_t size, size_t deployed,
                       const struct err *err)
{
    buf_format(body, "{\"function\":\"%s\",\"pool_size\":%zu,\"deployed\":%zu", name, size,
               deployed);
    if (err) {
        buf_format(body, ",\"code\":\"%s\",\"error\":", err_word(err->code));
        buf_put_json(body, str_of(err->text));
    }
    buf_format(body, "}");
}

static void on_pool_changed(void *owner, struct func *func, const struct err *err)
{
    struct warming *w = owner;
    size_t size = pools_figures(func).size;
    struct buf body = {0};

    if (err && size <= w->before && !w->closing) {
        exchange_send_error(w->ex, err, str_of(func->name));
    } else {
        if (w->closing)
            buf_format(&body, "{\"function\":\"%s\",\"undeployed\":%zu}", func->name, w->before);
        else
            put_warmed(&body, func->name, size, size > w->before ? size - w->before : 0, err);
        exchange_send_json(w->ex, 200, buf_str(&body));
        buf_fini(&body);
    }
    free(w);
}

static void change_pool(struct exchange *ex, struct func *func, size_t target, bool closing)
{
    struct warming *w = calloc(1, sizeof(*w));
    struct err err;

    if (!w)
        abort();
    *w = (struct warming){.ex = ex, .before = pools_figures(func).size, .closing = closing};
    w->change = pools_resize(func, target, on_pool_changed, w, &err);
    if (!w->change) {
        free(w);
        exchange_send_error(ex, &err, str_of(func->name));
        return;
    }
    exchange_wait(ex, on_warming_gone, w);
}

void serve_warm(struct exchange *ex, struct str name)
{
    struct func *func = find_func(ex, name);
    struct err err;
    int64_t size;

    if (!func)
        return;
    if (query_number(ex, QUERY_SIZE, &size, &err))
        change_pool(ex, func, func->pool_target + (size_t)size, false);
    else
        exchange_send_error(ex, &err, name);
}

void serve_unwarm(struct exchange *ex, struct str name)
{
    struct func *func = find_func(ex, name);

    if (func)
        change_pool(ex, func, 0, true);
}
