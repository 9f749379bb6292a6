/* stock_strings.h - the string functions of LuaJIT and of the worker, called alike. */
/* SPDX-License-Identifier: MIT */
#pragma once

#include <luajit-2.1/lauxlib.h>
#include <luajit-2.1/lua.h>
#include <luajit-2.1/lualib.h>
#include <string.h>

#include "base/str.h"
#include "worker/patterns.h"

/* compare(pattern, replacement, subject) says what differs, or nil. Errors are results too. */
static const char stock_compare_text[] =
    "local stock, ours = ...\n"
    "local function pack(ok, ...)\n"
    "  local out = {tostring(ok)}\n"
    "  for i = 1, select('#', ...) do\n"
    "    local value = select(i, ...)\n"
    "    out[i + 1] = type(value) .. ' ' .. tostring(value)\n"
    "  end\n"
    "  return table.concat(out, '|')\n"
    "end\n"
    "local function each(lib, subject, pattern)\n"
    "  local out = {}\n"
    "  local next = lib.gmatch(subject, pattern)\n"
    "  for i = 1, 40 do out[i] = pack(pcall(next)) end\n"
    "  return table.concat(out, ';')\n"
    "end\n"
    "local function join(...)\n"
    "  if (...) == 'b' then return nil elseif (...) == ' ' then return {} end\n"
    "  return select('#', ...) .. '<' .. tostring((...)) .. '>'\n"
    "end\n"
    "local calls = {\n"
    "  function(lib, p, _, s) return pack(pcall(lib.find, s, p, 1, true)) end,\n"
    "  function(lib, p, _, s) return pack(pcall(each, lib, s, p)) end,\n"
    "  function(lib, p, r, s) return pack(pcall(lib.gsub, s, p, r)) end,\n"
    "  function(lib, p, r, s) return pack(pcall(lib.gsub, s, p, r, 2)) end,\n"
    "  function(lib, p, _, s) return pack(pcall(lib.gsub, s, p, join)) end,\n"
    "  function(lib, p, _, s) return pack(pcall(lib.gsub, s, p, {a = 'A', b = 7, x = false})) "
    "end,\n"
    "}\n"
    "for _, start in ipairs {-1000, -3, 0, 1, 2, 5, 1000} do\n"
    "  calls[#calls + 1] = function(lib, p, _, s) return pack(pcall(lib.find, s, p, start)) end\n"
    "  calls[#calls + 1] = function(lib, p, _, s) return pack(pcall(lib.match, s, p, start)) end\n"
    "end\n"
    "return function(pattern, replacement, subject)\n"
    "  for i, call in ipairs(calls) do\n"
    "    local theirs, own = call(stock, pattern, replacement, subject), call(ours, pattern, "
    "replacement, subject)\n"
    "    if theirs ~= own then\n"
    "      return ('call %d of %q with %q on %q: %s, not %s'):format(i, pattern, replacement, "
    "subject, own, theirs)\n"
    "    end\n"
    "  end\n"
    "end\n";

/* A state with LuaJIT's libraries and the two tables of functions at its indices 1 and 2. NULL: no
 * memory. */
static inline lua_State *stock_open(void)
{
    lua_State *L = luaL_newstate();

    if (!L)
        return NULL;
    luaL_openlibs(L);
    lua_getglobal(L, LUA_STRLIBNAME);
    lua_pushnil(L);
    lua_setfield(L, LUA_REGISTRYINDEX, "_LOADED");
    lua_pushnil(L);
    lua_setglobal(L, LUA_STRLIBNAME);
    lua_pushcfunction(L, luaopen_string);
    lua_call(L, 0, 1);
    l_patterns_open(L);
    lua_pushvalue(L, 1);
    lua_setglobal(L, LUA_STRLIBNAME);
    return L;
}

/* Leaves the function compare at the top of the stack; false: an error is there. */
static inline bool stock_push_compare(lua_State *L)
{
    if (luaL_loadstring(L, stock_compare_text) != 0)
        return false;
    lua_pushvalue(L, 1);
    lua_pushvalue(L, 2);
    return lua_pcall(L, 2, 1, 0) == 0;
}

/* Calls compare, at the top of the stack; the difference, which lives until the next call, or
 * NULL. */
static inline const char *stock_compare(lua_State *L, struct str pattern, struct str replacement,
                                        struct str subject)
{
    static char said[4096];

    lua_pushvalue(L, -1);
    lua_pushlstring(L, pattern.at, pattern.len);
    lua_pushlstring(L, replacement.at, replacement.len);
    lua_pushlstring(L, subject.at, subject.len);
    bool ok = lua_pcall(L, 3, 1, 0) == 0 && lua_isnil(L, -1);
    if (!ok)
        snprintf(said, sizeof(said), "%s", lua_tostring(L, -1));
    lua_pop(L, 1);
    return ok ? NULL : said;
}

/* Is the time that a matcher takes by trying all there is to try short enough for a test? It grows
 * with the subject's length to the power of the number of repetitions. */
static inline bool stock_is_quick(struct str pattern, struct str subject)
{
    double steps = 1;

    for (size_t i = 0; i < pattern.len; i++)
        if (memchr("*+-?", pattern.at[i], 4))
            steps *= (double)subject.len + 1;
    return steps < 30000;
}
