/* uploads.h - how profiles get from the front to the pusher: as descriptors over a socket. */
/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct err;

enum { UPLOAD_BYTES_MAX = 32 << 20 };

/* X(name, word in /metrics): why an upload was given up. */
#define UPLOAD_DROPS(X)                                                                            \
    X(BEHIND, "pusher_behind") /* the pusher has not taken those before */                         \
    X(OVERFLOW, "queue_full")  /* the oldest one, of too many that wait */                         \
    X(REFUSED, "refused")      /* the server does not want it */                                   \
    X(FAILED, "failed")        /* it was tried often enough */                                     \
    X(OLD, "too_old")          /* the server would not want it */                                  \
    X(ENDED, "pusher_ended")   /* it was not sent when the pusher ended */

enum upload_drop {
#define X(name, word) UPLOAD_##name,
    UPLOAD_DROPS(X)
#undef X
        UPLOAD_DROP_COUNT
};

/* In memory that supervisor, front and pusher share; counted since the supervisor's start. */
struct upload_figures {
    _Atomic uint64_t sent, bytes, retries;
    _Atomic uint64_t queued; /* in the pusher, with the one that is being sent */
    _Atomic uint64_t dropped[UPLOAD_DROP_COUNT];
    _Atomic int32_t pusher; /* its pid */
};

/* The supervisor keeps both ends, so that either process can be replaced. */
struct uploads {
    int to_pusher, from_front; /* -1: closed */
    struct upload_figures *figures;
};

/* An anonymous file: the body of a request. */
struct upload {
    int fd;
    uint64_t bytes, from_wall_ms;
};

/* Fails with ERR_INTERNAL: no memory, no descriptors. */
bool uploads_open(struct uploads *u, struct err *err);
void uploads_close(struct uploads *u);

/* Closes the ends, which tells the pusher that no more will come. */
void uploads_shut(struct uploads *u);

/* Hands `body` over; one for which there is no room is dropped and counted. Never waits. */
void uploads_send(const struct uploads *u, struct str body, uint64_t from_wall_ms);

enum uploads_state { UPLOADS_NONE, UPLOADS_TAKEN, UPLOADS_END };

/* The next one, whose descriptor the caller closes. Never waits. */
enum uploads_state uploads_take(const struct uploads *u, struct upload *upload);
