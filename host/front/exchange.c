/* exchange.c - requests and replies over libh2o. */
/* SPDX-License-Identifier: MIT */
#include "front/exchange.h"

#include <poll.h>

#include "base/clock.h"
#include "front/reply.h"

enum { TIMEOUT_MOST_MS = 600000 };

/* What chunked encoding may add to a body; h2o counts it too. */
enum { CHUNKS_ROOM = 64 << 10, SWEEP_MOST = 1024 };

static size_t body_max;
static struct exchange *first;      /* the newest one that is open */
static struct exchange *sweep_next; /* where exchange_sweep goes on */
static size_t count;
static bool closing;

static const char *reason_of(int status)
{
    static const struct {
        int status;
        const char *reason;
    } reasons[] = {{200, "OK"},
                   {400, "Bad Request"},
                   {404, "Not Found"},
                   {405, "Method Not Allowed"},
                   {413, "Payload Too Large"},
                   {429, "Too Many Requests"},
                   {500, "Internal Server Error"},
                   {502, "Bad Gateway"},
                   {503, "Service Unavailable"},
                   {504, "Gateway Timeout"}};

    for (size_t i = 0; i < sizeof(reasons) / sizeof(*reasons); i++)
        if (reasons[i].status == status)
            return reasons[i].reason;
    return "Unknown";
}

/* -- Reading --------------------------------------------------------------------------------- */

static struct str header_of(h2o_req_t *req, struct str name)
{
    ssize_t i = h2o_find_header_by_str(&req->headers, name.at, name.len, -1);

    if (i < 0)
        return (struct str){NULL, 0};
    h2o_iovec_t value = req->headers.entries[i].value;
    return (struct str){value.base, value.len};
}

static bool is_visible(struct str s)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.at[i] < 0x21 || s.at[i] > 0x7E)
            return false;
    return s.len > 0;
}

static struct str keep(h2o_req_t *req, struct str s)
{
    h2o_iovec_t copy = h2o_strdup(&req->pool, s.at, s.len);

    return (struct str){copy.base, copy.len};
}

/* The client's own id if it is one, else a fresh one. */
static struct str call_id_of(h2o_req_t *req)
{
    struct str given = header_of(req, STR("x-call-id"));
    char fresh[CALL_ID_SIZE];

    if (is_visible(given) && given.len <= CALL_ID_MAX)
        return given;
    call_make_id(fresh);
    return keep(req, str_of(fresh));
}

static void on_gone(void *exchange)
{
    struct exchange *ex = exchange;

    count--;
    *(ex->previous ? &ex->previous->next : &first) = ex->next;
    if (ex->next)
        ex->next->previous = ex->previous;
    if (sweep_next == ex)
        sweep_next = ex->next;
    if (ex->gone)
        ex->gone(ex->owner);
}

static bool too_large(struct err *err)
{
    return err_set(err, ERR_TOO_LARGE, "the request body is more than %zu bytes", body_max);
}

bool exchange_open(h2o_req_t *req, struct exchange **exchange, struct err *err)
{
    struct exchange *ex = h2o_mem_alloc_shared(&req->pool, sizeof(*ex), on_gone);
    struct str timeout = header_of(req, STR("x-timeout-ms"));
    struct str traceparent = header_of(req, STR("traceparent"));
    int64_t ms;

    count++;
    *ex = (struct exchange){
        .req = req, .call_id = call_id_of(req), .arrived_ns = clock_now_ns(), .next = first};
    if (first)
        first->previous = ex;
    first = ex;
    if (is_visible(traceparent) && traceparent.len <= TRACEPARENT_MAX)
        ex->traceparent = traceparent;
    *exchange = ex;
    if (req->entity.len > body_max)
        return too_large(err);
    if (!timeout.at)
        return true;
    if (!str_to_int64(str_trim(timeout), 1, TIMEOUT_MOST_MS, &ms))
        return err_set(err, ERR_BAD_REQUEST, "X-Timeout-Ms must be a whole number from 1 to %d",
                       TIMEOUT_MOST_MS);
    ex->expires_ns = ex->arrived_ns + (uint64_t)ms * NS_PER_MS;
    return true;
}

struct str exchange_body(const struct exchange *ex)
{
    return (struct str){ex->req->entity.base, ex->req->entity.len};
}

struct str exchange_path(const struct exchange *ex)
{
    h2o_iovec_t path = ex->req->path;
    size_t end = ex->req->query_at < path.len ? ex->req->query_at : path.len;

    return (struct str){path.base, end};
}

struct str exchange_query(const struct exchange *ex, struct str name)
{
    h2o_iovec_t path = ex->req->path;
    struct str rest = {NULL, 0};

    if (ex->req->query_at < path.len)
        rest = (struct str){path.base + ex->req->query_at + 1, path.len - ex->req->query_at - 1};
    while (rest.len) {
        struct str value = str_cut(&rest, '&'), key = str_cut(&value, '=');

        if (str_equal(key, name))
            return value.at ? value : STR("");
    }
    return (struct str){NULL, 0};
}

/* -- Replying -------------------------------------------------------------------------------- */

void exchange_header(struct exchange *ex, const char *name, struct str value)
{
    struct str kept = keep(ex->req, value);

    h2o_add_header_by_str(&ex->req->pool, &ex->req->res.headers, name, strlen(name), 0, NULL,
                          kept.at, kept.len);
}

void exchange_send(struct exchange *ex, int status, const char *content_type, struct str body)
{
    static h2o_generator_t whole = {NULL, NULL};
    h2o_req_t *req = ex->req;
    h2o_iovec_t copy = h2o_strdup(&req->pool, body.at, body.len);

    ex->gone = NULL; /* nobody works on it any more */
    if (status == 429 || status == 503)
        exchange_header(ex, "retry-after", STR("1"));
    if (closing)
        req->http1_is_persistent = 0;
    req->res.status = status;
    req->res.reason = reason_of(status);
    req->res.content_length = body.len;
    h2o_add_header(&req->pool, &req->res.headers, H2O_TOKEN_CONTENT_TYPE, NULL, content_type,
                   strlen(content_type));
    h2o_start_response(req, &whole);
    if (h2o_memis(req->input.method.base, req->input.method.len, H2O_STRLIT("HEAD")))
        h2o_send(req, NULL, 0, H2O_SEND_STATE_FINAL);
    else
        h2o_send(req, &copy, 1, H2O_SEND_STATE_FINAL);
}

void exchange_send_json(struct exchange *ex, int status, struct str body)
{
    exchange_header(ex, "x-call-id", ex->call_id);
    exchange_send(ex, status, "application/json", body);
}

void exchange_send_error(struct exchange *ex, const struct err *err, struct str function,
                         struct str details)
{
    struct buf body = {0};

    reply_put_error(&body, err, function, ex->call_id, details);
    exchange_send_json(ex, err_status(err->code), buf_str(&body));
    buf_fini(&body);
}

size_t exchange_count(void)
{
    return count;
}

static bool has_left(const struct exchange *ex)
{
    h2o_conn_t *conn = ex->req->conn;
    struct pollfd client = {.fd = h2o_socket_get_fd(conn->callbacks->get_socket(conn)),
                            .events = POLLRDHUP};

    return poll(&client, 1, 0) == 1;
}

/* The reply that cannot arrive makes h2o find out. */
static void let_go(struct exchange *ex)
{
    const struct err err = {ERR_INTERNAL, "the client has left"};

    ex->gone(ex->owner);
    exchange_send_error(ex, &err, (struct str){NULL, 0}, (struct str){NULL, 0});
}

void exchange_sweep(uint64_t before_ns)
{
    if (!sweep_next)
        sweep_next = first;
    for (int i = 0; i < SWEEP_MOST && sweep_next; i++) {
        struct exchange *ex = sweep_next;

        sweep_next = ex->next;
        if (ex->gone && ex->arrived_ns < before_ns && has_left(ex))
            let_go(ex);
    }
}

void exchange_close_connections(void)
{
    closing = true;
}

/* -- Refusals by h2o ------------------------------------------------------------------------- */

struct refusal {
    h2o_ostream_t super;
    h2o_iovec_t body;
};

static void send_refusal(h2o_ostream_t *self, h2o_req_t *req, h2o_iovec_t *bufs, size_t bufcnt,
                         h2o_send_state_t state)
{
    struct refusal *r = (struct refusal *)self;

    (void)bufs;
    (void)bufcnt;
    h2o_ostream_send_next(&r->super, req, &r->body, 1, state);
}

/* Runs on a request that h2o answers without asking us. */
static void on_setup(h2o_filter_t *self, h2o_req_t *req, h2o_ostream_t **slot)
{
    struct buf text = {0};
    struct err err;

    (void)self;
    if (req->res.status == 413) {
        struct str call_id = call_id_of(req);

        too_large(&err);
        reply_put_error(&text, &err, (struct str){NULL, 0}, call_id, (struct str){NULL, 0});
        h2o_add_header_by_str(&req->pool, &req->res.headers, H2O_STRLIT("x-call-id"), 0, NULL,
                              call_id.at, call_id.len);
        struct refusal *r = (struct refusal *)h2o_add_ostream(req, sizeof(*r), slot);
        slot = &r->super.next;
        r->super.do_send = send_refusal;
        r->body = h2o_strdup(&req->pool, text.at, text.len);
        req->res.content_length = text.len;
        h2o_set_header(&req->pool, &req->res.headers, H2O_TOKEN_CONTENT_TYPE,
                       H2O_STRLIT("application/json"), 1);
        buf_fini(&text);
    }
    h2o_setup_next_ostream(req, slot);
}

static void register_filter(h2o_pathconf_t *path)
{
    h2o_filter_t *filter = h2o_create_filter(path, sizeof(*filter));

    filter->on_setup_ostream = on_setup;
}

void exchange_configure(h2o_globalconf_t *config, h2o_hostconf_t *host, size_t most)
{
    body_max = most;
    config->max_request_entity_size = most + most / 8 + CHUNKS_ROOM;
    register_filter(&host->fallback_path);
}
