/* labels.h - names and values that a user puts on all profiles of a server. */
/* SPDX-License-Identifier: MIT */
#pragma once

#include "base/err.h"
#include "base/str.h"

/* Pyroscope takes 30 labels a series, of which it and the server need some themselves. */
enum { LABELS_MAX = 16, LABEL_NAME_MAX = 128, LABEL_VALUE_MAX = 1024 };

struct labels {
    struct {
        struct str name, value; /* borrowed from the text they were parsed from */
    } all[LABELS_MAX];
    size_t count;
};

/* "name=value,name=value", with white space around each; "" has none. `setting` is what the user
 * called it.
 *
 *   fails   ERR_BAD_REQUEST: a name is none, reserved or there twice, a value is none, or too many
 */
bool labels_parse(struct labels *labels, const char *setting, struct str text, struct err *err);

/* Between 1 and `most` bytes of valid UTF-8 without control characters. */
bool label_is_value(struct str text, size_t most);
