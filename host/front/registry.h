/* registry.h - which functions there are: files in folders become versions of funcs. */
/* SPDX-License-Identifier: MIT */
#pragma once

#include "base/settings.h"
#include "base/timers.h"
#include "front/func.h"

/* Reads the folders; each function is loaded by a worker once the loop runs. A folder that is not
 * there has no functions until it is.
 *
 *   fails   ERR_INTERNAL: no memory
 */
bool registry_init(const struct settings *settings, struct timers *timers, struct err *err);

/* The inotify descriptor, to be watched for reading, and what to do then. -1: there is none, the
 * folders are looked at ten times a second. */
int registry_fd(void);
void registry_on_change(void);

/* Borrowed; NULL when there is none of this name. */
struct func *registry_find(struct str name);

/* The same, for who has to say so: ERR_UNKNOWN_FUNCTION. */
struct func *registry_get(struct str name, struct err *err);

/* In the order of their names. `visit` may not add or remove any. */
void registry_each(void (*visit)(struct func *, void *), void *data);

/* Differs whenever what can be called has changed. */
uint64_t registry_changes(void);

/* True once every function found at the start has been loaded or has failed to. */
bool registry_is_ready(void);
