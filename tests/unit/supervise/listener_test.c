/* listener_test.c - sockets that listen: ports, addresses, and what is told when they cannot. */
/* SPDX-License-Identifier: MIT */
#include "../base/cases.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/tokens.h"
#include "supervise/listener.h"

/* -- A machine without IPv6 ------------------------------------------------------------------ */

static enum { IPV6_AS_IT_IS, IPV6_NOT_IN_KERNEL, IPV6_WITHOUT_ADDRESSES } ipv6;

int __real_socket(int domain, int type, int protocol);
int __real_bind(int fd, const struct sockaddr *address, socklen_t len);
int __wrap_socket(int domain, int type, int protocol);
int __wrap_bind(int fd, const struct sockaddr *address, socklen_t len);

int __wrap_socket(int domain, int type, int protocol)
{
    if (domain != AF_INET6 || ipv6 != IPV6_NOT_IN_KERNEL)
        return __real_socket(domain, type, protocol);
    errno = EAFNOSUPPORT;
    return -1;
}

/* The unspecified address can be bound there. */
int __wrap_bind(int fd, const struct sockaddr *address, socklen_t len)
{
    const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)address;

    if (address->sa_family != AF_INET6 || ipv6 != IPV6_WITHOUT_ADDRESSES ||
        IN6_IS_ADDR_UNSPECIFIED(&v6->sin6_addr))
        return __real_bind(fd, address, len);
    errno = EADDRNOTAVAIL;
    return -1;
}

/* -- Listening ------------------------------------------------------------------------------- */

static struct settings settings_of(const char *host, uint16_t port)
{
    struct settings s = {.port = port};

    snprintf(s.host, sizeof(s.host), "%s", host);
    return s;
}

static void close_all(const int *fds, size_t count)
{
    for (size_t i = 0; i < count; i++)
        close(fds[i]);
}

static unsigned port_of(int fd)
{
    char url[URL_MAX];
    unsigned port = 0;

    listener_url(fd, false, url);
    assert_int_equal(sscanf(strrchr(url, ':'), ":%u", &port), 1);
    return port;
}

static bool connects(unsigned port)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((in_port_t)port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    bool ok = connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0;

    close(fd);
    return ok;
}

static void port_0_is_any_free_one(void **state)
{
    const struct settings s = settings_of("127.0.0.1", 0);
    int first[LISTENERS_MAX], second[LISTENERS_MAX];
    size_t first_count, second_count;
    struct err err;
    char url[URL_MAX], expected[URL_MAX];

    (void)state;
    assert_true(listener_open(&s, first, &first_count, &err));
    assert_true(listener_open(&s, second, &second_count, &err));
    assert_int_equal(first_count, 1);
    assert_int_equal(second_count, 1);
    assert_int_not_equal(port_of(first[0]), 0);
    assert_int_not_equal(port_of(first[0]), port_of(second[0]));
    assert_true(connects(port_of(first[0])));
    assert_true(connects(port_of(second[0])));
    listener_url(first[0], false, url);
    snprintf(expected, sizeof(expected), "http://127.0.0.1:%u", port_of(first[0]));
    assert_string_equal(url, expected);
    close_all(first, first_count);
    close_all(second, second_count);
}

static void a_port_in_use_is_told_with_the_address(void **state)
{
    const struct settings any = settings_of("127.0.0.1", 0);
    int fds[LISTENERS_MAX], none[LISTENERS_MAX];
    size_t count, none_count = 77;
    struct err err;
    char expected[64];

    (void)state;
    assert_true(listener_open(&any, fds, &count, &err));
    unsigned port = port_of(fds[0]);
    const struct settings same = settings_of("127.0.0.1", (uint16_t)port);
    assert_false(listener_open(&same, none, &none_count, &err));
    assert_int_equal(none_count, 0);
    assert_int_equal(err.code, ERR_INTERNAL);
    snprintf(expected, sizeof(expected), "127.0.0.1:%u", port);
    expect_contains(err.text, expected);
    expect_contains(err.text, "in use");
    close_all(fds, count);
    assert_true(listener_open(&same, fds, &count, &err));
    assert_int_equal(port_of(fds[0]), port);
    close_all(fds, count);
}

static void let_listen_anywhere(void)
{
    struct err err;

    assert_true(tokens_set(TOKEN_ADMIN, "it", STR("01234567890123456789012345678901"), &err));
}

static void an_address_that_is_none_is_told(void **state)
{
    static const char *const hosts[] = {"no such host", "256.256.256.256", "192.0.2.1"};

    (void)state;
    let_listen_anywhere();
    for (size_t i = 0; i < COUNT(hosts); i++) {
        const struct settings s = settings_of(hosts[i], 0);
        int fds[LISTENERS_MAX];
        size_t count = 77;
        struct err err;

        assert_false(listener_open(&s, fds, &count, &err));
        assert_int_equal(count, 0);
        expect_contains(err.text, hosts[i]);
    }
}

static bool has_ipv6(void)
{
    struct sockaddr_in6 address = {.sin6_family = AF_INET6, .sin6_addr = in6addr_loopback};
    int fd = socket(AF_INET6, SOCK_STREAM, 0);
    bool ok = fd >= 0 && bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0;

    if (fd >= 0)
        close(fd);
    return ok;
}

static void ipv6_addresses_are_written_in_brackets(void **state)
{
    const struct settings s = settings_of("::1", 0);
    int fds[LISTENERS_MAX];
    size_t count;
    struct err err;
    char url[URL_MAX];

    (void)state;
    if (!has_ipv6())
        skip();
    assert_true(listener_open(&s, fds, &count, &err));
    listener_url(fds[0], false, url);
    expect_contains(url, "http://[::1]:");
    listener_url(fds[0], true, url);
    expect_contains(url, "https://[::1]:");
    close_all(fds, count);
}

/* Every address has the same port, also when it is the system that chooses it. */
static void no_host_is_every_address(void **state)
{
    const struct settings s = settings_of("", 0);
    int fds[LISTENERS_MAX];
    size_t count;
    struct err err;

    (void)state;
    let_listen_anywhere();
    if (!listener_open(&s, fds, &count, &err))
        fail_msg("%s", err.text);
    assert_in_range(count, 1, LISTENERS_MAX);
    for (size_t i = 1; i < count; i++)
        assert_int_equal(port_of(fds[i]), port_of(fds[0]));
    assert_true(connects(port_of(fds[0])));
    close_all(fds, count);
}

static void without_ipv6_the_other_addresses_are_listened_on(void **state)
{
    static const char *const hosts[] = {"", "localhost", "127.0.0.1"};
    int fds[LISTENERS_MAX];
    size_t count;
    struct err err;

    (void)state;
    let_listen_anywhere();
    for (ipv6 = IPV6_NOT_IN_KERNEL; ipv6 <= IPV6_WITHOUT_ADDRESSES; ipv6++)
        for (size_t i = 0; i < COUNT(hosts); i++) {
            const struct settings s = settings_of(hosts[i], 0);

            if (!listener_open(&s, fds, &count, &err))
                fail_msg("%s: %s", hosts[i], err.text);
            assert_true(connects(port_of(fds[0])));
            assert_true(listener_matches(&s, fds, count));
            close_all(fds, count);
        }
    ipv6 = IPV6_NOT_IN_KERNEL;
    const struct settings s = settings_of("::1", 0);
    assert_false(listener_open(&s, fds, &count, &err));
    expect_contains(err.text, "cannot listen on ::1:0: Address family not supported");
}

static int use_ipv6_again(void **state)
{
    (void)state;
    ipv6 = IPV6_AS_IT_IS;
    return 0;
}

static void sockets_are_those_of_the_same_settings(void **state)
{
    const struct settings own = settings_of("127.0.0.1", 0);
    int fds[LISTENERS_MAX];
    size_t count;
    struct err err;

    (void)state;
    assert_true(listener_open(&own, fds, &count, &err));
    uint16_t port = (uint16_t)port_of(fds[0]);
    const struct {
        const char *host;
        uint16_t port;
        bool same;
    } cases[] = {
        {"127.0.0.1", 0, true},        {"127.0.0.1", port, true}, {"127.0.0.1", 1, false},
        {"127.0.0.2", port, false},    {"::1", port, false},      {"", port, false},
        {"no such host", port, false},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct settings s = settings_of(cases[i].host, cases[i].port);

        if (listener_matches(&s, fds, count) != cases[i].same)
            fail_msg("%s:%u", cases[i].host, cases[i].port);
    }
    assert_false(listener_matches(&own, fds, 0));
    close_all(fds, count);
}

static void sockets_of_every_address_are_those_of_no_host(void **state)
{
    const struct settings own = settings_of("", 0), one = settings_of("0.0.0.0", 0);
    int fds[LISTENERS_MAX];
    size_t count;
    struct err err;

    (void)state;
    assert_true(listener_open(&own, fds, &count, &err));
    assert_true(listener_matches(&own, fds, count));
    assert_int_equal(listener_matches(&one, fds, count), count == 1);
    close_all(fds, count);
}

static void without_an_admin_token_only_loopback_is_listened_on(void **state)
{
    static const char *const loopback[] = {"127.0.0.1", "127.1.2.3", "localhost"};
    static const char *const elsewhere[] = {"", "0.0.0.0", "::", "::ffff:127.0.0.1", "192.0.2.1"};
    int fds[LISTENERS_MAX];
    size_t count;
    struct err err;

    (void)state;
    tokens_wipe();
    for (size_t i = 0; i < COUNT(loopback); i++) {
        const struct settings s = settings_of(loopback[i], 0);

        if (!listener_open(&s, fds, &count, &err))
            fail_msg("%s: %s", loopback[i], err.text);
        close_all(fds, count);
    }
    for (size_t i = 0; i < COUNT(elsewhere); i++) {
        const struct settings s = settings_of(elsewhere[i], 0);

        assert_false(listener_open(&s, fds, &count, &err));
        assert_int_equal(count, 0);
        assert_int_equal(err.code, ERR_BAD_REQUEST);
        expect_contains(err.text, "FAAS_ADMIN_TOKEN");
    }
}

static void sockets_that_are_handed_over_need_the_token_too(void **state)
{
    const struct settings inside = settings_of("127.0.0.1", 0), outside = settings_of("0.0.0.0", 0);
    int fds[LISTENERS_MAX], open_fds[LISTENERS_MAX];
    size_t count, open_count;
    struct err err;

    (void)state;
    assert_true(tokens_set(TOKEN_ADMIN, "", STR("0123456789abcdef0123456789abcdef"), &err));
    assert_true(listener_open(&inside, fds, &count, &err));
    assert_true(listener_open(&outside, open_fds, &open_count, &err));
    assert_true(listener_check(&outside, open_fds, open_count, &err));
    tokens_wipe();
    assert_true(listener_check(&inside, fds, count, &err));
    assert_false(listener_check(&outside, open_fds, open_count, &err));
    expect_contains(err.text, "FAAS_ADMIN_TOKEN");
    close_all(fds, count);
    close_all(open_fds, open_count);
}

static void with_local_clients_no_token_is_needed(void **state)
{
    struct settings outside = settings_of("0.0.0.0", 0);
    int fds[LISTENERS_MAX];
    size_t count;
    struct err err;

    (void)state;
    tokens_wipe();
    outside.local_clients = true;
    assert_true(listener_open(&outside, fds, &count, &err));
    assert_true(listener_check(&outside, fds, count, &err));
    close_all(fds, count);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(port_0_is_any_free_one),
        cmocka_unit_test(a_port_in_use_is_told_with_the_address),
        cmocka_unit_test(an_address_that_is_none_is_told),
        cmocka_unit_test(ipv6_addresses_are_written_in_brackets),
        cmocka_unit_test(no_host_is_every_address),
        cmocka_unit_test_teardown(without_ipv6_the_other_addresses_are_listened_on, use_ipv6_again),
        cmocka_unit_test(sockets_are_those_of_the_same_settings),
        cmocka_unit_test(sockets_of_every_address_are_those_of_no_host),
        cmocka_unit_test(without_an_admin_token_only_loopback_is_listened_on),
        cmocka_unit_test(sockets_that_are_handed_over_need_the_token_too),
        cmocka_unit_test(with_local_clients_no_token_is_needed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
