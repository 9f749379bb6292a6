/* server.h - the process that serves HTTP. */
/* SPDX-License-Identifier: MIT */
#pragma once

#include "base/settings.h"
#include "wire/channel.h"

/* The whole life of the front, after its fork; returns the exit status. `listeners` are listening
 * sockets that the supervisor keeps; `control` is the socket to it (wire/control.h). */
int server_main(const struct switchboard *board, const struct settings *settings,
                const int *listeners, size_t listener_count, int control);
