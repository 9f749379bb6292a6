/* serve_calls.h - the routes that run functions: invoke, burst, chain, warm pools. */
/* SPDX-License-Identifier: MIT */
#pragma once

#include "base/settings.h"
#include "front/exchange.h"

void serve_calls_init(const struct settings *settings);

void serve_invoke(struct exchange *ex, struct str name);
void serve_burst(struct exchange *ex, struct str name);
void serve_chain(struct exchange *ex, struct str name);
void serve_warm(struct exchange *ex, struct str name);
void serve_unwarm(struct exchange *ex, struct str name);
