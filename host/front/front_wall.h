/* front_wall.h - what the front can still do once it serves: talk, and read function files. */
/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

#include "base/err.h"

/* From now on the front starts no program, process or thread, makes no socket but those that it
 * accepts, opens files for reading only and signals nobody: what it does beyond its list of system
 * calls ends it by SIGSYS. What needs more than that is to be set up before. Descriptors are sent
 * to `uploads` alone (-1: nowhere).
 *
 *   thread  the process's only one
 *   fails   ERR_INTERNAL, with what the system does not let it do
 */
bool front_wall_raise(int uploads, struct err *err);
