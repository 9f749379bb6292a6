/* cjson.h - lua-cjson: its decoder, and the modules "cjson" and "cjson.safe". */
/* SPDX-License-Identifier: MIT */
#pragma once

#include <luajit-2.1/lua.h>
#include <stdbool.h>

/* Before the others: takes what is needed from the archive, the first time. */
void cjson_init(void);

/* Pushes lua-cjson's decode function, as strict as JSON is and JSON_DEPTH_MAX deep, or
 * JSON_WRAP_DEPTH deeper. May raise. */
void l_cjson_push_decode(lua_State *L, bool wrapped);

/* Push the modules "cjson" and "cjson.safe". May raise. */
void l_cjson_push(lua_State *L);
void l_cjson_push_safe(lua_State *L);
