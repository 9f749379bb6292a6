/* listener.h - the sockets that clients connect to. */
/* SPDX-License-Identifier: MIT */
#pragma once

#include "base/settings.h"

enum { LISTENERS_MAX = 16, URL_MAX = 320 };

/* Binds every address that settings->host has on this machine and listens there. Without an admin
 * token that is loopback only, unless settings->local_clients.
 *
 *   owns    the caller: close() each of the `*count` sockets
 *   fails   ERR_INTERNAL, with the address and what is wrong with it; ERR_BAD_REQUEST where the
 *           admin token is missing
 */
bool listener_open(const struct settings *settings, int fds[LISTENERS_MAX], size_t *count,
                   struct err *err);

/* May these sockets, which somebody else has opened, be served?
 *
 *   fails   ERR_BAD_REQUEST where the admin token is missing
 */
bool listener_check(const struct settings *settings, const int *fds, size_t count, struct err *err);

/* Are these the sockets that listener_open would give? Port 0 is any. */
bool listener_matches(const struct settings *settings, const int *fds, size_t count);

/* "http://127.0.0.1:8088" of a socket that listens; with `tls`, https. */
void listener_url(int fd, bool tls, char url[URL_MAX]);
