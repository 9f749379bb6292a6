/* libraries.c - opening what a function can reach of Lua's libraries, and nothing else. */
/* SPDX-License-Identifier: MIT */
#include "worker/libraries.h"

#include <luajit-2.1/lauxlib.h>
#include <luajit-2.1/lualib.h>
#include <stdbool.h>
#include <string.h>
#include <sys/random.h>

#include "embedded_lua.h"
#include "worker/compiler.h"
#include "worker/cstack.h"
#include "worker/dates.h"
#include "worker/debugging.h"
#include "worker/environment.h"
#include "worker/identity.h"
#include "worker/lists.h"
#include "worker/loader.h"
#include "worker/output.h"
#include "worker/patterns.h"
#include "worker/require.h"
#include "worker/safepoint.h"
#include "worker/sandbox.h"
#include "worker/traceback.h"

/* -- What is left out ------------------------------------------------------------------------ */

/* Of base; a test compares what is left with a list. */
static const char *const globals_taken[] = {"dofile",  "loadfile", "getfenv",
                                            "setfenv", "gcinfo",   "newproxy"};
/* Where LuaJIT keeps each library's table; out of reach for functions, which may replace the
 * globals. */
static const char OPENED[] = "_LOADED";
static const char *const os_kept[] = {"time", "date", "clock", "difftime"};

/* Calls run in this xpcall: it is taken before a function can put another in its place. */
static void l_keep_xpcall(lua_State *L)
{
    lua_getglobal(L, "xpcall");
    lua_rawseti(L, LUA_REGISTRYINDEX, SLOT_XPCALL);
    lua_pushcfunction(L, l_traceback);
    lua_rawseti(L, LUA_REGISTRYINDEX, SLOT_TRACEBACK);
}

static void l_take_globals(lua_State *L)
{
    for (size_t i = 0; i < sizeof(globals_taken) / sizeof(*globals_taken); i++) {
        lua_pushnil(L);
        lua_setglobal(L, globals_taken[i]);
    }
}

/* As where the environment is empty: libraries ask it for options when they load. */
static int l_getenv(lua_State *L)
{
    luaL_checkstring(L, 1);
    lua_pushnil(L);
    return 1;
}

static void l_trim_os(lua_State *L)
{
    lua_getglobal(L, LUA_OSLIBNAME);
    lua_createtable(L, 0, 8);
    for (size_t i = 0; i < sizeof(os_kept) / sizeof(*os_kept); i++) {
        lua_getfield(L, -2, os_kept[i]);
        lua_setfield(L, -2, os_kept[i]);
    }
    l_dates_open(L);
    lua_pushcfunction(L, l_getenv);
    lua_setfield(L, -2, "getenv");
    lua_getfield(L, LUA_REGISTRYINDEX, OPENED);
    lua_pushvalue(L, -2);
    lua_setfield(L, -2, LUA_OSLIBNAME);
    lua_pop(L, 1);
    lua_setglobal(L, LUA_OSLIBNAME);
    lua_pop(L, 1);
}

/* The metatable of strings, at the top of the stack, is not for functions. */
static void l_lock(lua_State *L)
{
    lua_pushboolean(L, 0);
    lua_setfield(L, -2, "__metatable");
}

static void l_replace_lists(lua_State *L)
{
    lua_getglobal(L, LUA_TABLIBNAME);
    l_lists_open(L);
    lua_pop(L, 1);
}

static void l_trim_string(lua_State *L)
{
    lua_getglobal(L, LUA_STRLIBNAME);
    lua_pushnil(L);
    lua_setfield(L, -2, "dump"); /* strings find it by their metatable too: the same table */
    l_patterns_open(L);
    lua_pop(L, 1);
    lua_pushliteral(L, "");
    lua_getmetatable(L, -1);
    l_lock(L);
    lua_pop(L, 2);
}

static void l_keep_randomseed(lua_State *L)
{
    lua_getglobal(L, LUA_MATHLIBNAME);
    lua_getfield(L, -1, "randomseed");
    lua_rawseti(L, LUA_REGISTRYINDEX, SLOT_SEED);
    lua_pop(L, 1);
    l_libraries_seed(L);
}

/* coroutine is open with base; this makes it work for handlers that wait. */
static void l_run_prelude(lua_State *L)
{
    /* the worker's one copy of its bytecode */
    static struct chunk prelude = {.chunk_name = (char *)HOST_CHUNK "prelude]"};

    prelude.source = (char *)lua_prelude_text;
    prelude.source_len = lua_prelude_len;
    if (loader_load(L, &prelude) != 0)
        lua_error(L);
    l_push_park_mark(L);
    lua_pushcfunction(L, l_cstack_is_full);
    lua_rawgeti(L, LUA_REGISTRYINDEX, SLOT_XPCALL);
    lua_rawgeti(L, LUA_REGISTRYINDEX, SLOT_TRACEBACK);
    lua_call(L, 4, 0);
}

/* -- The table ------------------------------------------------------------------------------- */

static const struct library {
    const char *name;
    lua_CFunction open;
    void (*trim)(lua_State *L);
} libraries[] = {
    {LUA_TABLIBNAME, luaopen_table, l_replace_lists},
    {LUA_STRLIBNAME, luaopen_string, l_trim_string},
    {LUA_MATHLIBNAME, luaopen_math, l_keep_randomseed},
    {LUA_BITLIBNAME, luaopen_bit, NULL},
    {LUA_OSLIBNAME, luaopen_os, l_trim_os},
    {LUA_COLIBNAME, NULL, l_run_prelude},
    {LUA_IOLIBNAME, l_io_open, NULL},
    {LUA_DBLIBNAME, l_debugging_open, NULL},
    {LUA_LOADLIBNAME, l_package_open, l_environment_open}, /* last: it lists the others */
};

enum { LIBRARY_COUNT = sizeof(libraries) / sizeof(*libraries), LIBRARY_STRING = 1 << 1 };

static const char *const reaching_all[] = {"_G",      "load",    "loadstring",
                                           "getfenv", "setfenv", LUA_LOADLIBNAME};

static unsigned named_by(struct str word)
{
    for (size_t i = 0; i < sizeof(reaching_all) / sizeof(*reaching_all); i++)
        if (str_equal(word, str_of(reaching_all[i])))
            return LIBRARIES_ALL;
    for (size_t i = 0; i < LIBRARY_COUNT; i++)
        if (str_equal(word, str_of(libraries[i].name)))
            return 1u << i;
    return 0;
}

/* Bytes above ASCII are letters to LuaJIT. */
static bool is_of_name(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           (unsigned char)c >= 0x80;
}

unsigned libraries_named(struct str text)
{
    const struct str byte_order_mark = STR("\xEF\xBB\xBF"); /* LuaJIT passes over it */
    unsigned named = 0;

    if (str_starts(text, byte_order_mark))
        text = (struct str){text.at + byte_order_mark.len, text.len - byte_order_mark.len};
    for (size_t i = 0; i < text.len;) {
        size_t end = i;

        while (end < text.len && is_of_name(text.at[end]))
            end++;
        if (end > i)
            named |= named_by((struct str){text.at + i, end - i});
        i = end + 1;
    }
    return named;
}

/* -- Opening --------------------------------------------------------------------------------- */

static void l_open(lua_State *L, lua_CFunction open, const char *name)
{
    lua_pushcfunction(L, open);
    lua_pushstring(L, name);
    lua_call(L, 1, 0);
}

static unsigned opened(lua_State *L)
{
    lua_rawgeti(L, LUA_REGISTRYINDEX, SLOT_LIBRARIES);
    unsigned bits = (unsigned)lua_tointeger(L, -1);
    lua_pop(L, 1);
    return bits;
}

static void l_note(lua_State *L, unsigned bits)
{
    lua_pushinteger(L, bits);
    lua_rawseti(L, LUA_REGISTRYINDEX, SLOT_LIBRARIES);
}

/* On a stack of its own: on the caller's, which may be almost full, an error could leave a library
 * open and not trimmed. On the new one nothing raises: want of memory leaves the vm. */
void l_libraries_open(lua_State *L, unsigned wanted)
{
    unsigned have = opened(L), missing = wanted & ~have & ((1u << LIBRARY_COUNT) - 1);

    if (!missing)
        return;
    lua_State *fresh = lua_newthread(L);
    for (size_t i = 0; i < LIBRARY_COUNT; i++) {
        if (!(missing >> i & 1))
            continue;
        if (libraries[i].open)
            l_open(fresh, libraries[i].open, libraries[i].name);
        if (libraries[i].trim)
            libraries[i].trim(fresh);
    }
    lua_pop(L, 1);
    l_note(L, have | missing);
}

bool libraries_is_host(const char *source)
{
    return strncmp(source, HOST_CHUNK, strlen(HOST_CHUNK)) == 0;
}

/* -- Requiring ------------------------------------------------------------------------------- */

static const char *const extensions[] = {"table.new", "table.clear"}; /* of table, by LuaJIT */

static bool is_extension(const char *name)
{
    for (size_t i = 0; i < sizeof(extensions) / sizeof(*extensions); i++)
        if (strcmp(name, extensions[i]) == 0)
            return true;
    return false;
}

bool libraries_have(const char *name)
{
    for (size_t i = 0; i < LIBRARY_COUNT; i++)
        if (strcmp(name, libraries[i].name) == 0)
            return true;
    return strcmp(name, "_G") == 0;
}

/* LuaJIT keeps a function that makes it, and sets it in `table` too. */
static void l_push_extension(lua_State *L, const char *name)
{
    l_libraries_open(L, named_by(STR(LUA_TABLIBNAME)));
    lua_getfield(L, LUA_REGISTRYINDEX, "_PRELOAD");
    lua_getfield(L, -1, name);
    lua_remove(L, -2);
    lua_pushstring(L, name);
    lua_call(L, 1, 1);
}

bool l_libraries_push(lua_State *L, const char *name)
{
    if (is_extension(name)) {
        l_push_extension(L, name);
        return true;
    }
    if (!libraries_have(name))
        return false;
    l_libraries_open(L, named_by(str_of(name)));
    lua_getfield(L, LUA_REGISTRYINDEX, OPENED);
    lua_getfield(L, -1, name);
    lua_remove(L, -2);
    return true;
}

void l_libraries_list(lua_State *L)
{
    lua_getfield(L, LUA_REGISTRYINDEX, OPENED);
    for (size_t i = 0; i < LIBRARY_COUNT; i++) {
        lua_getfield(L, -1, libraries[i].name);
        lua_setfield(L, -3, libraries[i].name);
    }
    lua_getfield(L, -1, "_G");
    lua_setfield(L, -3, "_G");
    lua_pop(L, 1);
}

/* -- Opening late ---------------------------------------------------------------------------- */

/* The first use of a string's method, in a text that does not name the library. */
static int l_string_index(lua_State *L)
{
    l_libraries_open(L, LIBRARY_STRING);
    lua_settop(L, 2);
    lua_gettable(L, 1);
    return 1;
}

/* Until the library is open: it brings a metatable of its own. */
static void l_defer_string(lua_State *L)
{
    lua_pushliteral(L, "");
    lua_createtable(L, 0, 2);
    lua_pushcfunction(L, l_string_index);
    lua_setfield(L, -2, "__index");
    l_lock(L);
    lua_setmetatable(L, -2);
    lua_pop(L, 1);
}

void l_libraries_begin(lua_State *L)
{
    l_open(L, luaopen_base, "");
    l_identity_open(L);
    compiler_open(L);
    safepoint_prepare(L);
    l_keep_xpcall(L);
    l_take_globals(L);
    l_defer_string(L);
    l_note(L, 0);
}

void l_libraries_seed(lua_State *L)
{
    static uint64_t pool[64];
    static size_t left;

    lua_rawgeti(L, LUA_REGISTRYINDEX, SLOT_SEED);
    if (lua_isnil(L, -1)) {
        lua_pop(L, 1);
        return;
    }
    if (left == 0) {
        if (getrandom(pool, sizeof(pool), 0) != sizeof(pool))
            luaL_error(L, "the system has no entropy");
        left = sizeof(pool) / sizeof(*pool);
    }
    lua_pushnumber(L, (double)(pool[--left] >> 11)); /* 53 bits */
    lua_call(L, 1, 0);
}
