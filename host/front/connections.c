/* connections.c - accepting within limits, and closing what is idle. */
/* SPDX-License-Identifier: MIT */
#include "front/connections.h"

#include <errno.h>
#include <h2o/http1.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "front/file.h"
#include "front/peer.h"

enum {
    LISTENERS_MAX = 16,
    OTHER_FILES = 64,
    ACCEPTS_AT_ONCE = 16,
    HANDSHAKE_MS = 20,
    TTL_MOST = 255,
    AGAIN_MS = 500, /* by then what the kernel dropped has been sent again */
    REST_MS = 50
};

static struct {
    h2o_accept_ctx_t *accept;
    struct timers *timers;
    struct timer rest; /* nothing is accepted meanwhile */
    h2o_socket_t *listeners[LISTENERS_MAX];
    size_t listener_count;
    size_t count, most;
    unsigned stall_ms;
    bool shared;
    uint64_t shut_ns; /* 0: not yet */
} c;

/* A connection that cannot be accepted for want of descriptors would keep the loop awake: the limit
 * on connections keeps clear of that on descriptors. */
static size_t possible(size_t wanted)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return wanted;
    if (limit.rlim_cur < wanted + OTHER_FILES) {
        limit.rlim_cur =
            limit.rlim_max < wanted + OTHER_FILES ? limit.rlim_max : wanted + OTHER_FILES;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
    if (limit.rlim_cur >= wanted + OTHER_FILES)
        return wanted;
    size_t most = limit.rlim_cur > 2 * OTHER_FILES ? limit.rlim_cur - OTHER_FILES : OTHER_FILES;
    log_line(LOG_WARN, "fewer connections than wanted: the limit on descriptors is %zu most=%zu",
             (size_t)limit.rlim_cur, most);
    return most;
}

void connections_init(h2o_accept_ctx_t *accept, const struct settings *settings,
                      struct timers *timers)
{
    c.accept = accept;
    c.timers = timers;
    c.most = possible((size_t)settings->connections_max);
    c.stall_ms = (unsigned)settings->write_stall_ms;
}

/* -- Taking ---------------------------------------------------------------------------------- */

static void on_accept(h2o_socket_t *listener, const char *err);

/* Past the limit nothing is accepted: further clients wait in the kernel's backlog. */
static void listen_while_room(void)
{
    bool room = c.count < c.most && !c.rest.place;

    for (size_t i = 0; i < c.listener_count; i++)
        if (!room)
            h2o_socket_read_stop(c.listeners[i]);
        else if (!h2o_socket_is_reading(c.listeners[i]))
            h2o_socket_read_start(c.listeners[i], on_accept);
}

/* After connections_shut: a listener that has given all it had is left, once the clients whose SYN
 * was answered before have had the time to complete that. */
static void leave_empty(void)
{
    for (size_t i = c.listener_count; i-- > 0;) {
        struct pollfd waiting = {.fd = h2o_socket_get_fd(c.listeners[i]), .events = POLLIN};

        if (poll(&waiting, 1, 0) != 0)
            continue;
        shutdown(waiting.fd, SHUT_RD); /* at once; libh2o closes it in its next turn */
        h2o_socket_close(c.listeners[i]);
        c.listeners[i] = c.listeners[--c.listener_count];
    }
}

static void on_connection_closed(void)
{
    c.count--;
    listen_while_room();
}

static void on_rested(struct timer *timer)
{
    (void)timer;
    listen_while_room();
}

/* A connection that cannot be accepted for want of descriptors stays ready to be. */
static void rest(void)
{
    timer_start(c.timers, &c.rest, clock_now_ns() + REST_MS * NS_PER_MS, on_rested);
}

/* Linux drops what has come over more hops than this allows. */
static void allow_hops(int fd, bool any)
{
    const int least = any ? 0 : TTL_MOST;

    setsockopt(fd, IPPROTO_IP, IP_MINTTL, &least, sizeof(least));
    setsockopt(fd, IPPROTO_IPV6, IPV6_MINHOPCOUNT, &least, sizeof(least));
}

static bool accept_one(h2o_socket_t *listener)
{
    errno = 0;
    h2o_socket_t *socket = c.count < c.most ? h2o_evloop_socket_accept(listener) : NULL;

    if (!socket && file_is_want(errno))
        rest();
    if (!socket)
        return false;
    c.count++;
    peer_open(socket, clock_now_ns(), on_connection_closed);
    if (c.shut_ns)
        allow_hops(h2o_socket_get_fd(socket), true); /* the listener's it has inherited */
    setsockopt(h2o_socket_get_fd(socket), IPPROTO_TCP, TCP_USER_TIMEOUT, &c.stall_ms,
               sizeof(c.stall_ms));
    h2o_accept(c.accept, socket);
    return true;
}

static void on_accept(h2o_socket_t *listener, const char *err)
{
    if (err)
        return;
    for (int i = 0; i < ACCEPTS_AT_ONCE && accept_one(listener); i++)
        ;
    listen_while_room();
}

void connections_listen(const int *listeners, size_t count, bool shared)
{
    c.shared = shared;
    for (size_t i = 0; i < count && c.listener_count < LISTENERS_MAX; i++)
        c.listeners[c.listener_count++] =
            h2o_evloop_socket_create(c.accept->ctx->loop, listeners[i], H2O_SOCKET_FLAG_DONT_READ);
    listen_while_room();
}

size_t connections_count(void)
{
    return c.count;
}

bool connections_are_taken(void)
{
    if (c.shut_ns && clock_now_ns() >= c.shut_ns + HANDSHAKE_MS * NS_PER_MS)
        leave_empty();
    return c.listener_count > 0;
}

/* -- Letting go ------------------------------------------------------------------------------ */

void connections_leave(void)
{
    while (c.listener_count)
        h2o_socket_close(c.listeners[--c.listener_count]);
}

/* Closing a socket that listens resets connections that the kernel has made and nobody has taken:
 * clients that have sent a request. So the kernel makes no more first: it drops each SYN, but not
 * the end of a handshake that had begun. (A filter of packets would say so more plainly, but asks
 * for CAP_NET_ADMIN.) */
void connections_shut(void)
{
    if (c.shared)
        connections_leave();
    if (c.shut_ns || c.shared)
        return;
    c.shut_ns = clock_now_ns();
    for (size_t i = 0; i < c.listener_count; i++)
        allow_hops(h2o_socket_get_fd(c.listeners[i]), false);
}

/* A request stays in the buffer until its reply has gone. What was sent and not yet read counts
 * as a request too. */
static bool is_idle(h2o_socket_t *socket)
{
    char byte;

    return socket->input->size == 0 &&
           recv(h2o_socket_get_fd(socket), &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0;
}

static int close_if_idle(h2o_req_t *req, void *data)
{
    const struct timeval *opened_before = data;
    h2o_socket_t *socket = req->conn->callbacks->get_socket(req->conn);

    if (timercmp(&req->conn->connected_at, opened_before, <) && is_idle(socket))
        shutdown(h2o_socket_get_fd(socket), SHUT_RDWR); /* h2o reads the end, and closes it */
    return 0;
}

/* After connections_shut a client may have sent its request before it was accepted: that was
 * dropped too. */
void connections_close_idle(int64_t ms)
{
    if (c.shut_ns && ms < AGAIN_MS)
        ms = AGAIN_MS;
    const struct timeval age = {ms / 1000, ms % 1000 * 1000};
    struct timeval now = *h2o_get_timestamp(c.accept->ctx, NULL, NULL);
    struct timeval opened_before;

    timersub(&now, &age, &opened_before);
    H2O_HTTP1_CALLBACKS.foreach_request(c.accept->ctx, close_if_idle, &opened_before);
}
