/* push_settings.h - the settings of where profiles are pushed to; each as words of settings.c. */
/* SPDX-License-Identifier: MIT */
#pragma once

#include "base/settings.h"

/* `name` is what the user called the setting. An empty text is as if it were not set.
 *
 *   fails   ERR_BAD_REQUEST, with a sentence; never with what may be a password in an address
 */
bool push_set_address(struct settings *s, const char *name, const char *text, struct err *err);
bool push_set_application(struct settings *s, const char *name, const char *text, struct err *err);
bool push_set_labels(struct settings *s, const char *name, const char *text, struct err *err);
bool push_set_tenant(struct settings *s, const char *name, const char *text, struct err *err);
bool push_set_interval(struct settings *s, const char *name, const char *text, struct err *err);
