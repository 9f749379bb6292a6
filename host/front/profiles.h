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

/* A call of `func` has ended. One that never started is in no profile, and not counted. */
void profiles_count(struct func *func, enum call_start start);

void profiles_figures(struct collector_figures *figures);

/* GET /debug/pprof/ and /debug/pprof/NAME. */
void serve_profiles(struct exchange *ex, struct str name);
void serve_profile(struct exchange *ex, struct str name);

/* GET /debug/flame: for the page. */
void serve_flame(struct exchange *ex, struct str name);
