/* probe.h - asking a server for its health, as a container's health check does. */
/* SPDX-License-Identifier: MIT */
#pragma once

#include "base/err.h"
#include "base/settings.h"

/* Does a server that listens where the settings say answer GET /health with 200? Where they say
 * every address, loopback is asked. Waits for a second at each step; a certificate is not checked.
 *
 *   fails   ERR_INTERNAL, with what it did instead; ERR_BAD_REQUEST where the settings have no port
 */
bool probe_health(const struct settings *settings, struct err *err);
