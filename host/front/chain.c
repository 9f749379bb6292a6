/* chain.c - calls in sequence, each one's result the parameters of the next. */
/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "front/compose.h"
#include "front/member.h"
#include "front/params.h"
#include "front/registry.h"
#include "front/reply.h"

enum { STEPS_MAX = 64 };

struct chain {
    struct func *funcs[STEPS_MAX];
    size_t count, step;
    struct buf params, steps; /* of the step under way; JSON of those done */
    struct buf call_id, traceparent;
    bool warm;
    uint64_t expires_ns, began_ns;
    struct call *call;
    struct timing timing;
    chain_done done;
    void *owner;
};

static void chain_close(struct chain *c)
{
    for (size_t i = 0; i < c->count; i++)
        func_unref(c->funcs[i]);
    buf_fini(&c->params);
    buf_fini(&c->steps);
    buf_fini(&c->call_id);
    buf_fini(&c->traceparent);
    free(c);
}

void compose_chain_abandon(struct chain *chain)
{
    if (chain->call)
        dispatch_abandon(chain->call);
    chain_close(chain);
}

/* -- Reading the request --------------------------------------------------------------------- */

static bool add_step(struct chain *c, json_t *step, struct err *err)
{
    struct str name = {json_string_value(step), json_string_length(step)};

    if (!name.at)
        return err_set(err, ERR_BAD_REQUEST, "chain must be a list of function names");
    struct func *func = registry_find(name);
    if (!func)
        return err_set(err, ERR_UNKNOWN_FUNCTION, "unknown function in chain: %.*s", STR_ARG(name));
    func->refs++;
    c->funcs[c->count++] = func;
    return true;
}

static bool read_steps(struct chain *c, json_t *body, struct str text, struct err *err)
{
    json_t *steps = json_object_get(body, "chain"), *params = json_object_get(body, "params");
    size_t count = json_array_size(steps);

    if (!json_is_array(steps) || count < 1 || count > STEPS_MAX)
        return err_set(err, ERR_BAD_REQUEST, "chain must be a list of 1 to %d function names",
                       STEPS_MAX);
    if (params && !json_is_object(params))
        return err_set(err, ERR_BAD_REQUEST, "params must be an object");
    for (size_t i = 0; i < count; i++)
        if (!add_step(c, json_array_get(steps, i), err))
            return false;
    struct version *first = c->funcs[0]->current;
    text = params ? member_find(text, "params") : (struct str){NULL, 0};
    buf_put_str(&c->params, text);
    return !first || params_check(first, params, text, err);
}

/* -- Running --------------------------------------------------------------------------------- */

static void finish(struct chain *c, const struct err *err, const struct failure *failure)
{
    struct buf out = {0};

    buf_format(&out, "{\"chain_length\":%zu,\"total_ms\":", c->count);
    reply_put_ms(&out, clock_now_ns() - c->began_ns);
    buf_put_str(&out, STR(",\"steps\":["));
    buf_put_str(&out, buf_str(&c->steps));
    buf_put_str(&out, STR("]"));
    if (err) {
        struct buf error = {0};

        reply_put_error(&error, err, str_of(c->funcs[c->step]->name), buf_str(&c->call_id),
                        failure);
        error.at[0] = ','; /* its fields go on where the others end */
        buf_put_str(&out, buf_str(&error));
        buf_fini(&error);
    } else {
        buf_put_str(&out, STR("}"));
    }
    c->done(c->owner, err ? failure_status(failure, err) : 200, buf_str(&out), &c->timing);
    buf_fini(&out);
    chain_close(c);
}

static void put_step(struct chain *c, const struct reply *reply)
{
    buf_format(&c->steps, "%s{\"function\":\"%s\",\"latency_ms\":", c->step ? "," : "",
               c->funcs[c->step]->name);
    reply_put_ms(&c->steps, reply->latency_ns);
    buf_put_str(&c->steps, STR(",\"result\":"));
    buf_put_str(&c->steps, reply->json);
    buf_put_str(&c->steps, STR("}"));
}

static void on_step(struct call *call, void *owner, const struct reply *reply);

static bool start_step(struct chain *c, struct err *err)
{
    char id[CALL_ID_SIZE];
    int len = snprintf(id, sizeof(id), "%.*s.%zu", STR_ARG(buf_str(&c->call_id)), c->step + 1);
    struct order order = {.kind = CALL_RUN,
                          .func = c->funcs[c->step],
                          .params = buf_str(&c->params),
                          .call_id = {id, (size_t)len},
                          .traceparent = buf_str(&c->traceparent),
                          .warm = c->warm,
                          .continues = c->step > 0,
                          .expires_ns = c->expires_ns};

    c->call = dispatch_submit(&order, on_step, c, err);
    return c->call != NULL;
}

/* The result becomes the next step's parameters, checked as a client's would be. */
static bool next_step(struct chain *c, const struct reply *reply, struct err *err)
{
    struct version *version = c->funcs[c->step]->current;
    json_t *params;

    buf_clear(&c->params);
    buf_put_str(&c->params, reply->json);
    if (!params_parse(reply->json, &params, err))
        return false;
    bool ok = !version || params_check(version, params, (struct str){NULL, 0}, err);
    json_decref(params);
    return ok && start_step(c, err);
}

static void on_step(struct call *call, void *owner, const struct reply *reply)
{
    struct chain *c = owner;
    struct err err;

    (void)call;
    c->call = NULL;
    timing_add(&c->timing, reply);
    if (reply->err.code != ERR_NONE) {
        finish(c, &reply->err, &reply->failure);
        return;
    }
    if (!reply_is_sound(reply)) {
        err_set(&err, ERR_INTERNAL, "the worker's reply is no JSON object");
        finish(c, &err, NULL);
        return;
    }
    if (c->steps.len + reply->json.len > compose_bytes_max()) {
        err_set(&err, ERR_BAD_RESULT, "the results of the steps together are more than %zu bytes",
                compose_bytes_max());
        finish(c, &err, NULL);
        return;
    }
    put_step(c, reply);
    if (++c->step == c->count)
        finish(c, NULL, NULL);
    else if (!next_step(c, reply, &err))
        finish(c, &err, NULL);
}

struct chain *compose_chain(struct str text, const struct request *request, chain_done done,
                            void *owner, struct err *err)
{
    struct chain *c = calloc(1, sizeof(*c));
    json_t *body;

    if (!c)
        abort();
    *c = (struct chain){.warm = request->warm,
                        .expires_ns = request->expires_ns,
                        .began_ns = clock_now_ns(),
                        .done = done,
                        .owner = owner};
    buf_put_str(&c->call_id, request->call_id);
    buf_put_str(&c->traceparent, request->traceparent);
    bool ok =
        params_parse(text, &body, err) && read_steps(c, body, text, err) && start_step(c, err);
    json_decref(body);
    if (ok)
        return c;
    chain_close(c);
    return NULL;
}
