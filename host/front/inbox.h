/* inbox.h - what comes from workers: messages, and their deaths. */
/* SPDX-License-Identifier: MIT */
#pragma once

#include "front/crew.h"

/* Takes every message that workers have sent. True when there was any. */
bool inbox_drain(void);

/* The supervisor's word that a worker has died: what it had sent is taken; calls that it had not
 * begun go back to the queue, the others end; the next worker is asked for. */
void inbox_worker_died(struct member *member, int status);
