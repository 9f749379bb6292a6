/* json_encode.h - Lua values to JSON text: one encoder, in the style of each module. */
/* SPDX-License-Identifier: MIT */
#pragma once

#include <luajit-2.1/lua.h>

#include "base/err.h"
#include "worker/json_text.h"

enum json_invalid { INVALID_REFUSE, INVALID_WRITE, INVALID_NULL };

enum { JSON_DIGITS_EXACT = 17 };

struct json_style {
    bool loose; /* as lua-cjson: numbers may be keys, lists may have holes, "/" is escaped */
    int depth_max;
    int digits; /* of a number; JSON_DIGITS_EXACT: as many as it needs */
    enum json_invalid invalid_numbers;
    /* Loose: a list with holes has null in them, unless it has more than `sparse_safe` items and
     * more than `sparse_ratio` (0: any) times as many as are set. Such a list is an object if
     * `sparse_convert`, and refused if not. */
    bool sparse_convert;
    int sparse_ratio, sparse_safe;
    bool keep_buffer; /* of cjson, where it changes nothing */
};

/* The style of replies and of require "json". */
extern const struct json_style json_strict;

/* Encodes the value at `index` into `text`, at most `max` bytes. Leaves the vm when the call is to
 * end.
 *
 *   owns    the caller: json_text_fini, also after a failure
 *   fails   ERR_BAD_RESULT, naming the place
 */
bool l_json_build(lua_State *L, int index, const struct json_style *style, struct heap *heap,
                  size_t max, struct json_text *text, struct err *err);
