/* openapi.h - the HTTP contract as a document of OpenAPI. */
/* SPDX-License-Identifier: MIT */
#pragma once

#include "front/exchange.h"

/* GET /openapi.json: all routes, and each function that can be called with its parameters. Of more
 * than there is room for, functions are left out, from the last names on. */
void serve_openapi(struct exchange *ex, struct str name);
