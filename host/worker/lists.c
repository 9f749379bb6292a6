/* lists.c - a quicksort of a Lua table where it lies, and making room in one. */
/* SPDX-License-Identifier: MIT */
#include "worker/lists.h"

#include <luajit-2.1/lauxlib.h>
#include <stdint.h>

#include "native.h"
#include "worker/convert.h"
#include "worker/cstack.h"
#include "worker/substitute.h"

enum { ARG_LIST = 1, ARG_LESS = 2 };

/* -- sort ------------------------------------------------------------------------------------ */

/* Is the value at `a` to come before the one at `b`? Both count from the top of the stack. */
static bool l_less(lua_State *L, int a, int b)
{
    if (lua_isnil(L, ARG_LESS))
        return lua_lessthan(L, a, b);
    lua_pushvalue(L, ARG_LESS);
    lua_pushvalue(L, a - 1);
    lua_pushvalue(L, b - 2);
    lua_call(L, 2, 1);
    bool less = lua_toboolean(L, -1);
    lua_pop(L, 1);
    return less;
}

/* Puts two items right; false: they were. */
static bool l_order(lua_State *L, int low, int high)
{
    lua_rawgeti(L, ARG_LIST, low);
    lua_rawgeti(L, ARG_LIST, high);
    if (!l_less(L, -1, -2)) {
        lua_pop(L, 2);
        return false;
    }
    lua_rawseti(L, ARG_LIST, low);
    lua_rawseti(L, ARG_LIST, high);
    return true;
}

static void l_swap(lua_State *L, int i, int j)
{
    lua_rawgeti(L, ARG_LIST, i);
    lua_rawgeti(L, ARG_LIST, j);
    lua_rawseti(L, ARG_LIST, i);
    lua_rawseti(L, ARG_LIST, j);
}

/* The next item from `i` on, in steps of `step`, that is not before (or, going down, not after)
 * the pivot at the top of the stack. An order that contradicts itself would lead past `end`. */
static int l_scan(lua_State *L, int i, int step, int end)
{
    for (;; i += step) {
        lua_rawgeti(L, ARG_LIST, i);
        bool goes_on = step > 0 ? l_less(L, -1, -2) : l_less(L, -2, -1);
        lua_pop(L, 1);
        if (!goes_on || native_stopped())
            return i;
        if (i == end)
            luaL_error(L, "invalid order function for sorting");
    }
}

/* Splits `low` to `high`, at least four, where the median of three came to lie; returns where. */
static int l_split(lua_State *L, int low, int high)
{
    int middle = low + (high - low) / 2, i = low, j = high - 1;

    l_swap(L, middle, high - 1);
    lua_rawgeti(L, ARG_LIST, high - 1);
    for (;;) {
        i = l_scan(L, i + 1, 1, high);
        j = l_scan(L, j - 1, -1, low);
        if (j <= i || native_stopped())
            break;
        l_swap(L, i, j);
    }
    lua_pop(L, 1);
    l_swap(L, high - 1, i);
    return i;
}

/* Calls itself for the smaller part only: as deep as the logarithm of the length. */
static void l_sort_part(lua_State *L, int low, int high)
{
    while (low < high && !native_stopped()) {
        int middle = low + (high - low) / 2;

        l_order(L, low, high);
        if (high - low == 1)
            return;
        if (!l_order(L, low, middle))
            l_order(L, middle, high);
        if (high - low == 2)
            return;
        int at = l_split(L, low, high);
        if (at - low < high - at) {
            l_sort_part(L, low, at - 1);
            low = at + 1;
        } else {
            l_sort_part(L, at + 1, high);
            high = at - 1;
        }
    }
}

static int l_sort(lua_State *L)
{
    luaL_checktype(L, ARG_LIST, LUA_TTABLE);
    size_t count = lua_objlen(L, ARG_LIST);

    lua_settop(L, ARG_LESS);
    if (!lua_isnil(L, ARG_LESS))
        luaL_checktype(L, ARG_LESS, LUA_TFUNCTION);
    l_cstack_check(L);
    l_sort_part(L, 1, (int)count);
    return 0;
}

/* -- insert ---------------------------------------------------------------------------------- */

/* More items than that are moved in steps, with a look at the flag. */
enum { ARG_AT = 2, ARG_ITEM = 3, MOVED_AT_ONCE = 1 << 16 };

static lua_CFunction stock_insert;

static int l_insert(lua_State *L)
{
    if (lua_gettop(L) != ARG_ITEM || !lua_istable(L, ARG_LIST) || !lua_isnumber(L, ARG_AT))
        return stock_insert(L);
    lua_Number at = lua_tonumber(L, ARG_AT);
    size_t count = lua_objlen(L, ARG_LIST);
    if ((lua_Number)count - at <= MOVED_AT_ONCE && at < INT32_MAX + 1.0)
        return stock_insert(L);
    int32_t place = convert_int32(at);
    for (int64_t i = (int64_t)count + 1; i > place; i--) {
        if (native_stopped())
            return 0;
        lua_rawgeti(L, ARG_LIST, (int)(i - 1));
        lua_rawseti(L, ARG_LIST, (int)i);
    }
    lua_rawseti(L, ARG_LIST, place);
    return 0;
}

void l_lists_open(lua_State *L)
{
    l_substitute_field(L, "sort", l_sort);
    stock_insert = l_substitute_field(L, "insert", l_insert);
}
