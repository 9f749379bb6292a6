/* probe.c - one request, over TLS where the settings have a certificate. */
/* SPDX-License-Identifier: MIT */
#include "front/probe.h"

#include <netdb.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/str.h"

enum { STEP_S = 1, REPLY_BYTES = 64 };

static const char *host_to_ask(const struct settings *settings)
{
    if (!settings->host[0] || strcmp(settings->host, "0.0.0.0") == 0)
        return "127.0.0.1";
    return strcmp(settings->host, "::") == 0 ? "::1" : settings->host;
}

/* The kernel's time to send is also that to connect. */
static int connect_one(const struct addrinfo *a)
{
    const struct timeval step = {.tv_sec = STEP_S};
    int fd = socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &step, sizeof(step));
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &step, sizeof(step));
    if (connect(fd, a->ai_addr, a->ai_addrlen) == 0)
        return fd;
    close(fd);
    return -1;
}

static int connect_to(const char *host, uint16_t port, struct err *err)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    struct addrinfo *list;
    char text[8], what[320];

    snprintf(text, sizeof(text), "%u", port);
    snprintf(what, sizeof(what), "no server listens on %s:%u", host, port);
    int failed = getaddrinfo(host, text, &hints, &list);
    if (failed) {
        err_set(err, ERR_INTERNAL, "%s: %s", what, gai_strerror(failed));
        return -1;
    }
    int fd = -1;
    for (const struct addrinfo *a = list; a && fd < 0; a = a->ai_next)
        fd = connect_one(a);
    if (fd < 0)
        err_set_errno(err, what);
    freeaddrinfo(list);
    return fd;
}

static bool ask(int fd, struct str request, char *reply, size_t *len)
{
    if (send(fd, request.at, request.len, 0) != (ssize_t)request.len)
        return false;
    ssize_t got = recv(fd, reply, REPLY_BYTES, MSG_WAITALL);
    *len = got > 0 ? (size_t)got : 0;
    return got > 0;
}

static bool ask_by_tls(int fd, struct str request, char *reply, size_t *len)
{
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    SSL *tls = context ? SSL_new(context) : NULL;
    bool ok = tls && SSL_set_fd(tls, fd) == 1 && SSL_connect(tls) == 1 &&
              SSL_write_ex(tls, request.at, request.len, len) == 1 &&
              SSL_read_ex(tls, reply, REPLY_BYTES, len) == 1;

    SSL_free(tls);
    SSL_CTX_free(context);
    return ok;
}

bool probe_health(const struct settings *settings, struct err *err)
{
    const struct str request = STR("GET /health HTTP/1.1\r\nhost: localhost\r\n"
                                   "connection: close\r\n\r\n");
    const char *host = host_to_ask(settings);
    char reply[REPLY_BYTES];
    size_t len = 0;

    if (!settings->port)
        return err_set(err, ERR_BAD_REQUEST, "port 0 is no port to ask");
    signal(SIGPIPE, SIG_IGN);
    int fd = connect_to(host, settings->port, err);
    if (fd < 0)
        return false;
    bool ok =
        settings->tls_cert ? ask_by_tls(fd, request, reply, &len) : ask(fd, request, reply, &len);
    close(fd);
    if (!ok)
        return err_set(err, ERR_INTERNAL, "%s:%u does not answer", host, settings->port);
    struct str line = {reply, len};
    line = str_cut(&line, '\r');
    return str_starts(line, STR("HTTP/1.1 200 ")) ||
           err_set(err, ERR_INTERNAL, "%s:%u answers \"%.*s\"", host, settings->port,
                   STR_ARG(line));
}
