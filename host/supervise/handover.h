/* handover.h - listening sockets that one process gives to another, which it becomes by exec. */
/* SPDX-License-Identifier: MIT */
#pragma once

#include "supervise/listener.h"

/* As systemd activates sockets: descriptors from 3 on, told by LISTEN_FDS and LISTEN_PID; so this
 * server takes them from systemd too. FAAS_LAUNCHER tells a successor the socket to its launcher.
 */
struct handover {
    int listeners[LISTENERS_MAX];
    size_t count;
    int launcher; /* -1: none */
};

/* Takes what was handed to this process, and forgets the variables that told of it. Nothing was
 * handed over: no listeners, no launcher.
 *
 *   fails   ERR_INTERNAL: what was handed over is no listening TCP socket, or too many of them
 */
bool handover_take(struct handover *handover, struct err *err);

/* Becomes `program`, in a child that was forked for it. Returns with errno on failure only; then
 * descriptors and variables of the process are no longer what they were. */
void handover_exec(const struct handover *handover, const char *program, char **argv);
