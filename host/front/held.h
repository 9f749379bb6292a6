/* held.h - what is held for clients: requests half read, bodies of calls, replies half sent. */
/* SPDX-License-Identifier: MIT */
#pragma once

#include <h2o.h>
#include <stdbool.h>

#include "base/settings.h"
#include "base/timers.h"

/* A reply on its way; lives in its request's memory. Zeroed is none. */
struct held {
    struct held *previous, *next;
    h2o_req_t *req;
    size_t bytes, sent;
    uint64_t moved_ns;
};

/* Each of the three may hold `buffers_max` bytes, whatever the number of connections. From now on
 * the requests that are read are looked at a few times a second: past the bound the connections of
 * those that began first are closed, and those of HTTP/2 requests that take too long, or whose
 * replies are not read. */
void held_init(h2o_context_t *context, const struct settings *settings, struct timers *timers);

/* False: there is no room for the body of one more call. Given back by the same number. */
bool held_take_body(size_t bytes);
void held_give_body(size_t bytes);

/* A reply is sent: past the bound, those that have waited longest for their clients are given up,
 * with their connections. */
void held_add(struct held *held, h2o_req_t *req, size_t bytes);
void held_drop(struct held *held);
