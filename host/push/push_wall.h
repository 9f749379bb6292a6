/* push_wall.h - what the pusher can still do: talk to the network, and read files. */
/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

#include "base/err.h"

/* From now on the pusher starts no program or process, signals nobody, and opens files for reading
 * only; it has no capabilities. What it does beyond that ends it by SIGSYS.
 *
 *   fails   ERR_INTERNAL, with what the system does not let it do
 */
bool push_wall_raise(struct err *err);
