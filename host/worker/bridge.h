/* bridge.h - a call's way into its vm and out of it: parameters, handler, result. */
/* SPDX-License-Identifier: MIT */
#pragma once

#include "worker/call.h"
#include "worker/raised.h"

enum { BRIDGE_ARGUMENTS = 4 };

/* Makes the coroutine of call->vm and puts handler, parameters and ctx on it, ready to be run
 * with BRIDGE_ARGUMENTS.
 *
 *   fails   ERR_FUNCTION_ERROR, ERR_MEMORY_LIMIT (the vm is dead then)
 */
bool bridge_begin(struct call *call, struct str call_id, struct str traceparent, struct str params,
                  struct err *err);

enum bridge_step { STEP_ENDED, STEP_PARKED, STEP_FAILED };

/* Runs the coroutine until it ends, parks or fails. `arguments` are on it already. On STEP_FAILED
 * `err` says why, `raised` what the function says beside that, and traceback_text where. */
enum bridge_step bridge_run(struct call *call, int arguments, struct raised *raised,
                            struct err *err);

/* Puts what the call waited for on its coroutine; `*arguments` counts the values. */
bool bridge_push_results(struct call *call, struct str text, int *arguments, struct err *err);

/* Appends the ended call's result to `out`, an object of at most `max` bytes.
 *
 *   fails   ERR_BAD_RESULT; ERR_FUNCTION_ERROR when the handler returned nil and an error, which
 *           `raised` then has; ERR_MEMORY_LIMIT
 */
bool bridge_result(struct call *call, size_t max, struct buf *out, struct raised *raised,
                   struct err *err);

/* Opens a vm for bridge_describe; fails as vm_open does. */
struct vm *bridge_open_described(struct code *code, size_t limit_bytes, struct err *err);

/* Appends what the function file of `vm` declares, as JSON.
 *
 *   fails   ERR_FUNCTION_ERROR naming the field and what it takes; ERR_MEMORY_LIMIT
 */
bool bridge_describe(struct vm *vm, struct buf *out, struct err *err);
