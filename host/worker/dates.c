/* dates.c - os.time and os.date, in small steps. */
/* SPDX-License-Identifier: MIT */
#include "worker/dates.h"

#include <luajit-2.1/lauxlib.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "worker/cstack.h"
#include "worker/safepoint.h"
#include "worker/substitute.h"

/* -- date ------------------------------------------------------------------------------------ */

static void set_field(lua_State *L, const char *name, int value)
{
    lua_pushinteger(L, value);
    lua_setfield(L, -2, name);
}

static void l_push_fields(lua_State *L, const struct tm *tm)
{
    lua_createtable(L, 0, 9);
    set_field(L, "sec", tm->tm_sec);
    set_field(L, "min", tm->tm_min);
    set_field(L, "hour", tm->tm_hour);
    set_field(L, "day", tm->tm_mday);
    set_field(L, "month", tm->tm_mon + 1);
    set_field(L, "year", tm->tm_year + 1900);
    set_field(L, "wday", tm->tm_wday + 1);
    set_field(L, "yday", tm->tm_yday + 1);
    if (tm->tm_isdst < 0)
        return;
    lua_pushboolean(L, tm->tm_isdst);
    lua_setfield(L, -2, "isdst");
}

/* The bytes of the conversion at `at`, "%d" or, as glibc has it, "%-d" or "%05d"; 0: there is none
 * like it. A width is short, so that the text of one conversion is. */
static size_t conversion_len(const char *at)
{
    enum { WIDTH_DIGITS_MAX = 2 };
    const char *p = at + 1;

    p += strspn(p, "_-0^#");
    size_t digits = strspn(p, "0123456789");
    if (p - at > 4 || digits > WIDTH_DIGITS_MAX)
        return 0;
    p += digits;
    if (*p == 'E' || *p == 'O')
        p++;
    return *p && strchr("aAbBcCdDeFgGhHIjklmMnpPrRsStTuUVwWxXyYzZ+%", *p) ? (size_t)(p - at) + 1
                                                                          : 0;
}

static void l_add_conversion(lua_State *L, luaL_Buffer *text, const char *at, size_t len,
                             const struct tm *tm)
{
    enum { PIECE_MAX = 512 };
    char format[16] = "", piece[PIECE_MAX];

    memcpy(format, at, len);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    size_t written = strftime(piece, sizeof(piece), format, tm); /* 0: some are empty */
#pragma GCC diagnostic pop
    (void)L;
    luaL_addlstring(text, piece, written);
}

static void l_format(lua_State *L, const char *format, const struct tm *tm)
{
    enum { LITERAL_MAX = 1 << 20 };
    luaL_Buffer text;

    luaL_buffinit(L, &text);
    while (*format) {
        safepoint_look();
        if (*format != '%') {
            size_t len = strnlen(format, LITERAL_MAX);
            const char *percent = memchr(format, '%', len);

            len = percent ? (size_t)(percent - format) : len;
            luaL_addlstring(&text, format, len);
            format += len;
            continue;
        }
        size_t len = conversion_len(format);
        if (!len)
            luaL_argerror(L, 1,
                          lua_pushfstring(L, "invalid conversion '%%%c' in a date's format",
                                          format[1] ? format[1] : '%'));
        l_add_conversion(L, &text, format, len, tm);
        format += len;
    }
    luaL_pushresult(&text);
}

static int l_date(lua_State *L)
{
    const char *format = luaL_optstring(L, 1, "%c");
    time_t at = lua_isnoneornil(L, 2) ? time(NULL) : (time_t)luaL_checknumber(L, 2);
    struct tm tm, *found;

    l_cstack_check(L);
    if (*format == '!') {
        found = gmtime_r(&at, &tm);
        format++;
    } else {
        found = localtime_r(&at, &tm);
    }
    if (!found)
        lua_pushnil(L);
    else if (strcmp(format, "*t") == 0)
        l_push_fields(L, &tm);
    else
        l_format(L, format, &tm);
    return 1;
}

/* -- time ------------------------------------------------------------------------------------ */

enum { NO_DEFAULT = -1 };

static int l_field(lua_State *L, const char *name, int otherwise)
{
    int value = otherwise;

    lua_getfield(L, 1, name);
    if (lua_isnumber(L, -1))
        value = (int)lua_tointeger(L, -1);
    else if (otherwise == NO_DEFAULT)
        luaL_error(L, "field '%s' missing in date table", name);
    lua_pop(L, 1);
    return value;
}

static int l_dst_field(lua_State *L)
{
    lua_getfield(L, 1, "isdst");
    int value = lua_isnil(L, -1) ? -1 : lua_toboolean(L, -1);
    lua_pop(L, 1);
    return value;
}

static time_t l_time_of_table(lua_State *L)
{
    struct tm tm = {0};

    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 1);
    l_cstack_check(L); /* the fields may come from a metamethod */
    tm.tm_sec = l_field(L, "sec", 0);
    tm.tm_min = l_field(L, "min", 0);
    tm.tm_hour = l_field(L, "hour", 12);
    tm.tm_mday = l_field(L, "day", NO_DEFAULT);
    tm.tm_mon = (int)((unsigned)l_field(L, "month", NO_DEFAULT) - 1);
    tm.tm_year = (int)((unsigned)l_field(L, "year", NO_DEFAULT) - 1900);
    tm.tm_isdst = l_dst_field(L);
    return mktime(&tm);
}

static int l_time(lua_State *L)
{
    time_t at = lua_isnoneornil(L, 1) ? time(NULL) : l_time_of_table(L);

    if (at == (time_t)-1)
        lua_pushnil(L);
    else
        lua_pushnumber(L, (lua_Number)at);
    return 1;
}

void l_dates_open(lua_State *L)
{
    l_substitute_field(L, "time", l_time);
    l_substitute_field(L, "date", l_date);
}
