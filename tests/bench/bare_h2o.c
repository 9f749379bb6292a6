/* bare_h2o.c - libh2o alone, which answers {}: what HTTP costs with nothing behind it. */
/* SPDX-License-Identifier: MIT */
#include <arpa/inet.h>
#include <errno.h>
#include <h2o.h>
#include <h2o/http1.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

enum { BACKLOG = 1024, ACCEPTS_AT_ONCE = 16, WAIT_MOST_MS = 1000 };

static h2o_globalconf_t config;
static h2o_context_t context;
static h2o_accept_ctx_t accept_to;

static int on_request(h2o_handler_t *handler, h2o_req_t *req)
{
    static h2o_generator_t generator = {NULL, NULL};
    h2o_iovec_t body = h2o_iovec_init(H2O_STRLIT("{}"));

    (void)handler;
    req->res.status = 200;
    req->res.reason = "OK";
    req->res.content_length = body.len;
    h2o_add_header(&req->pool, &req->res.headers, H2O_TOKEN_CONTENT_TYPE, NULL,
                   H2O_STRLIT("application/json"));
    h2o_start_response(req, &generator);
    h2o_send(req, &body, 1, H2O_SEND_STATE_FINAL);
    return 0;
}

static void on_accept(h2o_socket_t *listener, const char *err)
{
    h2o_socket_t *socket;

    if (err)
        return;
    for (int i = 0; i < ACCEPTS_AT_ONCE && (socket = h2o_evloop_socket_accept(listener)); i++)
        h2o_accept(&accept_to, socket);
}

static void configure(void)
{
    h2o_config_init(&config);
    config.http1.upgrade_to_http2 = 0;
    h2o_hostconf_t *host =
        h2o_config_register_host(&config, h2o_iovec_init(H2O_STRLIT("default")), 65535);
    h2o_handler_t *handler =
        h2o_create_handler(h2o_config_register_path(host, "/", 0), sizeof(*handler));
    handler->on_req = on_request;
    h2o_context_init(&context, h2o_evloop_create(), &config);
    accept_to.ctx = &context;
    accept_to.hosts = config.hosts;
}

/* A socket on any free port of 127.0.0.1, or -1; the port is told as the server tells its own. */
static int listen_anywhere(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0 || bind(fd, (struct sockaddr *)&address, len) != 0 || listen(fd, BACKLOG) != 0 ||
        getsockname(fd, (struct sockaddr *)&address, &len) != 0)
        return -1; /* the program ends, and the descriptor with it */
    fprintf(stderr, "listening url=http://127.0.0.1:%d\n", ntohs(address.sin_port));
    return fd;
}

int main(void)
{
    int fd = listen_anywhere();

    if (fd < 0) {
        fprintf(stderr, "cannot listen: %s\n", strerror(errno));
        return 1;
    }
    configure();
    h2o_socket_read_start(h2o_evloop_socket_create(context.loop, fd, H2O_SOCKET_FLAG_DONT_READ),
                          on_accept);
    for (;;)
        h2o_evloop_run(context.loop, WAIT_MOST_MS);
}
