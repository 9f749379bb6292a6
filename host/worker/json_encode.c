/* json_encode.c - Lua values to JSON text. */
/* SPDX-License-Identifier: MIT */
#include "worker/json_encode.h"

#include <luajit-2.1/lauxlib.h>
#include <math.h>
#include <stdio.h>

#include "native.h"
#include "worker/cstack.h"
#include "worker/heap.h"
#include "worker/json.h"
#include "worker/json_keys.h"
#include "worker/json_text.h"
#include "worker/numbers.h"
#include "worker/safepoint.h"

/* lua-cjson decodes (json_decode.c) but does not encode here, because its encoder cannot give all
 * that is needed: it walks objects in the order of LuaJIT's hash, which is seeded anew in each
 * state; its errors do not say where in the value; it prints every empty table as {}; it does not
 * check UTF-8; and it calls into nothing between two values that could leave at a deadline. */

const struct json_style json_strict = {.depth_max = JSON_DEPTH_MAX, .digits = JSON_DIGITS_EXACT};

/* A step into the value: a key, or an index without one. */
struct step {
    const struct step *up;
    const char *key;
    size_t key_len, index;
};

struct encoder {
    lua_State *L;
    const struct json_style *style;
    struct json_text *text;
    struct err *err;
    int depth;
};

/* -- Refusing -------------------------------------------------------------------------------- */

enum { PATH_BYTES = 160, PATH_STEPS = 160 };

/* "result.items[3]", cut at the end. */
static void write_path(const struct step *step, char *path)
{
    const struct step *steps[PATH_STEPS];
    size_t count = 0, len = 0;

    for (; step && count < PATH_STEPS; step = step->up)
        steps[count++] = step;
    path[0] = '\0';
    while (count-- && len < PATH_BYTES - 1) {
        const struct step *s = steps[count];
        size_t room = PATH_BYTES - len;
        int n = s->key
                    ? snprintf(path + len, room, "%s%.*s", len ? "." : "", (int)s->key_len, s->key)
                    : snprintf(path + len, room, "[%zu]", s->index);
        len += (size_t)n < room ? (size_t)n : room - 1;
    }
}

static bool refuse(const struct encoder *e, const struct step *step, const char *why)
{
    char path[PATH_BYTES];

    write_path(step, path);
    return err_set(e->err, ERR_BAD_RESULT, "%s %s", path[0] ? path : "the value", why);
}

static bool refuse_size(const struct encoder *e)
{
    return err_set(e->err, ERR_BAD_RESULT, "the value is more than %zu bytes of JSON",
                   e->text->max);
}

static bool refuse_depth(const struct encoder *e, const struct step *step)
{
    char why[80];

    snprintf(why, sizeof(why), "is nested more than %d levels deep, or contains itself", e->depth);
    return refuse(e, step, why);
}

static bool put(struct encoder *e, const char *text, size_t len)
{
    return json_text_put(e->text, text, len) || refuse_size(e);
}

/* -- Scalars --------------------------------------------------------------------------------- */

static bool put_invalid(struct encoder *e, double number, const struct step *step)
{
    switch (e->style->invalid_numbers) {
    case INVALID_NULL:
        return put(e, "null", 4);
    case INVALID_WRITE:
        return isnan(number) ? put(e, "nan", 3) : number > 0 ? put(e, "inf", 3) : put(e, "-inf", 4);
    default:
        return refuse(e, step, "is not a finite number");
    }
}

static bool put_number(struct encoder *e, double number, const struct step *step)
{
    if (!isfinite(number))
        return put_invalid(e, number, step);
    char *to = json_text_room(e->text, NUMBER_TEXT_MAX);
    if (!to)
        return refuse_size(e);
    if (e->style->digits == JSON_DIGITS_EXACT)
        e->text->len += number_write(number, to);
    else
        e->text->len += (size_t)snprintf(to, NUMBER_TEXT_MAX, "%.*g", e->style->digits, number);
    return true;
}

static bool put_string(struct encoder *e, struct str s, const struct step *step, const char *why)
{
    switch (json_text_put_string(e->text, s, e->style->loose)) {
    case JSON_STRING_PUT:
        return true;
    case JSON_STRING_TOO_LONG:
        return refuse_size(e);
    default:
        return refuse(e, step, why);
    }
}

/* -- Tables ---------------------------------------------------------------------------------- */

static const char *const several_kinds =
    "has keys of several kinds: a table is a list 1..n without holes, or all its keys are strings";
static const char *const holes =
    "is a list with holes or with other keys beside: a table is a list 1..n without holes, or all "
    "its keys are strings";

static bool put_value(struct encoder *e, const struct step *step);

/* An item of a list, at the top of the stack. */
static bool put_item(struct encoder *e, size_t index, const struct step *step)
{
    const struct step here = {step, NULL, 0, index};

    return (index == 1 || put(e, ",", 1)) && put_value(e, &here);
}

/* Items `from`..`count`, by their index; holes are null. */
static bool put_items(struct encoder *e, int table, size_t from, size_t count,
                      const struct step *step)
{
    for (size_t i = from; i <= count; i++) {
        lua_rawgeti(e->L, table, (int)i);
        if (!put_item(e, i, step))
            return false;
        lua_pop(e->L, 1);
    }
    return put(e, "]", 1);
}

/* The number of keys of the table at `table`. */
static size_t count_keys(struct encoder *e, int table)
{
    size_t count = 0;

    for (lua_pushnil(e->L); lua_next(e->L, table); lua_pop(e->L, 1), count++)
        if (native_stopped())
            safepoint_look();
    return count;
}

/* A list has the keys 1..n and no others. They come in this order while they lie in the table's
 * array part, as nearly always: so one walk both checks and encodes. Where the order is another,
 * the number of keys decides, and the rest is put by index. */
static bool put_list(struct encoder *e, int table, const struct step *step)
{
    size_t i = 0;

    if (!put(e, "[", 1))
        return false;
    for (lua_pushnil(e->L); lua_next(e->L, table); lua_pop(e->L, 1)) {
        if (lua_type(e->L, -2) != LUA_TNUMBER || lua_tonumber(e->L, -2) != (double)(i + 1)) {
            size_t count = lua_objlen(e->L, table);
            lua_settop(e->L, table);
            if (count < i || count_keys(e, table) != count)
                return refuse(e, step, holes);
            return put_items(e, table, i + 1, count, step);
        }
        if (!put_item(e, ++i, step))
            return false;
    }
    return put(e, "]", 1);
}

/* A member, whose value is at the top of the stack. */
static bool put_member(struct encoder *e, const struct json_key *key, bool first,
                       const struct step *step)
{
    struct step here = {step, key->text, key->len, 0};
    char number[NUMBER_TEXT_MAX];

    if (!first && !put(e, ",", 1))
        return false;
    if (!e->style->loose && memchr(key->text, '\0', key->len))
        return refuse(e, step, "has a key with a NUL character"); /* the front takes none */
    if (!key->text) {
        here.key = number;
        here.key_len = number_write(key->number, number);
    }
    return put_string(e, (struct str){here.key, here.key_len}, step,
                      "has a key that is not valid UTF-8") &&
           put(e, ":", 1) && put_value(e, &here);
}

static bool put_members(struct encoder *e, int table, struct json_keys *keys,
                        const struct step *step)
{
    for (size_t i = 0; i < keys->count; i++) {
        l_json_keys_push_value(e->L, table, keys, i);
        if (!put_member(e, &keys->at[i], i == 0, step))
            return false;
        lua_pop(e->L, 1);
    }
    return put(e, "}", 1);
}

static bool put_object(struct encoder *e, int table, const struct step *step)
{
    struct json_keys keys;

    switch (l_json_keys_take(e->L, table, e->style->loose, e->text->heap, &keys)) {
    case JSON_KEYS_TAKEN:
        break;
    case JSON_KEYS_NO_STACK:
        return refuse_depth(e, step);
    default:
        return refuse(e, step, several_kinds);
    }
    bool ok = put(e, "{", 1) && put_members(e, table, &keys, step);
    json_keys_drop(&keys, e->text->heap);
    lua_settop(e->L, table);
    return ok;
}

/* Loose: the keys 1..n, with holes, make a list. `*items` is n; 0: an object. */
static bool measure_list(struct encoder *e, int table, size_t *items, const struct step *step)
{
    const struct json_style *style = e->style;
    double most = 0;
    size_t count = 0;

    *items = 0;
    for (lua_pushnil(e->L); lua_next(e->L, table); lua_pop(e->L, 1), count++) {
        double key = lua_type(e->L, -2) == LUA_TNUMBER ? lua_tonumber(e->L, -2) : 0;
        if (native_stopped())
            safepoint_look();
        if (key < 1 || key > INT32_MAX || key != floor(key)) {
            lua_pop(e->L, 2);
            return true;
        }
        most = key > most ? key : most;
    }
    if (style->sparse_ratio > 0 && most > (double)count * style->sparse_ratio &&
        most > style->sparse_safe)
        return style->sparse_convert || refuse(e, step, "is an excessively sparse array");
    *items = (size_t)most;
    return true;
}

static bool put_loose(struct encoder *e, int table, const struct step *step)
{
    size_t items;

    if (!measure_list(e, table, &items, step))
        return false;
    return items ? put(e, "[", 1) && put_items(e, table, 1, items, step)
                 : put_object(e, table, step);
}

/* A table with its first key and value on the stack, which go. */
static bool put_filled(struct encoder *e, int table, const struct step *step)
{
    bool list = lua_type(e->L, -2) != LUA_TSTRING;
    bool first = list && lua_type(e->L, -2) == LUA_TNUMBER && lua_tonumber(e->L, -2) == 1;
    lua_settop(e->L, table);
    if (e->style->loose)
        return put_loose(e, table, step);
    if (first || l_json_is_list(e->L, table) || (list && lua_objlen(e->L, table) > 0))
        return put_list(e, table, step);
    return list ? refuse(e, step, several_kinds) : put_object(e, table, step);
}

/* A table at the top of the stack, which it leaves there, alone. */
static bool put_table(struct encoder *e, const struct step *step)
{
    lua_State *L = e->L;
    int table = lua_gettop(L);

    if (e->depth >= e->style->depth_max || cstack_is_full() || !lua_checkstack(L, LUA_MINSTACK))
        return refuse_depth(e, step);
    lua_pushnil(L);
    if (!lua_next(L, table))
        return put(e, l_json_is_list(L, table) ? "[]" : "{}", 2);
    e->depth++;
    bool ok = put_filled(e, table, step);
    e->depth--;
    return ok;
}

/* The value at the top of the stack. */
static bool put_value(struct encoder *e, const struct step *step)
{
    lua_State *L = e->L;
    struct str s;

    if (native_stopped())
        safepoint_look();
    switch (lua_type(L, -1)) {
    case LUA_TNIL:
        return put(e, "null", 4);
    case LUA_TBOOLEAN:
        return lua_toboolean(L, -1) ? put(e, "true", 4) : put(e, "false", 5);
    case LUA_TNUMBER:
        return put_number(e, lua_tonumber(L, -1), step);
    case LUA_TSTRING:
        s.at = lua_tolstring(L, -1, &s.len);
        return put_string(e, s, step, "is not valid UTF-8");
    case LUA_TTABLE:
        return put_table(e, step);
    case LUA_TLIGHTUSERDATA:
        if (!lua_touserdata(L, -1))
            return put(e, "null", 4);
        return refuse(e, step, "is a userdata, which JSON cannot hold");
    case LUA_TFUNCTION:
        return refuse(e, step, "is a function, which JSON cannot hold");
    default:
        return refuse(e, step, "is a value that JSON cannot hold");
    }
}

/* -- Whole values ---------------------------------------------------------------------------- */

bool l_json_build(lua_State *L, int index, const struct json_style *style, struct heap *heap,
                  size_t max, struct json_text *text, struct err *err)
{
    struct encoder e = {L, style, text, err, 0};
    int top = lua_gettop(L);

    json_text_init(text, heap, max);
    lua_pushvalue(L, index);
    bool ok = put_value(&e, NULL) && (text->len <= max || refuse_size(&e));
    lua_settop(L, top);
    return ok;
}
