/* json_keys.h - the keys of an object in a stable order, with their values. */
/* SPDX-License-Identifier: MIT */
#pragma once

#include <luajit-2.1/lua.h>
#include <stdbool.h>
#include <stddef.h>

struct heap;

struct json_key {
    const char *text; /* borrowed from the table; NULL: a number */
    size_t len;
    double number;
    int slot; /* of the value on the stack; 0: it is looked up */
};

enum { JSON_KEYS_FEW = 16 };

struct json_keys {
    size_t count;
    struct json_key *at; /* `few`, or a block of the heap */
    struct json_key few[JSON_KEYS_FEW];
};

enum json_keys_result { JSON_KEYS_TAKEN, JSON_KEYS_OTHER_KINDS, JSON_KEYS_NO_STACK };

/* Takes the keys of the table at `table`, sorted: numbers first if `numbers` are allowed, then
 * strings by byte. Few have their values left on the stack, which the caller cuts. The table must
 * not change meanwhile. Leaves the vm when the call is to end.
 *
 *   owns    the caller: json_keys_drop after JSON_KEYS_TAKEN
 *   fails   keys that are neither strings nor allowed numbers; no room on the stack
 */
enum json_keys_result l_json_keys_take(lua_State *L, int table, bool numbers, struct heap *heap,
                                       struct json_keys *keys);
void json_keys_drop(struct json_keys *keys, struct heap *heap);

/* Pushes the value of key `i`. */
void l_json_keys_push_value(lua_State *L, int table, const struct json_keys *keys, size_t i);
