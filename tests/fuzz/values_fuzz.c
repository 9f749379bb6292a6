/* values_fuzz.c - Lua values made of any bytes, encoded and decoded: the same come out. */
/* SPDX-License-Identifier: MIT */
#include "vm_once.h"

#include <luajit-2.1/lauxlib.h>
#include <math.h>

enum { OUT_MAX = 1 << 20, NESTING_MOST = 40, MEMBERS_MOST = 20 };

struct input {
    const uint8_t *at, *end;
    bool odd; /* holds what JSON cannot */
};

static unsigned take(struct input *in)
{
    return in->at < in->end ? *in->at++ : 0;
}

static void l_push_number(lua_State *L, struct input *in)
{
    uint64_t bits = 0;
    double number;

    for (int i = 0; i < 8; i++)
        bits = bits << 8 | take(in);
    memcpy(&number, &bits, sizeof(number));
    in->odd |= !isfinite(number);
    lua_pushnumber(L, number);
}

static void l_push_text(lua_State *L, struct input *in)
{
    size_t left = (size_t)(in->end - in->at), len = take(in) * 2;

    len = len < left ? len : left ? left - 1 : 0;
    struct str text = {(const char *)in->at, len};
    in->at += len;
    in->odd |= str_utf8_prefix(text) < len;
    lua_pushlstring(L, text.at, text.len);
}

static void l_push_value(lua_State *L, struct input *in, int depth);

static void l_push_list(lua_State *L, struct input *in, int depth)
{
    unsigned count = take(in) % MEMBERS_MOST;

    lua_newtable(L);
    for (unsigned i = 1; i <= count; i++) {
        l_push_value(L, in, depth + 1);
        lua_rawseti(L, -2, (int)i);
    }
}

static void l_push_object(lua_State *L, struct input *in, int depth)
{
    unsigned count = take(in) % MEMBERS_MOST;

    lua_newtable(L);
    for (unsigned i = 0; i < count; i++) {
        l_push_text(L, in);
        in->odd |= strlen(lua_tostring(L, -1)) < lua_objlen(L, -1); /* keys have no NUL */
        l_push_value(L, in, depth + 1);
        lua_rawset(L, -3);
    }
}

static void l_push_value(lua_State *L, struct input *in, int depth)
{
    luaL_checkstack(L, 8, "values");
    switch (take(in) % (depth < NESTING_MOST ? 7 : 5)) {
    case 0:
        lua_pushboolean(L, take(in) & 1);
        break;
    case 1:
        lua_pushlightuserdata(L, NULL); /* json.null */
        break;
    case 2:
        lua_pushinteger(L, (lua_Integer)take(in) - 128);
        break;
    case 3:
        l_push_number(L, in);
        break;
    case 4:
        l_push_text(L, in);
        break;
    case 5:
        l_push_list(L, in, depth);
        break;
    default:
        l_push_object(L, in, depth);
        break;
    }
}

static void l_expect_same(lua_State *L, int a, int b);

static size_t l_count(lua_State *L, int table)
{
    size_t count = 0;

    for (lua_pushnil(L); lua_next(L, table); lua_pop(L, 1))
        count++;
    return count;
}

static void l_expect_same(lua_State *L, int a, int b)
{
    int top = lua_gettop(L);

    MUST(lua_type(L, a) == lua_type(L, b));
    if (!lua_istable(L, a)) {
        MUST(lua_rawequal(L, a, b));
        return;
    }
    luaL_checkstack(L, 8, "members");
    MUST(l_count(L, a) == l_count(L, b));
    for (lua_pushnil(L); lua_next(L, a); lua_settop(L, top + 1)) {
        lua_pushvalue(L, top + 1);
        lua_rawget(L, b);
        l_expect_same(L, top + 2, top + 3);
    }
}

static int l_fuzz(lua_State *L)
{
    static struct buf out;
    struct input *in = lua_touserdata(L, 1);
    struct err err = {.code = ERR_NONE};

    buf_clear(&out);
    lua_settop(L, 0);
    lua_createtable(L, 1, 0); /* JSON's decoder takes tables alone at the top */
    l_push_value(L, in, 0);
    lua_rawseti(L, 1, 1);
    if (!l_json_encode(L, 1, OUT_MAX, &out, &err)) {
        MUST(in->odd && err.code == ERR_BAD_RESULT);
        return 0;
    }
    MUST(l_json_decode(L, buf_str(&out)) == 1);
    l_expect_same(L, 1, lua_gettop(L));
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *copy = fuzz_copy(data, size);
    struct input in = {(const uint8_t *)copy, (const uint8_t *)copy + size, false};
    struct err err;

    if (!vm_once(l_fuzz, &in, &err))
        MUST(err.code == ERR_MEMORY_LIMIT);
    free(copy);
    return 0;
}
