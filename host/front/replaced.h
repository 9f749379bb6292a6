/* replaced.h - checks that libh2o calls the server's functions in place of its own. */
/* SPDX-License-Identifier: MIT */
#pragma once

#include "base/err.h"

/* Checks that the library which also defines `symbol` calls `ours`, which the program defines.
 *
 *   fails   ERR_INTERNAL, with a sentence that names the library and the symbol
 */
bool replaced_check(const char *symbol, const void *ours, struct err *err);

/* The same for each function of libh2o that the front replaces. */
bool replaced_check_all(struct err *err);
