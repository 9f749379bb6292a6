/* member.h - the text of a value in a JSON object, as the client wrote it. */
/* SPDX-License-Identifier: MIT */
#pragma once

#include "base/str.h"

/* The text of member `name` of `object`, which is a valid JSON object; a NULL pointer when there is
 * none. Borrowed from `object`. */
struct str member_find(struct str object, const char *name);

/* Is the JSON number `text` exactly the whole number `number`, with none of its digits lost? */
bool member_is_exact(struct str text, double number);
