/* worker_wall.h - what a worker can still do once it runs functions: compute. */
/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

#include "base/err.h"
#include "wire/channel.h"

/* Leaves this process, the worker of channel `slot`, no way to files, sockets, programs and other
 * processes: no environment but TZ, no descriptors but standard error, the log and the front's
 * eventfd, no memory of other channels, no capabilities but what pace_set needs, low limits, and a
 * list of system calls: any other ends it by SIGSYS. What needs more is to be set up before.
 *
 *   thread  the process's only one; threads that it starts are behind the wall too
 *   fails   ERR_INTERNAL, with what the system does not let it do
 */
bool worker_wall_raise(const struct switchboard *board, size_t slot, struct err *err);
