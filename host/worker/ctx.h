/* ctx.h - the second argument of a handler: what it may know and ask of the server. */
/* SPDX-License-Identifier: MIT */
#pragma once

#include <luajit-2.1/lua.h>

#include "base/log.h"
#include "base/str.h"

struct call;
struct vm;

/* Makes, in a state that is to serve many calls, what their ctx tables have in common. May raise.
 */
void l_ctx_prepare(lua_State *L);

/* Pushes the ctx table of the call that the state's vm serves. May raise. */
void l_ctx_push(lua_State *L, struct str call_id, struct str traceparent);

/* Pushes what a call that waited for its children gets: text as of MESSAGE_RESULT. Of one it is the
 * result, or nil and the error object. Of all it is a list of results, with the error object in
 * the place of one that failed, and nil or a table of those error objects by their places. Returns
 * the number of values pushed. May raise. */
int l_ctx_push_results(lua_State *L, struct str text, bool all);

enum { CTX_LOG_LINE_MAX = 8 << 10 };

/* Sends a line of the function to the log, cut at CTX_LOG_LINE_MAX bytes; nothing once the call has
 * logged too much. */
void ctx_log(struct vm *vm, enum log_level level, struct str text);

/* Has the call logged too much? */
bool ctx_log_is_full(const struct vm *vm);
