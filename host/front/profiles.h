/* profiles.h - profiles of the server over HTTP, as Go's programs have them. */
/* SPDX-License-Identifier: MIT */
#pragma once

#include "front/exchange.h"
#include "profile/collector.h"

/* Starts the collector's thread, so before the wall. After rates_init.
 *
 *   fails   ERR_INTERNAL
 */
bool profiles_start(const struct settings *settings, struct err *err);

/* Ends the thread. */
void profiles_stop(void);

/* The descriptor to be watched for reading, and what to do then. */
int profiles_fd(void);
void profiles_on_done(void);

/* Whoever waits for a profile is told now that there will be none, and whoever asks from now on. */
void profiles_drain(void);

void profiles_figures(struct collector_figures *figures);

/* GET /debug/pprof/ and /debug/pprof/NAME. */
void serve_profiles(struct exchange *ex, struct str name);
void serve_profile(struct exchange *ex, struct str name);
