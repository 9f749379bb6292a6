/* peer_test.c - how often a connection may take requests back. */
/* SPDX-License-Identifier: MIT */
#include "front/peer.h"

#include "../base/cases.h"
#include "../base/clocks.h"

#include <sys/socket.h>
#include <unistd.h>

#define RESET_NS (PEER_RESET_MS * NS_PER_MS)

static int ends[2]; /* of a connection */
static h2o_loop_t *loop;
static h2o_socket_t *socket_of_peer;
static int closed;

static void on_close(void)
{
    closed++;
}

static void open_at(uint64_t now_ns)
{
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    socket_of_peer = h2o_evloop_socket_create(loop, ends[0], 0);
    peer_open(socket_of_peer, now_ns, on_close);
}

static void close_peer(void)
{
    h2o_socket_close(socket_of_peer);
    close(ends[1]);
}

static void take_back(size_t times, uint64_t now_ns)
{
    while (times--)
        peer_took_back(socket_of_peer, now_ns);
}

static bool is_cut(void)
{
    return peer_of(socket_of_peer)->cut;
}

static void one_more_than_allowed_at_once_is_cut(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(clocks_ns); i++) {
        open_at(clocks_ns[i]);
        take_back(PEER_RESETS_MAX, clocks_ns[i]);
        assert_false(is_cut());
        take_back(1, clocks_ns[i] + RESET_NS - 1);
        assert_true(is_cut());
        close_peer();
    }
    assert_int_equal(closed, COUNT(clocks_ns));
}

static void one_more_is_allowed_after_each_pause(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(clocks_ns); i++) {
        uint64_t now = clocks_ns[i];

        open_at(now);
        take_back(PEER_RESETS_MAX, now);
        for (int k = 0; k < 3; k++) {
            now += RESET_NS;
            take_back(1, now);
            assert_false(is_cut());
        }
        take_back(1, now);
        assert_true(is_cut());
        close_peer();
    }
}

static int group_setup(void **state)
{
    (void)state;
    loop = h2o_evloop_create();
    return loop == NULL;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_more_than_allowed_at_once_is_cut),
        cmocka_unit_test(one_more_is_allowed_after_each_pause),
    };

    return cmocka_run_group_tests(tests, group_setup, NULL);
}
