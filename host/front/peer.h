/* peer.h - what is kept of each connection. */
/* SPDX-License-Identifier: MIT */
#pragma once

#include <h2o.h>
#include <stdbool.h>

struct exchange;

/* An HTTP/2 connection may take back requests PEER_RESETS_MAX times at once, and once more each
 * PEER_RESET_MS: each has cost a call that nobody reads. */
enum { PEER_RESETS_MAX = 100, PEER_RESET_MS = 100 };

struct peer {
    struct exchange *waiting; /* HTTP/1: the request that waits for its reply, or NULL */
    uint64_t counted_ns;      /* when `resets` was last lowered, or the connection opened */
    unsigned resets;
    unsigned requests; /* that we have been given and that are not forgotten */
    bool cut;          /* closed by us: what it sent and we have read is not served any more */
};

/* Kept with the socket until that is closed; aborts without memory. Times are clock_now_ns. */
void peer_open(h2o_socket_t *socket, uint64_t now_ns, void (*on_close)(void));
struct peer *peer_of(h2o_socket_t *socket);

/* A request was taken back before its reply. Cuts the connection of one that does so too often. */
void peer_took_back(h2o_socket_t *socket, uint64_t now_ns);

/* Makes libh2o find the connection closed, in its next turn. */
void peer_cut(h2o_socket_t *socket);
