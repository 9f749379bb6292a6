/* exchange.c - requests and replies over libh2o. */
/* SPDX-License-Identifier: MIT */
#include "front/exchange.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "front/head.h"
#include "front/peer.h"
#include "front/reply.h"

enum { TIMEOUT_MOST_MS = 600000 };

/* What chunked encoding may add to a body; h2o counts it too. */
enum { CHUNKS_ROOM = 64 << 10 };

/* What may be read of a next request before the reply has gone; how long a client that closed its
 * half has a reply sent all the same, and how often one that sent more is looked at. */
enum { EARLY_MAX = 64 << 10, LEFT_MS = 100 };

static size_t body_max;
static struct timers *timers;
static size_t count, waiting;
static bool closing;

static const char *reason_of(int status)
{
    static const struct {
        int status;
        const char *reason;
    } reasons[] = {{200, "OK"},
                   {304, "Not Modified"},
                   {400, "Bad Request"},
                   {401, "Unauthorized"},
                   {402, "Payment Required"},
                   {403, "Forbidden"},
                   {404, "Not Found"},
                   {405, "Method Not Allowed"},
                   {413, "Payload Too Large"},
                   {409, "Conflict"},
                   {410, "Gone"},
                   {422, "Unprocessable Content"},
                   {429, "Too Many Requests"},
                   {500, "Internal Server Error"},
                   {501, "Not Implemented"},
                   {502, "Bad Gateway"},
                   {503, "Service Unavailable"},
                   {504, "Gateway Timeout"}};

    for (size_t i = 0; i < sizeof(reasons) / sizeof(*reasons); i++)
        if (reasons[i].status == status)
            return reasons[i].reason;
    return status < 500 ? "Client Error" : "Server Error"; /* a function's own status */
}

/* -- Waiting --------------------------------------------------------------------------------- */

static bool is_http1(const struct exchange *ex)
{
    return ex->req->version < 0x200;
}

static h2o_socket_t *socket_of(const struct exchange *ex)
{
    return ex->req->conn->callbacks->get_socket(ex->req->conn);
}

/* The reply that cannot be sent makes h2o find out. */
static void let_go(struct exchange *ex)
{
    const struct err err = {.code = ERR_INTERNAL, .text = "the client has left"};

    ex->gone(ex->owner);
    ex->req->http1_is_persistent = 0; /* nor are requests that it sent before it left begun */
    shutdown(h2o_socket_get_fd(socket_of(ex)), SHUT_RDWR);
    exchange_send_error(ex, &err, (struct str){NULL, 0});
}

static void on_left(struct timer *timer)
{
    let_go((struct exchange *)timer);
}

/* Its next request waits to be read, so the loop does not tell whether it stays. */
static void on_look(struct timer *timer)
{
    struct exchange *ex = (struct exchange *)timer;
    struct pollfd client = {.fd = h2o_socket_get_fd(socket_of(ex)), .events = POLLRDHUP};

    if (poll(&client, 1, 0) == 1)
        let_go(ex);
    else
        timer_start(timers, timer, clock_now_ns() + LEFT_MS * NS_PER_MS, on_look);
}

/* A client that waits for its reply sends its next request, or leaves. What it sends is not read
 * before the reply: the request's texts lie in the buffer that would have to grow. */
static void on_early(h2o_socket_t *socket, const char *err)
{
    struct exchange *ex = peer_of(socket)->waiting;
    char byte;

    if (!ex) { /* its reply is on the way, and h2o is about to read again */
        if (err || socket->input->size > EARLY_MAX)
            h2o_socket_read_stop(socket);
        return;
    }
    ssize_t len = recv(h2o_socket_get_fd(socket), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    if (len < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    h2o_socket_read_stop(socket);
    if (len < 0)
        let_go(ex);
    else
        timer_start(timers, &ex->left, clock_now_ns() + LEFT_MS * NS_PER_MS,
                    len == 0 ? on_left : on_look);
}

/* With HTTP/1, h2o stops reading while a request is worked on. Going on with reading, by a callback
 * of our own, tells when the client leaves, and saves two system calls a request: the kernel's
 * interest in the socket never changes. */
void exchange_wait(struct exchange *ex, void (*gone)(void *owner), void *owner)
{
    h2o_socket_t *socket = socket_of(ex);

    ex->gone = gone;
    ex->owner = owner;
    waiting++;
    if (!is_http1(ex))
        return;
    peer_of(socket)->waiting = ex;
    h2o_socket_dont_read(socket, 1);
    h2o_socket_read_start(socket, on_early);
}

static void end_wait(struct exchange *ex)
{
    h2o_socket_t *socket = socket_of(ex);

    waiting -= ex->gone != NULL;
    ex->gone = NULL; /* nobody works on it any more */
    if (peer_of(socket)->waiting != ex)
        return;
    peer_of(socket)->waiting = NULL;
    timer_stop(timers, &ex->left);
    h2o_socket_dont_read(socket, 0);
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

static struct str keep(h2o_req_t *req, struct str s)
{
    h2o_iovec_t copy = h2o_strdup(&req->pool, s.at, s.len);

    return (struct str){copy.base, copy.len};
}

/* The client's own id if it is one, else a fresh one. */
static struct str call_id_of(h2o_req_t *req)
{
    struct str given = header_of(req, STR("x-call-id"));
    static struct buf fresh;

    if (given.len && str_is_visible(given) && given.len <= CALL_ID_MAX)
        return given;
    buf_clear(&fresh);
    call_make_id(&fresh);
    return keep(req, buf_str(&fresh));
}

static void on_gone(void *exchange)
{
    struct exchange *ex = exchange;

    void (*gone)(void *) = ex->gone;

    count--;
    peer_of(socket_of(ex))->requests--;
    held_give_body(ex->body_bytes);
    held_drop(&ex->held);
    end_wait(ex);
    if (!gone)
        return;
    gone(ex->owner);
    if (!is_http1(ex))
        peer_took_back(socket_of(ex), clock_now_ns());
}

static bool too_large(struct err *err)
{
    return err_set(err, ERR_TOO_LARGE, "the request body is more than %zu bytes", body_max);
}

/* The head still lies where h2o reads the next one: it is taken out with the reply. */
static bool check_head(struct exchange *ex, struct err *err)
{
    const h2o_buffer_t *input = socket_of(ex)->input;

    if (peer_of(socket_of(ex))->cut)
        return err_set(err, ERR_BAD_REQUEST, "too many requests were taken back");
    if (!is_http1(ex) || head_check((struct str){input->bytes, input->size}, err))
        return true;
    ex->req->http1_is_persistent = 0; /* what comes behind it is no request */
    return false;
}

/* Until its reply has been sent, a request's body lies where it was read. */
static bool take_body(struct exchange *ex, struct err *err)
{
    if (!held_take_body(ex->req->entity.len))
        return err_set(err, ERR_QUEUE_FULL, "the bodies of calls fill what there is for them");
    ex->body_bytes = ex->req->entity.len;
    return true;
}

bool exchange_open(h2o_req_t *req, struct exchange **exchange, struct err *err)
{
    struct exchange *ex = h2o_mem_alloc_shared(&req->pool, sizeof(*ex), on_gone);
    struct str timeout = header_of(req, STR("x-timeout-ms"));
    struct str traceparent = header_of(req, STR("traceparent"));
    int64_t ms;

    count++;
    peer_of(req->conn->callbacks->get_socket(req->conn))->requests++;
    *ex = (struct exchange){.req = req, .call_id = call_id_of(req)};
    if (traceparent.len && str_is_visible(traceparent) && traceparent.len <= TRACEPARENT_MAX)
        ex->traceparent = traceparent;
    *exchange = ex;
    if (!check_head(ex, err))
        return false;
    if (req->entity.len > body_max)
        return too_large(err);
    if (!take_body(ex, err))
        return false;
    if (!timeout.at)
        return true;
    if (!str_to_int64(str_trim(timeout), 1, TIMEOUT_MOST_MS, &ms))
        return err_set(err, ERR_BAD_REQUEST, "X-Timeout-Ms must be a whole number from 1 to %d",
                       TIMEOUT_MOST_MS);
    ex->expires_ns = clock_now_ns() + (uint64_t)ms * NS_PER_MS;
    return true;
}

struct str exchange_body(const struct exchange *ex)
{
    return (struct str){ex->req->entity.base, ex->req->entity.len};
}

struct str exchange_asked(const struct exchange *ex, struct str name)
{
    return header_of(ex->req, name);
}

struct str exchange_authority(const struct exchange *ex)
{
    h2o_iovec_t authority = ex->req->input.authority;

    return (struct str){authority.base, authority.len};
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

static void put_retry_after(struct exchange *ex)
{
    static struct buf seconds;

    buf_clear(&seconds);
    buf_put_decimal(&seconds, ex->retry_s ? ex->retry_s : 1, 0);
    exchange_header(ex, "retry-after", buf_str(&seconds));
}

/* With 304 the length is that of what is not sent. */
static bool has_body(const h2o_req_t *req)
{
    return req->res.status != 304 &&
           !h2o_memis(req->input.method.base, req->input.method.len, H2O_STRLIT("HEAD"));
}

void exchange_send_lasting(struct exchange *ex, int status, const char *content_type,
                           struct str body)
{
    static h2o_generator_t whole = {NULL, NULL};
    h2o_iovec_t piece = {(char *)(uintptr_t)body.at, body.len};
    h2o_req_t *req = ex->req;

    end_wait(ex);
    held_add(&ex->held, req, body.len);
    if (status == 429 || status == 503)
        put_retry_after(ex);
    if (closing)
        req->http1_is_persistent = 0;
    req->res.status = status;
    req->res.reason = reason_of(status);
    req->res.content_length = body.len;
    h2o_add_header(&req->pool, &req->res.headers, H2O_TOKEN_CONTENT_TYPE, NULL, content_type,
                   strlen(content_type));
    h2o_start_response(req, &whole);
    h2o_send(req, &piece, has_body(req) ? 1 : 0, H2O_SEND_STATE_FINAL);
}

void exchange_send(struct exchange *ex, int status, const char *content_type, struct str body)
{
    exchange_send_lasting(ex, status, content_type, keep(ex->req, body));
}

void exchange_send_json(struct exchange *ex, int status, struct str body)
{
    exchange_header(ex, "x-call-id", ex->call_id);
    exchange_send(ex, status, "application/json", body);
}

void exchange_send_error(struct exchange *ex, const struct err *err, struct str function)
{
    exchange_send_failure(ex, err, function, NULL);
}

void exchange_send_failure(struct exchange *ex, const struct err *err, struct str function,
                           const struct failure *failure)
{
    struct buf body = {0};

    ex->retry_s = err->retry_s;
    reply_put_error(&body, err, function, ex->call_id, failure);
    exchange_send_json(ex, failure_status(failure, err), buf_str(&body));
    buf_fini(&body);
}

size_t exchange_count(void)
{
    return count;
}

size_t exchange_waiting(void)
{
    return waiting;
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
        reply_put_error(&text, &err, (struct str){NULL, 0}, call_id, NULL);
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

void exchange_configure(h2o_globalconf_t *config, h2o_hostconf_t *host, size_t most,
                        struct timers *of_loop)
{
    timers = of_loop;
    body_max = most;
    config->max_request_entity_size = most + most / 8 + CHUNKS_ROOM;
    register_filter(&host->fallback_path);
}
