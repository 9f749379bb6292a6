/* connections.h - taking connections, and letting them go when the front ends. */
/* SPDX-License-Identifier: MIT */
#pragma once

#include <h2o.h>

#include "base/settings.h"
#include "base/timers.h"

/* `accept` outlives this. */
void connections_init(h2o_accept_ctx_t *accept, const struct settings *settings,
                      struct timers *timers);

/* Takes connections from these sockets, and closes them when it takes no more. `shared`: others
 * will listen on them after this server. */
void connections_listen(const int *listeners, size_t count, bool shared);

/* Takes no more. Clients that connect are somebody else's, who has these sockets too. */
void connections_leave(void);

/* Takes those that wait to be taken, and no more; clients that connect are nobody's: the kernel
 * does not answer them, and refuses them once the sockets are closed everywhere. Shared sockets are
 * left instead. */
void connections_shut(void);

/* Connections that are open. */
size_t connections_count(void);

/* More connections are to be taken. After connections_shut: ask again and again. */
bool connections_are_taken(void);

/* Closes those without a request that were opened longer than `ms` ago; after connections_shut,
 * half a second ago. */
void connections_close_idle(int64_t ms);
