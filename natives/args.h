/* args.h - checks of the arguments that natives take from Lua. */
/* SPDX-License-Identifier: MIT */
#pragma once

#include "native.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Argument `arg` as an integer from `min` to `max`; strings and fractions are refused. */
int64_t l_arg_integer(lua_State *L, int arg, int64_t min, int64_t max);

/* How many items the list at argument `arg` has. */
size_t l_arg_list(lua_State *L, int arg);

/* Item `index` (from 1) of the list at argument `arg`, which must be a string. The text lives as
 * long as the list holds the item: nothing is left on the stack, and no memory is asked for. */
const char *l_arg_list_string(lua_State *L, int arg, size_t index, size_t *length);

/* The same, but false for what is no string. Raises nothing, so that the caller may hold things.
 * Inline: it is as much work as what is then done with a short string. */
static inline bool arg_list_string(lua_State *L, int arg, size_t index, const char **text,
                                   size_t *length)
{
    lua_rawgeti(L, arg, (int)index);
    /* Not lua_isstring: converting a number would leave a string that nothing holds. */
    bool is_string = lua_type(L, -1) == LUA_TSTRING;
    if (is_string)
        *text = lua_tolstring(L, -1, length);
    lua_pop(L, 1);
    return is_string;
}
