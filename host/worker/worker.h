/* worker.h - the process that runs function code: takes calls off its ring, one at a time. */
/* SPDX-License-Identifier: MIT */
#pragma once

#include "base/log.h"
#include "base/settings.h"
#include "wire/channel.h"

struct call;

/* Each in a child of its own, which is of no use afterwards: does LuaJIT fit this program? Can a
 * worker's wall be raised here? */
bool worker_fits(const struct switchboard *board, struct err *err);
bool worker_rehearse(const struct switchboard *board, struct err *err);

/* The whole life of a worker process, after its fork; does not return. Runs one call at a time;
 * calls that sleep or wait for others are parked and hold only their state. */
_Noreturn void worker_main(const struct switchboard *board, size_t slot,
                           const struct settings *settings);

/* Sends a function's line to the front's log. `call` is NULL while a file loads. */
void worker_log(const struct call *call, enum log_level level, struct str text);

/* The largest text that fits in a message to the front. */
size_t worker_message_max(void);
