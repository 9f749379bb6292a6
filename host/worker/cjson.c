/* cjson.c - the modules "cjson" and "cjson.safe", as lua-cjson 2.1 has them. */
/* SPDX-License-Identifier: MIT */
#include "worker/cjson.h"

#include <assert.h>
#include <limits.h>
#include <luajit-2.1/lauxlib.h>
#include <stdlib.h>
#include <string.h>

#include "worker/cjson_archive.h"
#include "worker/heap.h"
#include "worker/json.h"
#include "worker/json_encode.h"
#include "worker/numbers.h"
#include "worker/vm.h"

/* lua-cjson keeps its configuration in a userdata that the first upvalue of each function holds.
 * Three are made once, in a state that is closed again, and copied: without the finalizer that
 * lua-cjson gives them, for the encoding buffer in them, which nothing here uses. */
static struct {
    size_t bytes;
    void *strict, *wrapped, *field;
    lua_CFunction decode, decode_max_depth, decode_invalid_numbers;
} archive;

enum { DEPTH_DEFAULT = 1000, SPARSE_RATIO = 2, SPARSE_SAFE = 10 };

/* -- Decoding -------------------------------------------------------------------------------- */

/* Function `name` of the module at index 1, which stays on the stack. */
static lua_CFunction take_function(lua_State *L, const char *name)
{
    lua_getfield(L, 1, name);
    lua_CFunction fn = lua_tocfunction(L, -1);
    assert(fn);
    return fn;
}

static void *copy_config(const void *config)
{
    void *copy = malloc(archive.bytes);

    if (!copy)
        abort();
    return memcpy(copy, config, archive.bytes);
}

static int l_take_archive(lua_State *L)
{
    lua_pushcfunction(L, luaopen_cjson);
    lua_call(L, 0, 1);
    lua_replace(L, 1);
    lua_settop(L, 1);
    archive.decode = take_function(L, "decode");
    lua_getupvalue(L, -1, 1);
    archive.bytes = lua_objlen(L, -1);
    archive.field = copy_config(lua_touserdata(L, -1));
    archive.decode_max_depth = take_function(L, "decode_max_depth");
    lua_pushinteger(L, JSON_DEPTH_MAX);
    lua_call(L, 1, 0);
    archive.decode_invalid_numbers = take_function(L, "decode_invalid_numbers");
    lua_pushboolean(L, 0);
    lua_call(L, 1, 0);
    archive.strict = copy_config(lua_touserdata(L, 3));
    take_function(L, "decode_max_depth");
    lua_pushinteger(L, JSON_DEPTH_MAX + JSON_WRAP_DEPTH);
    lua_call(L, 1, 0);
    archive.wrapped = copy_config(lua_touserdata(L, 3));
    return 0;
}

void cjson_init(void)
{
    if (archive.decode)
        return;
    lua_State *L = luaL_newstate();
    if (!L || lua_cpcall(L, l_take_archive, NULL) != 0)
        abort();
    lua_close(L);
}

void l_cjson_push_decode(lua_State *L, bool wrapped)
{
    lua_pushlightuserdata(L, wrapped ? archive.wrapped : archive.strict);
    lua_pushcclosure(L, archive.decode, 1);
}

/* -- Encoding -------------------------------------------------------------------------------- */

static int l_encode(lua_State *L)
{
    const struct json_style *style = lua_touserdata(L, lua_upvalueindex(1));
    struct heap *heap = vm_of(L)->heap;
    struct json_text text;
    struct err err;

    luaL_argcheck(L, lua_gettop(L) == 1, 1, "expected 1 argument");
    bool ok = l_json_build(L, 1, style, heap, heap_limit_bytes(heap), &text, &err);
    if (ok)
        lua_pushlstring(L, text.at, text.len);
    json_text_fini(&text);
    return ok ? 1 : luaL_error(L, "Cannot serialise: %s", err.text);
}

/* -- Options --------------------------------------------------------------------------------- */

static struct json_style *style_of(lua_State *L, int arguments_most)
{
    luaL_argcheck(L, lua_gettop(L) <= arguments_most, arguments_most + 1,
                  "found too many arguments");
    lua_settop(L, arguments_most);
    return lua_touserdata(L, lua_upvalueindex(1));
}

static void l_integer_option(lua_State *L, int index, int *setting, int min, int max)
{
    char range[64];

    if (!lua_isnil(L, index)) {
        lua_Number value = luaL_checknumber(L, index);
        snprintf(range, sizeof(range), "expected integer between %d and %d", min, max);
        luaL_argcheck(L, value >= min && value <= max, index, range);
        *setting = (int)value;
    }
    lua_pushinteger(L, *setting);
}

static int l_encode_sparse_array(lua_State *L)
{
    struct json_style *style = style_of(L, 3);

    if (!lua_isnil(L, 1)) {
        luaL_checktype(L, 1, LUA_TBOOLEAN);
        style->sparse_convert = lua_toboolean(L, 1);
    }
    lua_pushboolean(L, style->sparse_convert);
    l_integer_option(L, 2, &style->sparse_ratio, 0, INT_MAX);
    l_integer_option(L, 3, &style->sparse_safe, 0, INT_MAX);
    return 3;
}

static int l_encode_max_depth(lua_State *L)
{
    l_integer_option(L, 1, &style_of(L, 1)->depth_max, 1, INT_MAX);
    return 1;
}

/* Of 1 to 17 digits; 17, where it begins, means as many as the number needs. */
static int l_encode_number_precision(lua_State *L)
{
    l_integer_option(L, 1, &style_of(L, 1)->digits, 1, JSON_DIGITS_EXACT);
    return 1;
}

/* Changes nothing: text is built in memory that is never kept. */
static int l_encode_keep_buffer(lua_State *L)
{
    struct json_style *style = style_of(L, 1);

    if (!lua_isnil(L, 1)) {
        luaL_checktype(L, 1, LUA_TBOOLEAN);
        style->keep_buffer = lua_toboolean(L, 1);
    }
    lua_pushboolean(L, style->keep_buffer);
    return 1;
}

static int l_encode_invalid_numbers(lua_State *L)
{
    static const char *const words[] = {
        [INVALID_REFUSE] = "off", [INVALID_WRITE] = "on", [INVALID_NULL] = "null", NULL};
    struct json_style *style = style_of(L, 1);

    if (lua_isboolean(L, 1))
        style->invalid_numbers = lua_toboolean(L, 1) ? INVALID_WRITE : INVALID_REFUSE;
    else if (!lua_isnil(L, 1))
        style->invalid_numbers = (enum json_invalid)luaL_checkoption(L, 1, NULL, words);
    if (style->invalid_numbers == INVALID_NULL)
        lua_pushliteral(L, "null");
    else
        lua_pushboolean(L, style->invalid_numbers == INVALID_WRITE);
    return 1;
}

/* -- The modules ----------------------------------------------------------------------------- */

/* Sets functions in the table at the top of the stack but one, with the value there as upvalue,
 * which goes. */
static void l_set_functions(lua_State *L, const luaL_Reg *functions, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        lua_pushvalue(L, -1);
        lua_pushcclosure(L, functions[i].func, 1);
        lua_setfield(L, -3, functions[i].name);
    }
    lua_pop(L, 1);
}

static int l_new(lua_State *L)
{
    static const struct json_style style = {.loose = true,
                                            .depth_max = DEPTH_DEFAULT,
                                            .digits = JSON_DIGITS_EXACT,
                                            .sparse_ratio = SPARSE_RATIO,
                                            .sparse_safe = SPARSE_SAFE,
                                            .keep_buffer = true};
    static const luaL_Reg encoding[] = {{"encode", l_encode},
                                        {"encode_sparse_array", l_encode_sparse_array},
                                        {"encode_max_depth", l_encode_max_depth},
                                        {"encode_number_precision", l_encode_number_precision},
                                        {"encode_keep_buffer", l_encode_keep_buffer},
                                        {"encode_invalid_numbers", l_encode_invalid_numbers},
                                        {"new", l_new}};
    const luaL_Reg decoding[] = {{"decode", archive.decode},
                                 {"decode_max_depth", archive.decode_max_depth},
                                 {"decode_invalid_numbers", archive.decode_invalid_numbers}};

    lua_createtable(L, 0, 16);
    memcpy(lua_newuserdata(L, sizeof(style)), &style, sizeof(style));
    l_set_functions(L, encoding, sizeof(encoding) / sizeof(*encoding));
    memcpy(lua_newuserdata(L, archive.bytes), archive.field, archive.bytes);
    l_set_functions(L, decoding, sizeof(decoding) / sizeof(*decoding));
    lua_pushlightuserdata(L, NULL);
    lua_setfield(L, -2, "null");
    lua_pushliteral(L, "cjson");
    lua_setfield(L, -2, "_NAME");
    lua_pushliteral(L, "2.1.0");
    lua_setfield(L, -2, "_VERSION");
    return 1;
}

/* nil and the message where the function in upvalue 1 raises. */
static int l_protected(lua_State *L)
{
    luaL_argcheck(L, lua_gettop(L) == 1, 1, "expected 1 argument");
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_insert(L, 1);
    if (lua_pcall(L, 1, 1, 0) == 0)
        return 1;
    lua_pushnil(L);
    lua_insert(L, -2);
    return 2;
}

static int l_new_safe(lua_State *L)
{
    static const char *const names[] = {"decode", "encode"};

    l_new(L);
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        lua_getfield(L, -1, names[i]);
        lua_pushcclosure(L, l_protected, 1);
        lua_setfield(L, -2, names[i]);
    }
    lua_pushcfunction(L, l_new_safe);
    lua_setfield(L, -2, "new");
    return 1;
}

void l_cjson_push(lua_State *L)
{
    l_new(L);
}

void l_cjson_push_safe(lua_State *L)
{
    l_new_safe(L);
}
