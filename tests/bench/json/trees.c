/* trees.c - JSON by way of jansson's trees. */
/* SPDX-License-Identifier: MIT */
#include "trees.h"

#include <jansson.h>
#include <luajit-2.1/lauxlib.h>
#include <malloc.h>
#include <stdlib.h>

static size_t held, peak;

static void *count_malloc(size_t size)
{
    void *block = malloc(size);

    held += malloc_usable_size(block);
    peak = held > peak ? held : peak;
    return block;
}

static void count_free(void *block)
{
    held -= malloc_usable_size(block);
    free(block);
}

size_t trees_peak_bytes(void)
{
    size_t most = peak;

    peak = held;
    return most;
}

static void l_push(lua_State *L, json_t *value)
{
    const char *key;
    json_t *item;
    size_t i;

    luaL_checkstack(L, 4, "trees");
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        lua_createtable(L, 0, (int)json_object_size(value));
        json_object_foreach(value, key, item)
        {
            lua_pushstring(L, key);
            l_push(L, item);
            lua_rawset(L, -3);
        }
        break;
    case JSON_ARRAY:
        lua_createtable(L, (int)json_array_size(value), 0);
        json_array_foreach(value, i, item)
        {
            l_push(L, item);
            lua_rawseti(L, -2, (int)i + 1);
        }
        break;
    case JSON_STRING:
        lua_pushlstring(L, json_string_value(value), json_string_length(value));
        break;
    case JSON_NULL:
        lua_pushlightuserdata(L, NULL);
        break;
    default:
        if (json_is_number(value))
            lua_pushnumber(L, json_number_value(value));
        else
            lua_pushboolean(L, json_is_true(value));
    }
}

void l_trees_decode(lua_State *L, const char *text, size_t len)
{
    json_set_alloc_funcs(count_malloc, count_free);
    json_t *value = json_loadb(text, len, JSON_DECODE_ANY | JSON_DECODE_INT_AS_REAL, NULL);
    l_push(L, value);
    json_decref(value);
}

static json_t *tree_of(lua_State *L, int index);

static json_t *table_of(lua_State *L, int index)
{
    size_t count = lua_objlen(L, index);
    json_t *made = count ? json_array() : json_object();

    luaL_checkstack(L, 4, "trees");
    for (size_t i = 1; i <= count; i++, lua_pop(L, 1)) {
        lua_rawgeti(L, index, (int)i);
        json_array_append_new(made, tree_of(L, lua_gettop(L)));
    }
    for (lua_pushnil(L); !count && lua_next(L, index); lua_pop(L, 1))
        json_object_set_new(made, lua_tostring(L, -2), tree_of(L, lua_gettop(L)));
    if (count)
        lua_pop(L, 1); /* the nil */
    return made;
}

static json_t *tree_of(lua_State *L, int index)
{
    double number = lua_tonumber(L, index);

    switch (lua_type(L, index)) {
    case LUA_TTABLE:
        return table_of(L, index);
    case LUA_TSTRING:
        return json_string(lua_tostring(L, index));
    case LUA_TBOOLEAN:
        return json_boolean(lua_toboolean(L, index));
    case LUA_TNUMBER:
        return number == (double)(json_int_t)number ? json_integer((json_int_t)number)
                                                    : json_real(number);
    default:
        return json_null();
    }
}

void l_trees_encode(lua_State *L, int index)
{
    json_set_alloc_funcs(count_malloc, count_free);
    json_t *tree = tree_of(L, index);
    char *text = json_dumps(tree, JSON_COMPACT | JSON_ENCODE_ANY);

    lua_pushstring(L, text);
    count_free(text);
    json_decref(tree);
}
