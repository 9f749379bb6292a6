/* server.c - the front's event loop. */
/* SPDX-License-Identifier: MIT */
#include "front/server.h"

#include <errno.h>
#include <h2o.h>
#include <h2o/http1.h>
#include <jansson.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/pace.h"
#include "front/front_wall.h"
#include "front/inbox.h"
#include "front/pools.h"
#include "front/registry.h"
#include "front/routes.h"
#include "wire/control.h"

enum {
    LISTENERS_MAX = 16,
    WATCHED_MAX = 3,
    OTHER_FILES = 64,
    ACCEPTS_AT_ONCE = 16,
    WAIT_MOST_MS = 1000,
    RETRY_MS = 1
};

static struct {
    const struct settings *settings;
    struct timers timers;
    struct timer drained;
    h2o_globalconf_t config;
    h2o_context_t context;
    h2o_accept_ctx_t accept;
    h2o_socket_t *listeners[LISTENERS_MAX];
    size_t listener_count;
    h2o_socket_t *watched[WATCHED_MAX]; /* descriptors that are no connections */
    size_t watched_count;
    size_t connections, connections_max;
    int control;
    bool draining, stopped;
} s;

/* -- Connections ----------------------------------------------------------------------------- */

static void on_accept(h2o_socket_t *listener, const char *err);

/* Past the limit nothing is accepted: further clients wait in the kernel's backlog. */
static void listen_while_room(void)
{
    bool room = s.connections < s.connections_max;

    for (size_t i = 0; i < s.listener_count; i++)
        if (!room)
            h2o_socket_read_stop(s.listeners[i]);
        else if (!h2o_socket_is_reading(s.listeners[i]))
            h2o_socket_read_start(s.listeners[i], on_accept);
}

static void on_connection_closed(void *data)
{
    (void)data;
    s.connections--;
    listen_while_room();
}

static void on_accept(h2o_socket_t *listener, const char *err)
{
    unsigned stall_ms = (unsigned)s.settings->write_stall_ms;
    h2o_socket_t *socket;

    if (err)
        return;
    for (int i = 0; i < ACCEPTS_AT_ONCE; i++) {
        if (s.connections >= s.connections_max || !(socket = h2o_evloop_socket_accept(listener)))
            break;
        s.connections++;
        socket->on_close.cb = on_connection_closed;
        setsockopt(h2o_socket_get_fd(socket), IPPROTO_TCP, TCP_USER_TIMEOUT, &stall_ms,
                   sizeof(stall_ms));
        h2o_accept(&s.accept, socket);
    }
    listen_while_room();
}

/* -- Drain ----------------------------------------------------------------------------------- */

static void on_drain_over(struct timer *timer)
{
    (void)timer;
    log_line(LOG_WARN, "requests are cut off: they did not end in time requests=%zu",
             exchange_count());
    s.stopped = true;
}

static void drain(void)
{
    if (s.draining)
        return;
    s.draining = true;
    log_line(LOG_INFO, "draining requests=%zu", exchange_count());
    dispatch_drain();
    routes_drain();
    exchange_close_connections();
    timer_start(&s.timers, &s.drained, clock_now_ns() + (uint64_t)s.settings->drain_ms * NS_PER_MS,
                on_drain_over);
}

/* -- Descriptors on the loop ----------------------------------------------------------------- */

static void on_wake(h2o_socket_t *socket, const char *err)
{
    uint64_t wakes;

    (void)err;
    if (read(h2o_socket_get_fd(socket), &wakes, sizeof(wakes)) < 0 && errno != EAGAIN)
        abort();
}

static void on_files_changed(h2o_socket_t *socket, const char *err)
{
    (void)socket;
    (void)err;
    registry_on_change();
}

static void take_control(const struct control *c)
{
    struct member *m = c->slot < crew.count ? &crew.members[c->slot] : NULL;

    switch (c->type) {
    case CONTROL_STARTED:
        if (m && m->generation == c->generation)
            m->pid = c->pid;
        break;
    case CONTROL_DIED:
        if (m && m->generation == c->generation)
            inbox_worker_died(m, c->status);
        break;
    case CONTROL_DRAIN:
        drain();
        break;
    default:
        break;
    }
}

static void on_control(h2o_socket_t *socket, const char *err)
{
    struct control c;
    ssize_t len;

    (void)socket;
    (void)err;
    while ((len = recv(s.control, &c, sizeof(c), MSG_DONTWAIT)) == (ssize_t)sizeof(c))
        take_control(&c);
    if (len == 0)
        s.stopped = true; /* the supervisor is gone */
}

static void watch(int fd, h2o_socket_cb on_readable)
{
    h2o_socket_t *socket = h2o_evloop_socket_create(s.context.loop, fd, H2O_SOCKET_FLAG_DONT_READ);

    s.watched[s.watched_count++] = socket;
    h2o_socket_read_start(socket, on_readable);
}

static void unwatch_all(void)
{
    while (s.watched_count)
        h2o_socket_close(s.watched[--s.watched_count]);
    while (s.listener_count)
        h2o_socket_close(s.listeners[--s.listener_count]);
}

/* A connection that cannot be accepted for want of descriptors would keep the loop awake: the limit
 * on connections keeps clear of that on descriptors. */
static size_t connections_possible(void)
{
    size_t wanted = (size_t)s.settings->connections_max;
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
    size_t possible = limit.rlim_cur > 2 * OTHER_FILES ? limit.rlim_cur - OTHER_FILES : OTHER_FILES;
    log_line(LOG_WARN, "fewer connections than wanted: the limit on descriptors is %zu most=%zu",
             (size_t)limit.rlim_cur, possible);
    return possible;
}

/* -- Start and loop -------------------------------------------------------------------------- */

/* jansson leaves out part of a text when it gets no memory, and calls it good. */
static void *allocate_for_json(size_t bytes)
{
    void *at = malloc(bytes);

    if (!at)
        abort(); /* the supervisor starts the next front */
    return at;
}

static void configure(void)
{
    const struct settings *settings = s.settings;

    json_set_alloc_funcs(allocate_for_json, free);
    h2o_config_init(&s.config);
    s.config.server_name = h2o_iovec_init(H2O_STRLIT("faas-server"));
    s.config.http1.upgrade_to_http2 = 0; /* this libh2o has no answer to rapid resets */
    s.config.http1.req_timeout = (uint64_t)settings->read_timeout_ms;
    h2o_hostconf_t *host =
        h2o_config_register_host(&s.config, h2o_iovec_init(H2O_STRLIT("default")), 65535);
    exchange_configure(&s.config, host, (size_t)settings->body_max, &s.timers);
    h2o_handler_t *handler =
        h2o_create_handler(h2o_config_register_path(host, "/", 0), sizeof(*handler));
    handler->on_req = routes_serve;
    h2o_context_init(&s.context, h2o_evloop_create(), &s.config);
    s.accept.ctx = &s.context;
    s.accept.hosts = s.config.hosts;
}

/* One turn: what is due, what workers sent, then what sockets have. It waits only when there was
 * nothing to do: a reply that was sent leaves its connection with work for the next turn. */
static void turn(void)
{
    bool any = timers_fire(&s.timers, clock_now_ns());

    any |= inbox_drain();
    dispatch_start();
    bool unsent = crew_flush();
    int wait_ms = 0;

    if (!any && crew_may_sleep())
        wait_ms = timers_wait_ms(&s.timers, clock_now_ns(), unsent ? RETRY_MS : WAIT_MOST_MS);
    h2o_evloop_run(s.context.loop, wait_ms); /* -1 when a signal came: the next turn goes on */
    crew_woken();
    if (s.draining && exchange_count() == 0)
        s.stopped = true;
}

int server_main(const struct switchboard *board, const struct settings *settings,
                const int *listeners, size_t listener_count, int control)
{
    struct err err;

    s.settings = settings;
    s.control = control;
    pace_set(PACE_QUICK);
    s.connections_max = connections_possible();
    crew_init(board, control);
    dispatch_init(settings, &s.timers);
    compose_init(settings);
    pools_init(settings);
    routes_init(settings);
    configure();
    if (!registry_init(settings, &s.timers, &err)) {
        log_line(LOG_ERROR, "%s", err.text);
        return 1;
    }
    watch(board->wake_front, on_wake);
    watch(control, on_control);
    if (registry_fd() >= 0)
        watch(registry_fd(), on_files_changed);
    for (size_t i = 0; i < listener_count && i < LISTENERS_MAX; i++)
        s.listeners[s.listener_count++] =
            h2o_evloop_socket_create(s.context.loop, listeners[i], H2O_SOCKET_FLAG_DONT_READ);
    listen_while_room();
    if (settings->walls && !front_wall_raise(&err)) {
        log_line(LOG_ERROR, "no wall: %s", err.text);
        return 1;
    }
    while (!s.stopped)
        turn();
    unwatch_all();
    return 0;
}
