/* params.h - the parameters of a call against what its function declares. */
/* SPDX-License-Identifier: MIT */
#pragma once

#include "front/func.h"

enum { PARAMS_DEPTH_MAX = 128 };

/* Parses `body`, which may be empty, as the parameters: an object.
 *
 *   owns    the caller: json_decref; NULL for an empty body
 *   fails   ERR_BAD_JSON: no JSON (the place is named), no object, or nested more than
 *           PARAMS_DEPTH_MAX levels deep, as workers decode
 */
bool params_parse(struct str body, json_t **params, struct err *err);

/* Checks `params` (NULL: none given) against the types and bounds that `version` declares. What is
 * not declared passes: a step of a chain gets all that the one before it returned. Null passes for
 * each parameter that is not required.
 *
 * `text` is what a client wrote of `params`: its whole numbers must be doubles exactly. None for
 * parameters that a worker wrote, which were doubles there.
 *
 *   fails   ERR_BAD_PARAMS, naming the parameter and the bound
 */
bool params_check(const struct version *version, const json_t *params, struct str text,
                  struct err *err);
