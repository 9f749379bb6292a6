/* rates.h - how often samples are taken, also changed while the server runs. */
/* SPDX-License-Identifier: MIT */
#pragma once

#include "front/exchange.h"
#include "wire/sample.h"

/* Tells all processes what the settings say. After crew_init. */
void rates_init(const struct settings *settings);

/* As in struct sampling; 0: off. */
uint64_t rates_get(enum sample_type type);

/* The flag that sets it at the start, and its key in /debug/profiling. */
const char *rates_flag(enum sample_type type);
const char *rates_key(enum sample_type type);

void serve_rates(struct exchange *ex, struct str name);
void serve_rate_changes(struct exchange *ex, struct str name);
