/* transfer.h - requests to the Pyroscope server, one at a time, by libcurl. */
/* SPDX-License-Identifier: MIT */
#pragma once

#include "base/settings.h"
#include "wire/uploads.h"

/* libcurl is loaded by who pushes, not linked: it comes with some 27 libraries, whose loading would
 * cost each start of the server milliseconds. */
bool transfer_load(struct err *err);

/* Loads it, and takes the secrets from the environment, where they are wiped. One a process.
 *
 *   fails   ERR_INTERNAL
 */
bool transfer_open(const struct settings *settings, struct err *err);

/* What came of a request. */
struct transfer_result {
    long status;     /* 0: no whole answer came */
    int64_t retry_s; /* Retry-After; 0: none */
    char said[256];  /* the beginning of what the server said, or what is wrong; printable */
};

/* Begins a request; `upload` is borrowed until it has ended. None runs. */
void transfer_start(const struct upload *upload);

/* Goes on with it, or waits for `wait_ms`, or until `fd` (-1: none) can be read. True when the one
 * that ran has ended. */
bool transfer_turn(int fd, int wait_ms, struct transfer_result *result);
