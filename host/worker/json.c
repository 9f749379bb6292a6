/* json.c - Lua values to JSON and back. */
/* SPDX-License-Identifier: MIT */
#include "worker/json.h"

#include <jansson.h>
#include <luajit-2.1/lauxlib.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

#include "native.h"
#include "worker/heap.h"
#include "worker/safepoint.h"

/* Deep enough for any data, shallow enough to find a cycle soon. */
enum {
    DEPTH_MAX = 128,
    PATH_MAX_BYTES = 160,
    PRECISION_LEAST = 15,
    PRECISION_MOST = 17,
    KEEP_ROOM = 1 << 20
};

static const double EXACT_MAX = 9007199254740992.0; /* 2^53 */
static const char list_mark;                        /* its address keys the metatable of lists */

/* -- Memory ---------------------------------------------------------------------------------- */

/* One vm runs at a time in a worker. Blocks carry their size, which jansson does not remember. All
 * that jansson holds lies in the heap of that vm: work that is to end can be left from in here. */
static struct heap *current;
enum { SIZE_BYTES = 16 };

static void *heap_malloc(size_t size)
{
    safepoint_look();
    char *block = heap_alloc(current, NULL, 0, size + SIZE_BYTES);

    memcpy(block, &size, sizeof(size));
    return block + SIZE_BYTES;
}

static void heap_free(void *p)
{
    size_t size;

    if (!p)
        return;
    safepoint_look();
    char *block = (char *)p - SIZE_BYTES;
    memcpy(&size, block, sizeof(size));
    heap_alloc(current, block, size + SIZE_BYTES, 0);
}

void json_init(void)
{
    size_t seed = 0;

    while (seed == 0 && getrandom(&seed, sizeof(seed), 0) >= 0)
        ;
    json_object_seed(seed);
    json_set_alloc_funcs(heap_malloc, heap_free);
}

void json_use(struct heap *heap)
{
    current = heap;
}

/* -- Decoding -------------------------------------------------------------------------------- */

static void mark_as_list(lua_State *L)
{
    lua_pushlightuserdata(L, (void *)&list_mark);
    lua_rawget(L, LUA_REGISTRYINDEX);
    if (lua_isnil(L, -1)) {
        lua_pop(L, 1);
        lua_newtable(L);
        lua_pushboolean(L, 0);
        lua_setfield(L, -2, "__metatable");
        lua_pushlightuserdata(L, (void *)&list_mark);
        lua_pushvalue(L, -2);
        lua_rawset(L, LUA_REGISTRYINDEX);
    }
    lua_setmetatable(L, -2);
}

static void l_push(lua_State *L, json_t *value);

static void l_push_array(lua_State *L, json_t *array)
{
    size_t count = json_array_size(array);

    lua_createtable(L, count < INT32_MAX ? (int)count : 0, 0);
    for (size_t i = 0; i < count && !native_stopped(); i++) {
        l_push(L, json_array_get(array, i));
        lua_rawseti(L, -2, (int)i + 1);
    }
    if (count == 0)
        mark_as_list(L);
}

static void l_push_object(lua_State *L, json_t *object)
{
    size_t count = json_object_size(object);

    lua_createtable(L, 0, count < INT32_MAX ? (int)count : 0);
    for (void *i = json_object_iter(object); i && !native_stopped();
         i = json_object_iter_next(object, i)) {
        lua_pushstring(L, json_object_iter_key(i));
        l_push(L, json_object_iter_value(i));
        lua_rawset(L, -3);
    }
}

static void l_push(lua_State *L, json_t *value)
{
    luaL_checkstack(L, 4, "JSON is nested too deep");
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        l_push_object(L, value);
        break;
    case JSON_ARRAY:
        l_push_array(L, value);
        break;
    case JSON_STRING:
        lua_pushlstring(L, json_string_value(value), json_string_length(value));
        break;
    case JSON_INTEGER:
    case JSON_REAL:
        lua_pushnumber(L, json_number_value(value));
        break;
    case JSON_TRUE:
    case JSON_FALSE:
        lua_pushboolean(L, json_is_true(value));
        break;
    case JSON_NULL:
        lua_pushlightuserdata(L, NULL);
        break;
    }
}

/* The next part of the text at `rest`; none when reading is to end. */
static size_t take_part(void *part, size_t most, void *rest)
{
    struct str *text = rest;
    size_t len = text->len < most ? text->len : most;

    if (len == 0 || native_stopped())
        return 0;
    memcpy(part, text->at, len);
    text->at += len;
    text->len -= len;
    return len;
}

int l_json_decode(lua_State *L, struct str text)
{
    json_error_t error;
    json_t *value = json_load_callback(
        take_part, &text, JSON_DECODE_ANY | JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL, &error);

    if (!value) {
        lua_pushnil(L);
        lua_pushfstring(L, "%s (line %d, column %d)", error.text, error.line, error.column);
        return 2;
    }
    l_push(L, value);
    json_decref(value);
    return 1;
}

/* -- Encoding -------------------------------------------------------------------------------- */

struct encoder {
    lua_State *L;
    struct err *err;
    char path[PATH_MAX_BYTES]; /* where in the value we are: "result.items[3]" */
    size_t path_len;
    int precision; /* digits that the numbers so far need to be read back exactly */
};

static json_t *refuse(struct encoder *e, const char *why)
{
    err_set(e->err, ERR_BAD_RESULT, "%s %s", e->path_len ? e->path : "the value", why);
    return NULL;
}

/* One step further in: ".key", or "[index]" without a key. Returns what path_pop goes back to. */
static size_t path_push(struct encoder *e, const char *key, size_t index)
{
    size_t before = e->path_len, room = sizeof(e->path) - before;
    int n = key ? snprintf(e->path + before, room, "%s%s", before ? "." : "", key)
                : snprintf(e->path + before, room, "[%zu]", index);

    e->path_len = before + ((size_t)n < room ? (size_t)n : room - 1);
    return before;
}

static void path_pop(struct encoder *e, size_t before)
{
    e->path_len = before;
    e->path[before] = '\0';
}

static json_t *number_of(struct encoder *e, double number)
{
    char text[40];

    if (!isfinite(number))
        return refuse(e, "is not a finite number");
    if (number == floor(number) && fabs(number) <= EXACT_MAX)
        return json_integer((json_int_t)number);
    for (; e->precision < PRECISION_MOST; e->precision++) {
        snprintf(text, sizeof(text), "%.*g", e->precision, number);
        if (strtod(text, NULL) == number)
            break;
    }
    return json_real(number);
}

static json_t *string_of(struct encoder *e, int index)
{
    size_t len;
    const char *text = lua_tolstring(e->L, index, &len);
    json_t *string = json_stringn(text, len);

    return string ? string : refuse(e, "is not valid UTF-8");
}

static json_t *value_of(struct encoder *e, int index, int depth);

static json_t *list_of(struct encoder *e, int index, size_t count, int depth)
{
    json_t *array = json_array();

    for (size_t i = 1; i <= count; i++) {
        size_t before = path_push(e, NULL, i);

        lua_rawgeti(e->L, index, (int)i);
        json_t *item = value_of(e, lua_gettop(e->L), depth + 1);
        lua_pop(e->L, 1);
        if (!item)
            return NULL; /* the array goes with the heap */
        path_pop(e, before);
        json_array_append_new(array, item);
    }
    return array;
}

static bool put_member(struct encoder *e, json_t *object, int depth)
{
    size_t len;

    if (lua_type(e->L, -2) != LUA_TSTRING)
        return refuse(e, "has keys of several kinds: a table is a list 1..n without holes, or all "
                         "its keys are strings");
    const char *key = lua_tolstring(e->L, -2, &len);
    if (memchr(key, '\0', len))
        return refuse(e, "has a key with a NUL character");
    size_t before = path_push(e, key, 0);
    json_t *value = value_of(e, lua_gettop(e->L), depth + 1);
    if (!value)
        return false;
    path_pop(e, before);
    if (json_object_set_new(object, key, value) != 0)
        return refuse(e, "has a key that is not valid UTF-8");
    return true;
}

static json_t *object_of(struct encoder *e, int index, int depth)
{
    json_t *object = json_object();

    lua_pushnil(e->L);
    while (lua_next(e->L, index)) {
        if (!put_member(e, object, depth))
            return NULL;
        lua_pop(e->L, 1);
    }
    return object;
}

bool l_json_is_list(lua_State *L, int index)
{
    if (!lua_getmetatable(L, index))
        return false;
    lua_pushlightuserdata(L, (void *)&list_mark);
    lua_rawget(L, LUA_REGISTRYINDEX);
    bool marked = lua_rawequal(L, -1, -2);
    lua_pop(L, 2);
    return marked;
}

/* A list has the keys 1..n and no others; an empty table is one if it is marked so. */
static json_t *table_of(struct encoder *e, int index, int depth)
{
    size_t keys = 0, count = lua_objlen(e->L, index);

    if (depth >= DEPTH_MAX)
        return refuse(e, "is nested more than 128 levels deep, or contains itself");
    luaL_checkstack(e->L, 6, "JSON is nested too deep");
    if (count == 0 && !l_json_is_list(e->L, index))
        return object_of(e, index, depth);
    for (lua_pushnil(e->L); lua_next(e->L, index); lua_pop(e->L, 1))
        if (++keys > count)
            break;
    if (keys != count)
        return refuse(e, "is a list with holes or with other keys beside: a table is a list 1..n "
                         "without holes, or all its keys are strings");
    return list_of(e, index, count, depth);
}

static json_t *value_of(struct encoder *e, int index, int depth)
{
    if (native_stopped())
        return refuse(e, "is not encoded any more");
    switch (lua_type(e->L, index)) {
    case LUA_TNIL:
        return json_null();
    case LUA_TBOOLEAN:
        return json_boolean(lua_toboolean(e->L, index));
    case LUA_TNUMBER:
        return number_of(e, lua_tonumber(e->L, index));
    case LUA_TSTRING:
        return string_of(e, index);
    case LUA_TTABLE:
        return table_of(e, index, depth);
    case LUA_TLIGHTUSERDATA:
        if (!lua_touserdata(e->L, index))
            return json_null();
        return refuse(e, "is a userdata, which JSON cannot hold");
    case LUA_TFUNCTION:
        return refuse(e, "is a function, which JSON cannot hold");
    default:
        return refuse(e, "is a value that JSON cannot hold");
    }
}

struct sink {
    struct buf *out;
    size_t max;
};

static int put_part(const char *part, size_t len, void *sink)
{
    struct sink *s = sink;

    if (s->out->len + len > s->max || native_stopped())
        return -1;
    buf_put(s->out, part, len);
    return 0;
}

bool l_json_encode(lua_State *L, int index, size_t max, struct buf *out, struct err *err)
{
    struct encoder e = {.L = L, .err = err, .precision = PRECISION_LEAST};
    struct sink sink = {out, out->len + max};
    int top = lua_gettop(L);
    json_t *value = value_of(&e, index, 0);

    lua_settop(L, top);
    if (!value)
        return false;
    size_t flags = JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION((size_t)e.precision);
    bool fits = json_dump_callback(value, put_part, &sink, flags) == 0;
    json_decref(value);
    return fits || err_set(err, ERR_BAD_RESULT, "the value is more than %zu bytes of JSON", max);
}

/* -- The module ------------------------------------------------------------------------------ */

static int l_decode(lua_State *L)
{
    struct str text;

    text.at = luaL_checklstring(L, 1, &text.len);
    return l_json_decode(L, text);
}

/* The text is built in the worker's own buffer, kept for the next time: nothing to release. */
static int l_encode(lua_State *L)
{
    static struct buf out;
    struct err err;

    luaL_checkany(L, 1);
    buf_clear(&out);
    if (!l_json_encode(L, 1, heap_limit_bytes(current), &out, &err))
        return native_stopped() ? 0 : luaL_error(L, "json.encode: %s", err.text);
    lua_pushlstring(L, out.at, out.len);
    if (out.room > KEEP_ROOM)
        buf_fini(&out);
    return 1;
}

static int l_array(lua_State *L)
{
    if (lua_isnoneornil(L, 1)) {
        lua_settop(L, 0);
        lua_newtable(L);
    }
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 1);
    mark_as_list(L);
    return 1;
}

void l_json_push(lua_State *L)
{
    lua_createtable(L, 0, 4);
    lua_pushcfunction(L, l_decode);
    lua_setfield(L, -2, "decode");
    lua_pushcfunction(L, l_encode);
    lua_setfield(L, -2, "encode");
    lua_pushcfunction(L, l_array);
    lua_setfield(L, -2, "array");
    lua_pushlightuserdata(L, NULL);
    lua_setfield(L, -2, "null");
}
