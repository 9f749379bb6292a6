/* json.h - Lua values to JSON and back, by jansson, with its memory taken from the vm's heap. */
/* SPDX-License-Identifier: MIT */
#pragma once

#include <luajit-2.1/lua.h>

#include "base/buf.h"
#include "base/err.h"

struct heap;

/* Once in a worker: makes jansson use the heap of the vm entered last (json_use). */
void json_init(void);
void json_use(struct heap *heap);

/* Both end soon when native_stop is set, and give anything then.
 *
 * Pushes the value of `text`, or nil and a message. Null is json.null (a light userdata of NULL);
 * an empty list remembers that it is a list. May raise. Returns the number of values pushed. */
int l_json_decode(lua_State *L, struct str text);

/* Appends the value at `index` to `out` as JSON of at most `max` bytes.
 *
 *   fails   ERR_BAD_RESULT, naming the place: functions, NaN, infinities, text that is no UTF-8,
 *           tables that are neither a list nor keyed by strings, cycles, too many bytes
 *   raises  when the Lua stack cannot grow; nothing is held then
 */
bool l_json_encode(lua_State *L, int index, size_t max, struct buf *out, struct err *err);

/* Is the table at `index` marked as a list, by decoding or by json.array? May raise. */
bool l_json_is_list(lua_State *L, int index);

/* Pushes the module that functions get by require "json". May raise. */
void l_json_push(lua_State *L);
