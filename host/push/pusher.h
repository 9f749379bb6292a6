/* pusher.h - the process that pushes profiles to a Pyroscope server. */
/* SPDX-License-Identifier: MIT */
#pragma once

#include "base/settings.h"
#include "wire/uploads.h"

/* The whole life of the pusher, after its fork; returns the exit status: until no more uploads can
 * come, and each of those there are was tried once more. */
int pusher_main(const struct uploads *uploads, const struct settings *settings);

/* Tries in a child whether what a pusher needs is there.
 *
 *   fails   ERR_INTERNAL, with a sentence that says what is not
 */
bool pusher_rehearse(struct err *err);
