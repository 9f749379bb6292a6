/* schema.h - what a function declares, as a JSON schema. */
/* SPDX-License-Identifier: MIT */
#pragma once

#include "front/func.h"

/* The schema, as OpenAPI 3.0 has them, of what params_check takes: it refuses nothing that is taken
 * there. Bounds of texts are bytes there, characters here; x-min-bytes and x-max-bytes have them
 * as they are. The caller's. */
json_t *schema_of_params(const struct version *version);

/* An object with the parameters that have defaults. The caller's. */
json_t *schema_example(const struct version *version);
