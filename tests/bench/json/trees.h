/* trees.h - JSON by way of jansson's trees, to compare with. */
/* SPDX-License-Identifier: MIT */
#pragma once

#include <luajit-2.1/lua.h>
#include <stddef.h>

/* Pushes the value of `text`. */
void l_trees_decode(lua_State *L, const char *text, size_t len);

/* Pushes the text of the value at `index`. */
void l_trees_encode(lua_State *L, int index);

/* The most memory that trees and texts have taken at once since it was asked last. */
size_t trees_peak_bytes(void);
