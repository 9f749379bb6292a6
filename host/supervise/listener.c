/* listener.c - binding addresses. */
/* SPDX-License-Identifier: MIT */
#include "supervise/listener.h"

#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/tokens.h"

enum { BACKLOG = 4096 };

union address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

static void set_port(struct sockaddr *address, in_port_t port)
{
    union address *a = (union address *)address;

    if (address->sa_family == AF_INET6)
        a->v6.sin6_port = port;
    else
        a->v4.sin_port = port;
}

static in_port_t port_of(int fd)
{
    union address a;
    socklen_t len = sizeof(a);

    memset(&a, 0, sizeof(a));
    getsockname(fd, &a.any, &len);
    return a.any.sa_family == AF_INET6 ? a.v6.sin6_port : a.v4.sin_port;
}

static int open_one(const struct addrinfo *a)
{
    int on = 1, fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (a->ai_family == AF_INET6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
    if (bind(fd, a->ai_addr, a->ai_addrlen) == 0 && listen(fd, BACKLOG) == 0)
        return fd;
    close(fd);
    return -1;
}

static bool is_loopback(const struct sockaddr *address)
{
    const union address *a = (const union address *)address;

    if (address->sa_family == AF_INET6)
        return IN6_IS_ADDR_LOOPBACK(&a->v6.sin6_addr);
    return ntohl(a->v4.sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
}

/* What changes the server is open on loopback alone. */
static bool check_address(const struct settings *settings, const struct sockaddr *address,
                          const char *what, struct err *err)
{
    return settings->local_clients || tokens_has(TOKEN_ADMIN) || is_loopback(address) ||
           err_set(err, ERR_BAD_REQUEST,
                   "%s is not loopback: set FAAS_ADMIN_TOKEN (%d characters or more) to listen "
                   "there, or listen on 127.0.0.1",
                   what, TOKEN_LEN_MIN);
}

static bool may_listen(const struct settings *settings, const struct addrinfo *list,
                       struct err *err)
{
    const char *what = settings->host[0] ? settings->host : "every address (no host)";

    for (const struct addrinfo *a = list; a; a = a->ai_next)
        if (!check_address(settings, a->ai_addr, what, err))
            return false;
    return true;
}

bool listener_check(const struct settings *settings, const int *fds, size_t count, struct err *err)
{
    for (size_t i = 0; i < count; i++) {
        union address a;
        socklen_t len = sizeof(a);

        memset(&a, 0, sizeof(a));
        getsockname(fds[i], &a.any, &len);
        if (!check_address(settings, &a.any, "a socket that was handed over", err))
            return false;
    }
    return true;
}

/* With port 0 the first address chooses it and the others follow. */
static bool open_all(const struct addrinfo *list, int *fds, size_t *count)
{
    for (const struct addrinfo *a = list; a && *count < LISTENERS_MAX; a = a->ai_next) {
        if (*count)
            set_port(a->ai_addr, port_of(fds[0]));
        int fd = open_one(a);
        if (fd < 0)
            return false;
        fds[(*count)++] = fd;
    }
    return *count > 0;
}

static bool has_ipv6(bool any)
{
    const struct sockaddr_in6 probe = {.sin6_family = AF_INET6,
                                       .sin6_addr = any ? in6addr_any : in6addr_loopback};
    int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool has = fd >= 0 && bind(fd, (const struct sockaddr *)&probe, sizeof(probe)) == 0;

    if (fd >= 0)
        close(fd);
    return has;
}

static bool has_other(const struct addrinfo *a)
{
    while (a && a->ai_family == AF_INET6)
        a = a->ai_next;
    return a != NULL;
}

static void drop_ipv6(struct addrinfo **list)
{
    struct addrinfo *a;

    while ((a = *list)) {
        if (a->ai_family != AF_INET6) {
            list = &a->ai_next;
            continue;
        }
        *list = a->ai_next;
        a->ai_next = NULL;
        freeaddrinfo(a);
    }
}

/* The addresses of the settings; the caller frees them. On a machine without IPv6, names have their
 * IPv6 addresses all the same: there the others count. */
static bool resolve(const struct settings *settings, struct addrinfo **list, struct err *err)
{
    const struct addrinfo hints = {.ai_flags = AI_PASSIVE, .ai_socktype = SOCK_STREAM};
    bool any = settings->host[0] == '\0';
    char port[8];

    snprintf(port, sizeof(port), "%u", settings->port);
    int failed = getaddrinfo(any ? NULL : settings->host, port, &hints, list);
    if (failed)
        return err_set(err, ERR_INTERNAL, "cannot listen on %s:%s: %s", settings->host, port,
                       gai_strerror(failed));
    if (has_other(*list) && !has_ipv6(any))
        drop_ipv6(list);
    return true;
}

bool listener_open(const struct settings *settings, int fds[LISTENERS_MAX], size_t *count,
                   struct err *err)
{
    struct addrinfo *list;
    char what[320];

    *count = 0;
    if (!resolve(settings, &list, err))
        return false;
    bool may = may_listen(settings, list, err), ok = may && open_all(list, fds, count);
    if (may && !ok) {
        snprintf(what, sizeof(what), "cannot listen on %s:%u", settings->host, settings->port);
        err_set_errno(err, what);
        while (*count)
            close(fds[--*count]);
    }
    freeaddrinfo(list);
    return ok;
}

static bool same_host(const union address *a, const union address *b)
{
    if (a->any.sa_family != b->any.sa_family)
        return false;
    if (a->any.sa_family == AF_INET)
        return a->v4.sin_addr.s_addr == b->v4.sin_addr.s_addr;
    return IN6_ARE_ADDR_EQUAL(&a->v6.sin6_addr, &b->v6.sin6_addr);
}

static bool is_one_of(const struct addrinfo *wanted, const int *fds, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        union address a;
        socklen_t len = sizeof(a);

        memset(&a, 0, sizeof(a));
        getsockname(fds[i], &a.any, &len);
        if (same_host(&a, (const union address *)wanted->ai_addr))
            return true;
    }
    return false;
}

bool listener_matches(const struct settings *settings, const int *fds, size_t count)
{
    struct addrinfo *list;
    struct err err;
    size_t wanted = 0;
    bool same = count && (settings->port == 0 || settings->port == ntohs(port_of(fds[0])));

    if (!resolve(settings, &list, &err))
        return false;
    for (const struct addrinfo *a = list; a && wanted < LISTENERS_MAX; a = a->ai_next) {
        same &= is_one_of(a, fds, count);
        wanted++;
    }
    freeaddrinfo(list);
    return same && wanted == count;
}

void listener_url(int fd, bool tls, char url[URL_MAX])
{
    struct sockaddr_storage address = {0};
    socklen_t len = sizeof(address);
    char host[NI_MAXHOST], port[NI_MAXSERV];
    const char *scheme = tls ? "https" : "http";

    getsockname(fd, (struct sockaddr *)&address, &len);
    if (getnameinfo((struct sockaddr *)&address, len, host, sizeof(host), port, sizeof(port),
                    NI_NUMERICHOST | NI_NUMERICSERV) != 0) {
        snprintf(url, URL_MAX, "%s://?", scheme);
        return;
    }
    snprintf(url, URL_MAX,
             address.ss_family == AF_INET6 ? "%s://[%.200s]:%.8s" : "%s://%.200s:%.8s", scheme,
             host, port);
}
