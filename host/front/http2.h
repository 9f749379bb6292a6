/* http2.h - HTTP/2, where it is wanted. */
/* SPDX-License-Identifier: MIT */
#pragma once

#include <h2o.h>

#include "base/settings.h"

/* Requests of one connection that are worked on at once; more wait. */
enum { HTTP2_REQUESTS_MAX = 16 };

void http2_configure(h2o_globalconf_t *config, const struct settings *settings);

/* libh2o's own, in whose place the linker puts this one: a client that wants HTTP/2 without TLS
 * begins with it. An upgrade would carry a request of HTTP/1 over, unseen. */
int h2o_http2_handle_upgrade(h2o_req_t *req, struct timeval connected_at);
