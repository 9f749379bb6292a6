/* push_request.h - profiles of a window as one request to Pyroscope. */
/* SPDX-License-Identifier: MIT */
#pragma once

#include "base/labels.h"
#include "profile/deltas.h"

/* Puts a PushRequest of push.proto, as gzip, into the empty `body`: a series for each profile.
 *
 *   fails   ERR_INTERNAL; then it stays empty
 */
bool push_request_encode(const struct delta *deltas, size_t count, const char *service,
                         const struct labels *labels, struct buf *body, struct err *err);
