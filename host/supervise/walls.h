/* walls.h - what the supervisor gives up, after a look whether workers can give up theirs. */
/* SPDX-License-Identifier: MIT */
#pragma once

#include "base/settings.h"
#include "wire/channel.h"

/* Before the first child is forked, once listeners are bound: drops capabilities, here and for the
 * children, that only binding needed. `rehearse` does in a child what each worker is going to do,
 * so that a machine that does not allow it is told at once, not by workers that cannot start.
 * Without settings->walls it only says so in the log.
 *
 *   fails   ERR_INTERNAL, with a sentence that says what is not possible
 */
bool walls_raise(const struct settings *settings, const struct switchboard *board,
                 bool (*rehearse)(const struct switchboard *board, struct err *err),
                 struct err *err);

/* What `rehearse` says in a child.
 *
 *   fails   ERR_INTERNAL, with what it said, or the signal that the child died of
 */
bool walls_try(const struct switchboard *board,
               bool (*rehearse)(const struct switchboard *board, struct err *err), struct err *err);
