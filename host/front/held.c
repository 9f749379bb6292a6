/* held.c - bounds on what slow clients can make the front hold. */
/* SPDX-License-Identifier: MIT */
#include "front/held.h"

#include "base/clock.h"
#include "front/peer.h"

/* Looks come sooner when much is held, and later where one takes long: with many connections they
 * must not slow the loop. */
enum { LOOK_MS = 250, LOOK_SOON_MS = 20, LOOK_SHARE = 50, SMALL_BYTES = 16 << 10 };

static struct {
    h2o_context_t *context;
    struct timers *timers;
    struct timer look;
    size_t most, bodies, replies;
    uint64_t read_ms, stall_ms;
    struct held first; /* of the ring of replies: its next began first */
} s;

static h2o_socket_t *socket_of(h2o_req_t *req)
{
    return req->conn->callbacks->get_socket(req->conn);
}

static void cut(h2o_req_t *req)
{
    req->http1_is_persistent = 0;
    peer_cut(socket_of(req));
}

/* -- Replies --------------------------------------------------------------------------------- */

void held_drop(struct held *held)
{
    if (!held->req)
        return;
    held->previous->next = held->next;
    held->next->previous = held->previous;
    s.replies -= held->bytes;
    held->req = NULL;
}

static void give_up(struct held *held)
{
    h2o_req_t *req = held->req;

    held_drop(held);
    cut(req);
}

void held_add(struct held *held, h2o_req_t *req, size_t bytes)
{
    *held = (struct held){.previous = s.first.previous,
                          .next = &s.first,
                          .req = req,
                          .bytes = bytes,
                          .moved_ns = clock_now_ns()};
    held->previous->next = held;
    s.first.previous = held;
    s.replies += bytes;
    while (s.replies > s.most && s.first.next != held)
        give_up(s.first.next);
}

/* A client of HTTP/2 that opens no window takes nothing, and the kernel does not see it. (With
 * HTTP/1, TCP_USER_TIMEOUT does.) */
static void look_at_replies(uint64_t now_ns)
{
    for (struct held *held = s.first.next, *next; held != &s.first; held = next) {
        next = held->next;
        if (held->req->version < 0x200)
            continue;
        if (held->sent != held->req->bytes_sent) {
            held->sent = held->req->bytes_sent;
            held->moved_ns = now_ns;
        }
        if (now_ns - held->moved_ns > s.stall_ms * NS_PER_MS)
            give_up(held);
    }
}

/* -- Requests -------------------------------------------------------------------------------- */

bool held_take_body(size_t bytes)
{
    if (bytes > s.most - s.bodies)
        return false;
    s.bodies += bytes;
    return true;
}

void held_give_body(size_t bytes)
{
    s.bodies -= bytes;
}

struct look {
    uint64_t now_ms, oldest_ms;
    size_t bytes;
};

static uint64_t ms_of(struct timeval t)
{
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_usec / 1000;
}

/* How long ago a request began. */
static uint64_t age_ms(const struct look *look, const h2o_req_t *req)
{
    uint64_t began = ms_of(req->timestamps.request_begin_at);

    return began && began < look->now_ms ? look->now_ms - began : 0;
}

/* HTTP/2: the stream has sent a part of its head or of its body, and not all of it. */
static bool is_read(const h2o_req_t *req)
{
    bool has_begun = req->timestamps.request_begin_at.tv_sec != 0;
    bool has_body = req->timestamps.request_body_begin_at.tv_sec != 0;

    return has_begun && (req->input.method.len == 0 || (has_body && !req->entity.base));
}

/* What is held of a request that is still being read, else 0. How much of a body HTTP/2 has read
 * does not show: it counts as the largest. */
static size_t read_bytes(h2o_req_t *req)
{
    h2o_socket_t *socket = socket_of(req);
    size_t bytes;

    if (req->version >= 0x200)
        return is_read(req) ? s.context->globalconf->max_request_entity_size : 0;
    bytes = peer_of(socket)->requests ? 0 : socket->input->capacity;
    return bytes > SMALL_BYTES ? bytes : 0;
}

static bool is_late(const struct look *look, const h2o_req_t *req)
{
    return req->version >= 0x200 && is_read(req) && age_ms(look, req) > s.read_ms;
}

static int measure(h2o_req_t *req, void *data)
{
    struct look *look = data;
    size_t bytes = read_bytes(req);

    if (is_late(look, req))
        cut(req);
    look->bytes += bytes;
    if (bytes && age_ms(look, req) > look->oldest_ms)
        look->oldest_ms = age_ms(look, req);
    return 0;
}

/* Of those that hold most of all, who began in the first half of the time. */
static int relieve(h2o_req_t *req, void *data)
{
    struct look *look = data;
    size_t bytes = read_bytes(req);

    if (look->bytes <= s.most)
        return 1;
    if (bytes && age_ms(look, req) >= look->oldest_ms / 2) {
        look->bytes -= bytes;
        cut(req);
    }
    return 0;
}

static void each_request(int (*f)(h2o_req_t *, void *), struct look *look)
{
    s.context->globalconf->http1.callbacks.foreach_request(s.context, f, look);
    s.context->globalconf->http2.callbacks.foreach_request(s.context, f, look);
}

static void on_look(struct timer *timer)
{
    struct look look = {ms_of(*h2o_get_timestamp(s.context, NULL, NULL)), 0, 0};
    uint64_t began_ns = clock_now_ns(), pause_ns;

    each_request(measure, &look);
    if (look.bytes > s.most)
        each_request(relieve, &look);
    look_at_replies(began_ns);
    pause_ns = (look.bytes > s.most / 2 ? LOOK_SOON_MS : LOOK_MS) * NS_PER_MS;
    pause_ns += LOOK_SHARE * (clock_now_ns() - began_ns);
    timer_start(s.timers, timer, began_ns + pause_ns, on_look);
}

void held_init(h2o_context_t *context, const struct settings *settings, struct timers *timers)
{
    s.context = context;
    s.timers = timers;
    s.most = (size_t)settings->buffers_max;
    s.read_ms = (uint64_t)settings->read_timeout_ms;
    s.stall_ms = (uint64_t)settings->write_stall_ms;
    s.first.previous = s.first.next = &s.first;
    timer_start(timers, &s.look, clock_now_ns() + LOOK_MS * NS_PER_MS, on_look);
}
