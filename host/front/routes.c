/* routes.c - the table of routes, and finding the one of a request. */
/* SPDX-License-Identifier: MIT */
#include "front/routes.h"

#include "front/listings.h"
#include "front/metrics.h"
#include "front/openapi.h"
#include "front/page.h"
#include "front/profiles.h"
#include "front/rates.h"
#include "front/registry.h"
#include "front/serve_calls.h"

static bool draining;

/* -- Health ---------------------------------------------------------------------------------- */

static void serve_health(struct exchange *ex, struct str name)
{
    (void)name;
    exchange_send(ex, 200, "text/plain", STR("OK"));
}

static void serve_ready(struct exchange *ex, struct str name)
{
    struct dispatch_figures figures = dispatch_figures();
    struct buf body = {0};
    const char *separator = "";

    (void)name;
    const struct {
        bool holds;
        const char *text;
    } reasons[] = {{!registry_is_ready(), "starting"},
                   {draining, "draining"},
                   {figures.queued >= figures.queue_max, "queue full"}};
    bool ready = true;
    for (size_t i = 0; i < sizeof(reasons) / sizeof(*reasons); i++)
        ready &= !reasons[i].holds;
    buf_format(&body, "{\"status\":\"%s\",\"reasons\":[", ready ? "ready" : "unavailable");
    for (size_t i = 0; i < sizeof(reasons) / sizeof(*reasons); i++)
        if (reasons[i].holds) {
            buf_format(&body, "%s\"%s\"", separator, reasons[i].text);
            separator = ",";
        }
    buf_put_str(&body, STR("]}"));
    exchange_send_json(ex, ready ? 200 : 503, buf_str(&body));
    buf_fini(&body);
}

static void serve_metrics(struct exchange *ex, struct str name)
{
    struct buf body = {0};

    (void)name;
    metrics_put(&body);
    exchange_send(ex, 200, "text/plain; version=0.0.4; charset=utf-8", buf_str(&body));
    buf_fini(&body);
}

/* -- The table ------------------------------------------------------------------------------- */

static const struct route routes[] = {
    {"GET", "/", ACCESS_OPEN, serve_page, .doc = {"The page", .reply = "text/html"}},
    {"GET", "/page/*", ACCESS_OPEN, serve_page_file, .doc = {0}},
    {"GET", "/health", ACCESS_OPEN, serve_health,
     .doc = {"The process answers", .reply = "text/plain"}},
    {"GET", "/ready", ACCESS_OPEN, serve_ready,
     .doc = {"Ready for traffic?", .reply = "Ready", .unready = "Ready"}},
    {"GET", "/metrics", ACCESS_OPEN, serve_metrics,
     .doc = {"Figures for Prometheus", .reply = "text/plain"}},
    {"POST", "/fn/invoke/*", ACCESS_INVOKE, serve_invoke,
     .doc = {"One call", .name = "fn", .body = "Params", .reply = "Result",
             .queries = {QUERY_START}}},
    {"POST", "/fn/burst/*", ACCESS_INVOKE, serve_burst,
     .doc = {"Calls at once with the same parameters", .name = "fn", .body = "Params",
             .reply = "Burst", .queries = {QUERY_COUNT, QUERY_START}}},
    {"POST", "/fn/chain", ACCESS_INVOKE, serve_chain,
     .doc = {"Calls in sequence: each result is the next one's parameters", .body = "Chain",
             .reply = "Chained", .queries = {QUERY_START}}},
    {"GET", "/fn/list", ACCESS_OPEN, serve_list, .doc = {"What can be called", .reply = "List"}},
    {"GET", "/fn/stats", ACCESS_OPEN, serve_stats,
     .doc = {"Figures by function", .reply = "Stats"}},
    {"GET", "/fn/logs/*", ACCESS_ADMIN, serve_logs,
     .doc = {"What a function logged last, and how its calls failed", .name = "fn", .reply = "Logs",
             .queries = {QUERY_TAIL}}},
    {"POST", "/fn/warmpool/*", ACCESS_ADMIN, serve_warm,
     .doc = {"More warm instances", .name = "fn", .reply = "Warmed", .queries = {QUERY_SIZE}}},
    {"DELETE", "/fn/warmpool/*", ACCESS_ADMIN, serve_unwarm,
     .doc = {"Closes the pool of warm instances", .name = "fn", .reply = "Unwarmed"}},
    {"GET", "/fn/warmpool", ACCESS_OPEN, serve_pools, .doc = {"Every pool", .reply = "Pools"}},
    {"GET", "/debug/pprof/", ACCESS_ADMIN, serve_profiles,
     .doc = {"The profiles", .reply = "Profiles"}},
    {"GET", "/debug/pprof/*", ACCESS_ADMIN, serve_profile,
     .doc = {"A profile for pprof, a gzip protobuf", .name = "profile",
             .reply = "application/octet-stream",
             .queries = {QUERY_SECONDS, QUERY_FUNCTION, QUERY_START}}},
    {"GET", "/debug/flame", ACCESS_ADMIN, serve_flame,
     .doc = {"What was sampled lately, as a tree", .reply = "Flame",
             .queries = {QUERY_TYPE, QUERY_LAST, QUERY_FUNCTION, QUERY_START}}},
    {"GET", "/debug/profiling", ACCESS_ADMIN, serve_rates,
     .doc = {"How often samples are taken", .reply = "Rates"}},
    {"PUT", "/debug/profiling", ACCESS_ADMIN, serve_rate_changes,
     .doc = {"Changes how often samples are taken", .body = "Rates", .reply = "Rates"}},
    {"GET", "/openapi.json", ACCESS_OPEN, serve_openapi,
     .doc = {"This document", .reply = "Document"}},
};

enum { ROUTES = sizeof(routes) / sizeof(*routes) };

static bool matches(const struct route *route, struct str path, struct str *name)
{
    struct str prefix = str_of(route->path);

    if (prefix.at[prefix.len - 1] != '*')
        return str_equal(path, prefix);
    prefix.len--;
    if (!str_starts(path, prefix) || path.len == prefix.len)
        return false;
    *name = (struct str){path.at + prefix.len, path.len - prefix.len};
    return !memchr(name->at, '/', name->len);
}

/* HEAD is GET without the body. */
static bool takes(const struct route *route, struct str method)
{
    if (str_equal(method, STR("HEAD")))
        method = STR("GET");
    return str_equal(method, str_of(route->method));
}

static void refuse(struct exchange *ex, struct str path, struct str method)
{
    const struct str none = {NULL, 0};
    struct buf allow = {0};
    struct str name;
    struct err err;

    for (size_t i = 0; i < ROUTES; i++)
        if (matches(&routes[i], path, &name))
            buf_format(&allow, "%s%s%s", allow.len ? ", " : "", routes[i].method,
                       strcmp(routes[i].method, "GET") == 0 ? ", HEAD" : "");
    if (allow.len) {
        err_set(&err, ERR_METHOD_NOT_ALLOWED, "%.*s takes %.*s, not %.*s", STR_ARG(path),
                STR_ARG(buf_str(&allow)), STR_ARG(method));
        exchange_header(ex, "allow", buf_str(&allow));
    } else {
        err_set(&err, ERR_NOT_FOUND, "there is nothing at %.*s", STR_ARG(path));
    }
    exchange_send_error(ex, &err, none);
    buf_fini(&allow);
}

static void serve(const struct route *route, struct exchange *ex, struct str name)
{
    const struct str none = {NULL, 0};
    struct err err;

    if (access_allows(ex, route->access, &err)) {
        route->serve(ex, name);
        return;
    }
    if (err.code == ERR_UNAUTHORIZED)
        exchange_header(ex, "www-authenticate", STR("Bearer"));
    exchange_send_error(ex, &err, none);
}

int routes_serve(h2o_handler_t *self, h2o_req_t *req)
{
    struct str method = {req->method.base, req->method.len}, path;
    struct exchange *ex;
    struct err err;

    (void)self;
    if (!exchange_open(req, &ex, &err)) {
        exchange_send_error(ex, &err, (struct str){NULL, 0});
        return 0;
    }
    path = exchange_path(ex);
    for (size_t i = 0; i < ROUTES; i++) {
        struct str name = {NULL, 0};

        if (matches(&routes[i], path, &name) && takes(&routes[i], method)) {
            serve(&routes[i], ex, name);
            return 0;
        }
    }
    refuse(ex, path, method);
    return 0;
}

void routes_init(const struct settings *settings)
{
    query_init(settings);
    serve_calls_init(settings);
    rates_init(settings);
}

const struct route *routes_table(size_t *count)
{
    *count = ROUTES;
    return routes;
}

void routes_drain(void)
{
    draining = true;
}
