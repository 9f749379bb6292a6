/* declaration.h - what a function file declares of itself, as the worker that loaded it tells. */
/* SPDX-License-Identifier: MIT */
#pragma once

#include "base/settings.h"
#include "front/func.h"

/* The heap of a call that is to have `mb` MiB: no more than the settings allow. */
size_t declaration_memory_bytes(double mb, const struct settings *settings);

/* Reads the JSON and fills the version's description and limits in; what the file leaves open is
 * as in `settings`. A worker may have been taken over by the file it loaded, so that nothing here
 * is believed: not the types of fields, nor the ranges of limits.
 *
 *   fails   false, ERR_FUNCTION_ERROR: the version stays without a description
 */
bool declaration_read(struct version *version, struct str json, const struct settings *settings,
                      struct err *err);
