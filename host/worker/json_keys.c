/* json_keys.c - taking and sorting the keys of an object. */
/* SPDX-License-Identifier: MIT */
#include "worker/json_keys.h"

#include <string.h>

#include "engine/leaf.h"
#include "native.h"
#include "worker/heap.h"
#include "worker/safepoint.h"

/* -- Order ----------------------------------------------------------------------------------- */

static bool is_before(const struct json_key *a, const struct json_key *b)
{
    if (!a->text || !b->text)
        return a->text ? false : b->text || a->number < b->number;
    size_t len = a->len < b->len ? a->len : b->len;
    int order = luajit_memcmp(a->text, b->text, len);
    return order ? order < 0 : a->len < b->len;
}

static void sort_few(struct json_key *keys, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        struct json_key key = keys[i];
        size_t k = i;

        for (; k > 0 && is_before(&key, &keys[k - 1]); k--)
            keys[k] = keys[k - 1];
        keys[k] = key;
    }
}

/* Merges the sorted halves; `spare` holds the first meanwhile. */
static void merge(struct json_key *keys, size_t half, size_t count, struct json_key *spare)
{
    size_t from = half, i = 0, to = 0;

    memcpy(spare, keys, half * sizeof(*keys));
    while (i < half && from < count) {
        if (native_stopped())
            safepoint_look();
        keys[to++] = is_before(&keys[from], &spare[i]) ? keys[from++] : spare[i++];
    }
    memcpy(keys + to, spare + i, (half - i) * sizeof(*keys));
}

static void sort(struct json_key *keys, size_t count, struct json_key *spare)
{
    if (count <= JSON_KEYS_FEW) {
        sort_few(keys, count);
        return;
    }
    size_t half = count / 2;
    sort(keys, half, spare);
    sort(keys + half, count - half, spare);
    if (is_before(&keys[half], &keys[half - 1]))
        merge(keys, half, count, spare);
}

/* -- Taking ---------------------------------------------------------------------------------- */

/* The key below the value at the top of the stack. */
static bool read_key(lua_State *L, bool numbers, struct json_key *key)
{
    switch (lua_type(L, -2)) {
    case LUA_TSTRING:
        key->text = lua_tolstring(L, -2, &key->len);
        return true;
    case LUA_TNUMBER:
        *key = (struct json_key){.number = lua_tonumber(L, -2)};
        return numbers && key->number - key->number == 0; /* finite */
    default:
        return false;
    }
}

/* JSON_KEYS_TAKEN with keys->count 0: there are too many for the stack. */
static enum json_keys_result take_few(lua_State *L, int table, bool numbers, struct json_keys *keys)
{
    keys->at = keys->few;
    keys->count = 0;
    for (lua_pushnil(L); lua_next(L, table); lua_pushvalue(L, -2)) {
        struct json_key *key = &keys->few[keys->count];

        if (keys->count == JSON_KEYS_FEW) {
            keys->count = 0;
            break;
        }
        if (!read_key(L, numbers, key))
            return JSON_KEYS_OTHER_KINDS;
        if (!lua_checkstack(L, LUA_MINSTACK))
            return JSON_KEYS_NO_STACK;
        key->slot = lua_gettop(L);
        keys->count++;
    }
    return JSON_KEYS_TAKEN;
}

static size_t count_keys(lua_State *L, int table)
{
    size_t count = 0;

    for (lua_pushnil(L); lua_next(L, table); lua_pop(L, 1), count++)
        if (native_stopped())
            safepoint_look();
    return count;
}

static size_t block_bytes(const struct json_keys *keys)
{
    return (keys->count + keys->count / 2) * sizeof(*keys->at); /* half of it to sort with */
}

static enum json_keys_result take_many(lua_State *L, int table, bool numbers, struct heap *heap,
                                       struct json_keys *keys)
{
    size_t i = 0;

    keys->count = count_keys(L, table);
    keys->at = heap_alloc(heap, NULL, 0, block_bytes(keys));
    for (lua_pushnil(L); lua_next(L, table); lua_pop(L, 1), i++) {
        if (native_stopped())
            safepoint_look();
        if (!read_key(L, numbers, &keys->at[i])) {
            json_keys_drop(keys, heap);
            return JSON_KEYS_OTHER_KINDS;
        }
        keys->at[i].slot = 0;
    }
    sort(keys->at, keys->count, keys->at + keys->count);
    return JSON_KEYS_TAKEN;
}

/* The collector may take keys and values out of a table that holds them weakly, and frees them: a
 * copy on the stack holds them meanwhile. */
static void l_hold(lua_State *L, int table)
{
    lua_settop(L, table);
    if (!lua_getmetatable(L, table))
        return;
    lua_newtable(L);
    lua_replace(L, -2);
    for (lua_pushnil(L); lua_next(L, table);) {
        if (native_stopped())
            safepoint_look();
        lua_pushvalue(L, -2);
        lua_insert(L, -2);
        lua_rawset(L, table + 1);
    }
}

enum json_keys_result l_json_keys_take(lua_State *L, int table, bool numbers, struct heap *heap,
                                       struct json_keys *keys)
{
    enum json_keys_result result = take_few(L, table, numbers, keys);

    if (result != JSON_KEYS_TAKEN)
        return result;
    if (keys->count) {
        sort_few(keys->few, keys->count);
        return result;
    }
    l_hold(L, table);
    return take_many(L, table, numbers, heap, keys);
}

void json_keys_drop(struct json_keys *keys, struct heap *heap)
{
    if (keys->at != keys->few)
        heap_alloc(heap, keys->at, block_bytes(keys), 0);
}

void l_json_keys_push_value(lua_State *L, int table, const struct json_keys *keys, size_t i)
{
    const struct json_key *key = &keys->at[i];

    if (key->slot) {
        lua_pushvalue(L, key->slot);
        return;
    }
    if (key->text)
        lua_pushlstring(L, key->text, key->len);
    else
        lua_pushnumber(L, key->number);
    lua_rawget(L, table);
}
