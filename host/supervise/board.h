/* board.h - how many workers there are, and what they may have. */
/* SPDX-License-Identifier: MIT */
#pragma once

#include "base/settings.h"
#include "wire/channel.h"

/* Opens the switchboard for as many workers as the settings say, or as the processors that this
 * process may use can keep busy, with records as large as the settings allow. Heaps have their part
 * of the memory that its cgroup may have.
 *
 *   owns, fails   as switchboard_open
 */
bool board_open(struct switchboard *board, const struct settings *settings, struct err *err);
