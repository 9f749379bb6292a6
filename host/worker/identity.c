/* identity.c - addresses under a secret permutation. */
/* SPDX-License-Identifier: MIT */
#include "worker/identity.h"

#include <inttypes.h>
#include <luajit-2.1/lauxlib.h>
#include <luajit-2.1/lualib.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "engine/leaf.h"
#include "worker/safepoint.h"
#include "worker/substitute.h"
#include "worker/vm.h"

/* -- The permutation ------------------------------------------------------------------------- */

enum { HALF_BITS = 24, HALF = (1 << HALF_BITS) - 1, ROUNDS = 8 };

static uint64_t rotate(uint64_t x, int by)
{
    return x << by | x >> (64 - by);
}

static void sip_rounds(uint64_t v[4], int count)
{
    for (int i = 0; i < count; i++) {
        v[0] += v[1];
        v[1] = rotate(v[1], 13) ^ v[0];
        v[0] = rotate(v[0], 32);
        v[2] += v[3];
        v[3] = rotate(v[3], 16) ^ v[2];
        v[0] += v[3];
        v[3] = rotate(v[3], 21) ^ v[0];
        v[2] += v[1];
        v[1] = rotate(v[1], 17) ^ v[2];
        v[2] = rotate(v[2], 32);
    }
}

/* SipHash-2-4 of the eight bytes of `word`. */
static uint64_t sip_hash(const uint64_t key[2], uint64_t word)
{
    const uint64_t length = UINT64_C(8) << 56;
    uint64_t v[4] = {key[0] ^ UINT64_C(0x736f6d6570736575), key[1] ^ UINT64_C(0x646f72616e646f6d),
                     key[0] ^ UINT64_C(0x6c7967656e657261), key[1] ^ UINT64_C(0x7465646279746573)};

    v[3] ^= word;
    sip_rounds(v, 2);
    v[0] ^= word;
    v[3] ^= length;
    sip_rounds(v, 2);
    v[0] ^= length;
    v[2] ^= 0xff;
    sip_rounds(v, 4);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

/* A Feistel network over the 48 bits that an address of a process has. */
static uint64_t permute(const uint64_t key[2], uint64_t address)
{
    uint64_t left = address >> HALF_BITS & HALF, right = address & HALF;

    for (uint64_t round = 0; round < ROUNDS; round++) {
        uint64_t next = left ^ (sip_hash(key, round << HALF_BITS | right) & HALF);

        left = right;
        right = next;
    }
    return left << HALF_BITS | right;
}

/* The key lies outside the vm's heap, which is put back to its image. */
static const uint64_t *l_key(lua_State *L)
{
    struct vm *vm = vm_of(L);

    if (!vm->has_identity_key && getrandom(vm->identity_key, sizeof(vm->identity_key), 0) !=
                                     (ssize_t)sizeof(vm->identity_key))
        luaL_error(L, "the system has no entropy");
    vm->has_identity_key = true;
    return vm->identity_key;
}

/* -- Texts ----------------------------------------------------------------------------------- */

/* Pushes `prefix` and the number of the value at `index`; "NULL" for one without address. */
static void l_push_number(lua_State *L, int index, const char *prefix)
{
    uint64_t address = (uint64_t)(uintptr_t)lua_topointer(L, index);
    char text[64];

    if (address)
        snprintf(text, sizeof(text), "%s0x%012" PRIx64, prefix, permute(l_key(L), address));
    else
        snprintf(text, sizeof(text), "%sNULL", prefix);
    lua_pushstring(L, text);
}

static void l_push_identity(lua_State *L, int index)
{
    char prefix[16];

    snprintf(prefix, sizeof(prefix), "%s: ", luaL_typename(L, index));
    l_push_number(L, index, prefix);
}

static bool is_object(lua_State *L, int index)
{
    int type = lua_type(L, index);

    return type == LUA_TTABLE || type == LUA_TFUNCTION || type == LUA_TTHREAD ||
           type == LUA_TUSERDATA || type == LUA_TLIGHTUSERDATA;
}

/* -- tostring -------------------------------------------------------------------------------- */

static lua_CFunction stock_tostring;

/* What LuaJIT's tostring, which is machine code, calls for all but texts and numbers. To return 0
 * is to have it look at its arguments again: it finds a text. */
static int l_tostring(lua_State *L)
{
    if (!is_object(L, 1) || luaL_getmetafield(L, 1, "__tostring")) {
        lua_settop(L, lua_gettop(L) ? 1 : 0);
        return stock_tostring(L);
    }
    l_push_identity(L, 1);
    lua_replace(L, 1);
    lua_settop(L, 1);
    return 0;
}

void l_identity_open(lua_State *L)
{
    lua_getglobal(L, "tostring");
    stock_tostring = substitute_fallback(L, l_tostring);
    lua_pop(L, 1);
}

static int l_probe(lua_State *L)
{
    lua_pushliteral(L, "probe");
    lua_replace(L, 1);
    return 0;
}

static int l_try_probe(lua_State *L)
{
    bool *works = lua_touserdata(L, 1);

    luaopen_base(L);
    lua_getglobal(L, "tostring");
    if (!lua_iscfunction(L, -1) || lua_tocfunction(L, -1))
        return 0;
    substitute_fallback(L, l_probe);
    lua_newtable(L);
    lua_call(L, 1, 1);
    *works = lua_type(L, -1) == LUA_TSTRING && strcmp(lua_tostring(L, -1), "probe") == 0;
    return 0;
}

bool identity_works(void)
{
    lua_State *L = luaL_newstate();
    bool works = false;

    if (!L)
        return false;
    bool ended = lua_cpcall(L, l_try_probe, &works) == 0;
    lua_close(L);
    return ended && works;
}

/* -- string.format --------------------------------------------------------------------------- */

enum { LOOK_EVERY = 65536 };

/* The conversion that the "%" before `at` begins, or NULL: none that LuaJIT takes. */
static const char *conversion(const char *at, const char *end)
{
    for (size_t seen = 1; *at && strchr(" +-0#", *at); at++)
        if (seen++ % LOOK_EVERY == 0)
            safepoint_look();
    for (int i = 0; i < 2 && *at >= '0' && *at <= '9'; i++)
        at++;
    if (*at == '.') {
        at++;
        for (int i = 0; i < 2 && *at >= '0' && *at <= '9'; i++)
            at++;
    }
    return at < end ? at : NULL;
}

/* Replaces an object by its text; by what LuaJIT makes of what __tostring returned. */
static void l_replace_object(lua_State *L, int arg)
{
    if (!is_object(L, arg))
        return;
    if (luaL_callmeta(L, arg, "__tostring"))
        lua_replace(L, arg);
    if (!is_object(L, arg))
        return;
    l_push_identity(L, arg);
    lua_replace(L, arg);
}

static void l_replace_pointer(lua_State *L, int arg)
{
    l_push_number(L, arg, "");
    lua_replace(L, arg);
}

/* The text of `format` with the "p" at `at` as "s", in its place. */
static const char *l_replace_format(lua_State *L, const char *format, size_t len, const char *at)
{
    size_t before = (size_t)(at - format);
    char *copy = lua_newuserdata(L, len);

    luajit_memcpy(copy, format, len);
    copy[before] = 's';
    lua_pushlstring(L, copy, len);
    lua_replace(L, 1);
    lua_pop(L, 1);
    return lua_tostring(L, 1);
}

static bool needs_nothing(lua_State *L, int top, const char *format, size_t len)
{
    for (int arg = 2; arg <= top; arg++)
        if (is_object(L, arg))
            return false;
    return !luajit_memchr(format, 'p', len);
}

void l_identity_arguments(lua_State *L)
{
    int top = lua_gettop(L), arg = 1;
    size_t len;
    const char *format = luaL_checklstring(L, 1, &len);

    if (needs_nothing(L, top, format, len))
        return;
    for (size_t i = 0, seen = 1; i + 1 < len; i++, seen++) {
        if (seen % LOOK_EVERY == 0)
            safepoint_look();
        if (format[i] != '%' || format[++i] == '%')
            continue;
        const char *at = conversion(format + i, format + len);
        if (!at || ++arg > top)
            return;
        i = (size_t)(at - format);
        if (*at == 's' || *at == 'q') {
            l_replace_object(L, arg);
        } else if (*at == 'p') {
            l_replace_pointer(L, arg);
            format = l_replace_format(L, format, len, at);
        }
    }
}
