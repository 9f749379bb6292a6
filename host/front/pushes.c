/* pushes.c - a window's profiles as one request, handed over. */
/* SPDX-License-Identifier: MIT */
#include "front/pushes.h"

#include <stdlib.h>

#include "base/clock.h"
#include "profile/push_request.h"

static struct {
    const struct uploads *uploads;
    const struct settings *settings;
} s;

/* In the collector's thread. */
static void hand_over(const struct delta *deltas, size_t count, uint64_t from_wall_ns)
{
    struct buf body = {0};
    struct err err;

    if (!push_request_encode(deltas, count, s.settings->push_application, &s.settings->push_labels,
                             &body, &err))
        abort(); /* no memory: the supervisor starts the next front */
    uploads_send(s.uploads, buf_str(&body), from_wall_ns / NS_PER_MS);
    buf_fini(&body);
}

deltas_sink pushes_sink(const struct uploads *uploads, const struct settings *settings)
{
    s.uploads = uploads;
    s.settings = settings;
    return uploads ? hand_over : NULL;
}
