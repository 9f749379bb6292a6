/* args.h - checks of the arguments that natives take from Lua. */
/* SPDX-License-Identifier: MIT */
#pragma once

#include "native.h"

#include <stddef.h>
#include <stdint.h>

/* Argument `arg` as an integer from `min` to `max`; strings and fractions are refused. */
int64_t l_arg_integer(lua_State *L, int arg, int64_t min, int64_t max);

/* How many items the list at argument `arg` has. */
size_t l_arg_list(lua_State *L, int arg);

/* Item `index` (from 1) of the list at argument `arg`, which must be a string. The text lives as
 * long as the list holds the item: nothing is left on the stack, and no memory is asked for. */
const char *l_arg_list_string(lua_State *L, int arg, size_t index, size_t *length);
