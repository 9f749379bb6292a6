/* json.h - Lua values to JSON and back, with all memory in the vm's heap. */
/* SPDX-License-Identifier: MIT */
#pragma once

#include <luajit-2.1/lua.h>

#include "base/buf.h"
#include "base/err.h"

struct heap;

/* Tables nest this deep, in both directions. A result or the details of an error come to a caller
 * within a list of objects, which adds JSON_WRAP_DEPTH. */
enum { JSON_DEPTH_MAX = 128, JSON_WRAP_DEPTH = 2 };

/* Once in a worker; and before each entry into a vm, with its heap. */
void json_init(void);
void json_use(struct heap *heap);

/* Both leave the vm (safepoint_look) when the call is to end.
 *
 * Pushes the value of `text`, or nil and a message. Null is json.null (a light userdata of NULL);
 * lists are marked as lists. May raise. Returns the number of values pushed. */
int l_json_decode(lua_State *L, struct str text);

/* The same for results of calls, JSON_WRAP_DEPTH deeper. */
int l_json_decode_wrapped(lua_State *L, struct str text);

/* Appends the value at `index` to `out` as JSON of at most `max` bytes. Keys are sorted by byte.
 *
 *   fails   ERR_BAD_RESULT, naming the place: functions, NaN, infinities, text that is not UTF-8,
 *           tables that are neither a list nor keyed by strings, cycles, too many bytes
 */
bool l_json_encode(lua_State *L, int index, size_t max, struct buf *out, struct err *err);

/* Marks the table at the top of the stack as a list: `[]` when it is empty. May raise. */
void l_json_mark_list(lua_State *L);

/* Is the table at `index` marked as a list, by decoding or by json.array? */
bool l_json_is_list(lua_State *L, int index);

/* Pushes the module that functions get by require "json". May raise. */
void l_json_push(lua_State *L);
