/* push_settings.c - an address, names, labels and an interval, checked. */
/* SPDX-License-Identifier: MIT */
#include "base/push_settings.h"

#include <arpa/inet.h>

#include "base/amount.h"
#include "base/clock.h"

enum { ADDRESS_MAX = 1024, APPLICATION_MAX = 255, TENANT_MAX = 150 };

/* Pyroscope refuses what began more than an hour ago. */
static const int64_t interval_least_ns = 100 * (int64_t)NS_PER_MS;
static const int64_t interval_most_ns = 600 * (int64_t)NS_PER_S;

/* -- The address ----------------------------------------------------------------------------- */

static bool is_of(struct str text, const char *others)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.at[i], lower = (char)(c | ' ');

        if ((lower < 'a' || lower > 'z') && (c < '0' || c > '9') && !strchr(others, c))
            return false;
    }
    return text.len != 0;
}

static bool is_ipv6(struct str text)
{
    char copy[INET6_ADDRSTRLEN] = "";
    struct in6_addr address;

    if (text.len >= sizeof(copy))
        return false;
    memcpy(copy, text.at, text.len);
    return inet_pton(AF_INET6, copy, &address) == 1;
}

/* "host", "host:port", "[ipv6]:port". */
static bool is_host(struct str host)
{
    struct str ip = {NULL, 0};
    int64_t port;

    if (host.len && host.at[0] == '[') {
        struct str rest = {host.at + 1, host.len - 1};

        ip = str_cut(&rest, ']');
        if (!rest.at || !is_ipv6(ip))
            return false;
        host = rest;
    }
    struct str before = str_cut(&host, ':');
    return (ip.at ? before.len == 0 : is_of(before, ".-_")) &&
           (!host.at || str_to_int64(host, 1, 65535, &port));
}

static bool is_address(struct str text)
{
    struct str rest = text;
    struct str scheme = str_cut(&rest, ':');

    if (!str_equal(scheme, STR("http")) && !str_equal(scheme, STR("https")))
        return false;
    if (!rest.at || !str_starts(rest, STR("//")))
        return false;
    rest = (struct str){rest.at + 2, rest.len - 2};
    return is_host(str_cut(&rest, '/')) && str_is_visible(text) && text.len <= ADDRESS_MAX &&
           !strpbrk(text.at, "?#");
}

bool push_set_address(struct settings *s, const char *name, const char *text, struct err *err)
{
    s->push_address = *text ? text : NULL;
    if (!*text)
        return true;
    if (strchr(text, '@'))
        return err_set(err, ERR_BAD_REQUEST,
                       "%s has an @, but user and password come by PYROSCOPE_BASIC_AUTH_USER and "
                       "PYROSCOPE_BASIC_AUTH_PASSWORD",
                       name);
    return is_address(str_of(text)) ||
           err_set(err, ERR_BAD_REQUEST,
                   "%s is \"%.80s\", but takes http://HOST:PORT or https://HOST, perhaps with a "
                   "path",
                   name, text);
}

/* -- The others ------------------------------------------------------------------------------ */

bool push_set_application(struct settings *s, const char *name, const char *text, struct err *err)
{
    if (*text)
        s->push_application = text;
    return !*text || label_is_value(str_of(text), APPLICATION_MAX) ||
           err_set(err, ERR_BAD_REQUEST, "%s takes a text of up to %d bytes", name,
                   APPLICATION_MAX);
}

bool push_set_labels(struct settings *s, const char *name, const char *text, struct err *err)
{
    return labels_parse(&s->push_labels, name, str_of(text), err);
}

bool push_set_tenant(struct settings *s, const char *name, const char *text, struct err *err)
{
    struct str tenant = str_of(text);

    s->push_tenant = *text ? text : NULL;
    return (str_is_visible(tenant) && tenant.len <= TENANT_MAX) ||
           err_set(err, ERR_BAD_REQUEST, "%s takes up to %d visible ASCII characters", name,
                   TENANT_MAX);
}

bool push_set_interval(struct settings *s, const char *name, const char *text, struct err *err)
{
    return !*text ||
           (amount_parse(str_of(text), AMOUNT_NS, interval_most_ns, &s->push_interval_ns) &&
            s->push_interval_ns >= interval_least_ns) ||
           err_set(err, ERR_BAD_REQUEST, "%s is \"%.40s\", but takes 100ms to 600s, such as 10s",
                   name, text);
}
