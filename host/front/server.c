/* server.c - the front's event loop. */
/* SPDX-License-Identifier: MIT */
#include "front/server.h"

#include <errno.h>
#include <h2o.h>
#include <jansson.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/pace.h"
#include "front/connections.h"
#include "front/front_wall.h"
#include "front/held.h"
#include "front/http2.h"
#include "front/inbox.h"
#include "front/pools.h"
#include "front/profiles.h"
#include "front/registry.h"
#include "front/routes.h"
#include "front/tls.h"
#include "wire/control.h"
#include "wire/ticker.h"

enum { WATCHED_MAX = 4, WAIT_MOST_MS = 1000, RETRY_MS = 1, QUIET_MS = 100, LOOK_MS = 20 };

static struct {
    const struct settings *settings;
    struct timers timers;
    struct timer over, look;
    struct ticker ticker;
    h2o_globalconf_t config;
    h2o_context_t context;
    h2o_accept_ctx_t accept;
    const int *listeners;
    size_t listener_count;
    h2o_socket_t *watched[WATCHED_MAX]; /* descriptors that are no connections */
    size_t watched_count;
    int control;
    uint64_t drain_ns;
    bool told_ready, draining, ending, stopped;
} s;

/* -- The end --------------------------------------------------------------------------------- */

static void on_over(struct timer *timer)
{
    (void)timer;
    if (exchange_count())
        log_line(LOG_WARN, "requests are cut off: they did not end in time requests=%zu",
                 exchange_count());
    s.stopped = true;
}

/* From now on replies close their connections, and the front ends when none is left, or after
 * drain_ms. */
static void end(void)
{
    s.ending = true;
    exchange_close_connections();
    h2o_context_request_shutdown(&s.context); /* tells clients of HTTP/2 */
    timer_start(&s.timers, &s.over, clock_now_ns() + (uint64_t)s.settings->drain_ms * NS_PER_MS,
                on_over);
}

/* A client that keeps its connection busy has sent a request meanwhile and been told to go. What is
 * quiet for so long is closed: that crosses a request of its client only by a rare chance, and the
 * client then knows that nobody read it. */
static void on_look(struct timer *timer)
{
    uint64_t now = clock_now_ns();

    if (now >= s.drain_ns + QUIET_MS * NS_PER_MS)
        connections_close_idle(QUIET_MS);
    timer_start(&s.timers, timer, now + LOOK_MS * NS_PER_MS, on_look);
}

/* Connections are still taken while requests are worked on, so that whoever asks for /ready is
 * told; new calls are refused. */
static void drain(void)
{
    if (s.draining)
        return;
    s.draining = true;
    log_line(LOG_INFO, "draining requests=%zu connections=%zu", exchange_count(),
             connections_count());
    dispatch_drain();
    routes_drain();
    profiles_drain();
    end();
    s.drain_ns = clock_now_ns();
    on_look(&s.look);
}

/* Another front takes connections from the same sockets. Those there are have their requests served
 * here; idle ones are closed when their time has come, as ever. */
static void retire(void)
{
    if (s.ending)
        return;
    log_line(LOG_INFO, "retiring requests=%zu connections=%zu", exchange_count(),
             connections_count());
    connections_leave();
    end();
}

static void end_when_done(void)
{
    if (s.draining && exchange_waiting() == 0)
        connections_shut();
    if (!connections_are_taken() && connections_count() == 0)
        s.stopped = true;
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

static void on_profiles(h2o_socket_t *socket, const char *err)
{
    (void)socket;
    (void)err;
    profiles_on_done();
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
    case CONTROL_LISTEN:
        connections_listen(s.listeners, s.listener_count, c->status == 1);
        break;
    case CONTROL_RETIRE:
        retire();
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
    connections_leave();
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
    s.config.http1.req_timeout = (uint64_t)settings->read_timeout_ms;
    s.config.handshake_timeout = (uint64_t)settings->read_timeout_ms;
    http2_configure(&s.config, settings);
    h2o_hostconf_t *host =
        h2o_config_register_host(&s.config, h2o_iovec_init(H2O_STRLIT("default")), 65535);
    exchange_configure(&s.config, host, (size_t)settings->body_max, &s.timers);
    h2o_handler_t *handler =
        h2o_create_handler(h2o_config_register_path(host, "/", 0), sizeof(*handler));
    handler->on_req = routes_serve;
    h2o_context_init(&s.context, h2o_evloop_create(), &s.config);
    held_init(&s.context, settings, &s.timers);
    s.accept.ctx = &s.context;
    s.accept.hosts = s.config.hosts;
    connections_init(&s.accept, settings, &s.timers);
}

/* Once the functions found at the start have been loaded, or have failed to. */
static void tell_ready(void)
{
    const struct control ready = {.type = CONTROL_READY, .slot = UINT32_MAX};

    if (s.told_ready || !registry_is_ready())
        return;
    s.told_ready = true;
    if (send(s.control, &ready, sizeof(ready), MSG_NOSIGNAL) < 0)
        log_line(LOG_ERROR, "the supervisor does not listen error=%s",
                 log_quoted(str_of(strerror(errno))));
}

/* One turn: what is due, what workers sent, then what sockets have. It waits only when there was
 * nothing to do: a reply that was sent leaves its connection with work for the next turn. */
static void turn(void)
{
    bool any = timers_fire(&s.timers, clock_now_ns());

    ticker_look(&s.ticker);
    any |= inbox_drain();
    dispatch_start();
    bool unsent = crew_flush();
    int wait_ms = 0;

    if (!any && crew_may_sleep())
        wait_ms = timers_wait_ms(&s.timers, clock_now_ns(), unsent ? RETRY_MS : WAIT_MOST_MS);
    h2o_evloop_run(s.context.loop, wait_ms); /* -1 when a signal came: the next turn goes on */
    crew_woken();
    tell_ready();
    if (s.ending)
        end_when_done();
}

int server_main(const struct switchboard *board, const struct settings *settings,
                const int *listeners, size_t listener_count, int control)
{
    struct err err;

    s.settings = settings;
    s.control = control;
    pace_set(PACE_QUICK);
    s.listeners = listeners;
    s.listener_count = listener_count;
    crew_init(board, control);
    dispatch_init(settings, &s.timers);
    compose_init(settings);
    pools_init(settings);
    routes_init(settings);
    configure();
    if (!ticker_start(&s.ticker, &board->own[SOURCE_FRONT], "front\nloop\n",
                      __builtin_frame_address(0)))
        log_line(LOG_WARN, "no timers: the front is not in profiles");
    if (!tls_open(settings, &s.accept.ssl_ctx, &err) || !registry_init(settings, &s.timers, &err) ||
        !profiles_start(settings, &err)) {
        log_line(LOG_ERROR, "%s", err.text);
        return 1;
    }
    if (s.accept.ssl_ctx)
        tls_warn(settings, s.accept.ssl_ctx);
    watch(board->wake_front, on_wake);
    watch(control, on_control);
    if (registry_fd() >= 0)
        watch(registry_fd(), on_files_changed);
    watch(profiles_fd(), on_profiles);
    bool walled =
        !settings->walls || front_wall_raise(board->uploads ? board->uploads->to_pusher : -1, &err);
    if (!walled)
        log_line(LOG_ERROR, "no wall: %s", err.text);
    while (walled && !s.stopped)
        turn();
    unwatch_all();
    profiles_stop();
    return walled ? 0 : 1;
}
