/* routes.h - which path does what. */
/* SPDX-License-Identifier: MIT */
#pragma once

#include "base/settings.h"
#include "front/exchange.h"

void routes_init(const struct settings *settings);

/* Serves any request; h2o's handler. */
int routes_serve(h2o_handler_t *self, h2o_req_t *req);

/* From now on /ready says so. */
void routes_drain(void);
