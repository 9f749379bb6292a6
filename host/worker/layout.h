/* layout.h - is LuaJIT what this program takes it for? */
/* SPDX-License-Identifier: MIT */
#pragma once

#include "base/err.h"

/* Tries each assumption about LuaJIT's memory and about how the build has changed its archive, by
 * what comes of it. Once, in a process that does nothing else afterwards.
 *
 *   fails   ERR_INTERNAL; the text names the assumption that does not hold
 */
bool layout_check(struct err *err);
