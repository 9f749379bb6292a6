/* peer.c - connections, as long as their sockets live. */
/* SPDX-License-Identifier: MIT */
#include "front/peer.h"

#include <stdlib.h>
#include <sys/socket.h>

#include "base/clock.h"

struct kept {
    struct peer peer;
    void (*on_close)(void);
};

static void on_closed(void *data)
{
    struct kept *kept = data;

    kept->on_close();
    free(kept);
}

void peer_open(h2o_socket_t *socket, uint64_t now_ns, void (*on_close)(void))
{
    struct kept *kept = calloc(1, sizeof(*kept));

    if (!kept)
        abort();
    kept->on_close = on_close;
    kept->peer.counted_ns = now_ns;
    socket->on_close.cb = on_closed;
    socket->on_close.data = kept;
}

struct peer *peer_of(h2o_socket_t *socket)
{
    return socket->on_close.data;
}

void peer_took_back(h2o_socket_t *socket, uint64_t now_ns)
{
    struct peer *peer = peer_of(socket);
    uint64_t forgiven = (now_ns - peer->counted_ns) / (PEER_RESET_MS * NS_PER_MS);

    if (forgiven) {
        peer->resets -= forgiven < peer->resets ? (unsigned)forgiven : peer->resets;
        peer->counted_ns = now_ns;
    }
    if (++peer->resets > PEER_RESETS_MAX)
        peer_cut(socket);
}

void peer_cut(h2o_socket_t *socket)
{
    peer_of(socket)->cut = true;
    shutdown(h2o_socket_get_fd(socket), SHUT_RDWR);
}
