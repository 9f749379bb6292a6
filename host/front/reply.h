/* reply.h - the JSON that clients get for what a call ended with. */
/* SPDX-License-Identifier: MIT */
#pragma once

#include "front/dispatch.h"

/* {"error":...,"code":...,"function":...,"call_id":...}, and of `failure` (NULL: nothing) "child",
 * "details" and "traceback"; what is empty is left out. A traceback is the details of a failure
 * that has no others. */
void reply_put_error(struct buf *b, const struct err *err, struct str function, struct str call_id,
                     const struct failure *failure);

/* The function's own keys, latency_ms, and warm when a pool served it. */
void reply_put_result(struct buf *b, const struct reply *reply);

/* True when the worker's text looks like an object, so that it can be a reply of its own. */
bool reply_is_object(const struct reply *reply);

/* True when it is one, all through, as it must be before it is put among others. */
bool reply_is_sound(const struct reply *reply);

/* Milliseconds with three decimals. */
void reply_put_ms(struct buf *b, uint64_t ns);
