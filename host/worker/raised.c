/* raised.c - reading error values, and marking those of children. */
/* SPDX-License-Identifier: MIT */
#include "worker/raised.h"

#include <luajit-2.1/lauxlib.h>
#include <stdio.h>

#include "worker/cstack.h"
#include "worker/ctx.h"
#include "worker/json.h"
#include "worker/sandbox.h"
#include "worker/vm.h"

enum { AT_READING = 1, AT_TABLE };
enum { DETAILS_KEPT = 1 << 20 };

struct reading {
    struct raised *raised;
    struct err *err;
    size_t details_max;
};

void raised_clear(struct raised *raised)
{
    raised->status = 0;
    raised->code[0] = raised->child[0] = '\0';
    if (raised->details.room > DETAILS_KEPT)
        buf_fini(&raised->details);
    buf_clear(&raised->details);
}

/* -- Errors of children ---------------------------------------------------------------------- */

static struct str field_text(lua_State *L, int index, const char *name)
{
    struct str text = {NULL, 0};

    lua_pushstring(L, name);
    lua_rawget(L, index);
    if (lua_type(L, -1) == LUA_TSTRING)
        text.at = lua_tolstring(L, -1, &text.len); /* the table keeps it alive */
    lua_pop(L, 1);
    return text;
}

static bool is_of_name(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
}

/* Does the text begin or end with the name? "greet.lua:3: no", "unknown function: greet". */
static bool is_named(struct str text, struct str name)
{
    if (name.len > text.len)
        return false;
    const char *tail = text.at + text.len - name.len;
    if (text.len == name.len)
        return memcmp(text.at, name.at, name.len) == 0;
    return (memcmp(text.at, name.at, name.len) == 0 && !is_of_name(text.at[name.len])) ||
           (memcmp(tail, name.at, name.len) == 0 && !is_of_name(tail[-1]));
}

/* "NAME: text", or the text alone when that says the name. */
static void l_push_child_text(lua_State *L, struct str name, struct str text)
{
    if (name.len && !is_named(text, name)) {
        lua_pushlstring(L, name.at, name.len);
        lua_pushliteral(L, ": ");
        lua_pushlstring(L, text.at, text.len);
        lua_concat(L, 3);
    } else {
        lua_pushlstring(L, text.at, text.len);
    }
}

static int l_child_tostring(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    struct str message = field_text(L, 1, "message");

    l_push_child_text(L, field_text(L, 1, "function"), message.at ? message : STR("no message"));
    return 1;
}

static void l_push_mark(lua_State *L)
{
    lua_rawgeti(L, LUA_REGISTRYINDEX, SLOT_CHILD_ERROR);
    if (!lua_isnil(L, -1))
        return;
    lua_pop(L, 1);
    lua_createtable(L, 0, 2);
    lua_pushcfunction(L, l_child_tostring);
    lua_setfield(L, -2, "__tostring");
    lua_pushboolean(L, 0);
    lua_setfield(L, -2, "__metatable");
    lua_pushvalue(L, -1);
    lua_rawseti(L, LUA_REGISTRYINDEX, SLOT_CHILD_ERROR);
}

void l_raised_mark(lua_State *L)
{
    lua_getfield(L, -1, "error");
    lua_setfield(L, -2, "message");
    l_push_mark(L);
    lua_setmetatable(L, -2);
}

static bool is_of_child(lua_State *L, int index)
{
    if (!lua_getmetatable(L, index))
        return false;
    lua_rawgeti(L, LUA_REGISTRYINDEX, SLOT_CHILD_ERROR);
    bool is_mark = lua_rawequal(L, -1, -2);
    lua_pop(L, 2);
    return is_mark;
}

/* -- Fields of tables ------------------------------------------------------------------------ */

static void note(lua_State *L, const char *text)
{
    ctx_log(vm_of(L), LOG_WARN, str_of(text));
}

static void set_text(struct reading *r, struct str text)
{
    err_set(r->err, ERR_FUNCTION_ERROR, "%.*s", STR_ARG(text));
}

static void l_read_child(lua_State *L, struct reading *r)
{
    struct str name = field_text(L, AT_TABLE, "function"), text;

    if (!is_of_child(L, AT_TABLE) || name.len == 0)
        return;
    snprintf(r->raised->child, sizeof(r->raised->child), "%.*s", STR_ARG(name));
    text.at = r->err->text;
    text.len = strlen(text.at);
    l_push_child_text(L, str_of(r->raised->child), text); /* without NUL characters */
    text.at = lua_tolstring(L, -1, &text.len);
    set_text(r, text);
    lua_pop(L, 1);
}

static void l_read_code(lua_State *L, struct reading *r)
{
    struct str word;

    lua_getfield(L, AT_TABLE, "code");
    if (lua_isnil(L, -1))
        return;
    if (lua_type(L, -1) == LUA_TSTRING) {
        word.at = lua_tolstring(L, -1, &word.len);
        if (err_word_is_valid(word)) {
            memcpy(r->raised->code, word.at, word.len);
            r->raised->code[word.len] = '\0';
            err_set(r->err, ERR_FUNCTION_ERROR, "the function failed with the code %s",
                    r->raised->code);
            return;
        }
    }
    note(L, "the error's `code` is left out: it must be a word of at most 64 letters a-z, digits "
            "and _, the first one a letter");
}

static void l_read_status(lua_State *L, struct reading *r)
{
    lua_getfield(L, AT_TABLE, "status");
    if (lua_isnil(L, -1))
        return;
    double status = lua_type(L, -1) == LUA_TNUMBER ? lua_tonumber(L, -1) : 0;
    if (status >= ERR_STATUS_LEAST && status <= ERR_STATUS_MOST && status == (int)status)
        r->raised->status = (int)status;
    else
        note(L, "the error's `status` is left out: it must be a whole number from 400 to 599");
}

/* Whether the value at the top of the stack is a text that says something, which it then takes. */
static bool take_text(lua_State *L, struct reading *r)
{
    struct str text;

    if (!lua_isstring(L, -1))
        return false;
    text.at = lua_tolstring(L, -1, &text.len);
    if (text.len == 0)
        return false;
    set_text(r, text);
    return true;
}

static void l_read_message(lua_State *L, struct reading *r)
{
    lua_getfield(L, AT_TABLE, "message");
    if (take_text(L, r))
        return;
    lua_getfield(L, AT_TABLE, "error");
    if (take_text(L, r))
        return;
    l_cstack_check(L);
    if (luaL_callmeta(L, AT_TABLE, "__tostring"))
        take_text(L, r);
}

static void l_read_details(lua_State *L, struct reading *r)
{
    struct buf *details = &r->raised->details;
    char text[sizeof(r->err->text) + 64];
    struct err why;

    lua_getfield(L, AT_TABLE, "details");
    if (lua_isnil(L, -1) || l_json_encode(L, lua_gettop(L), r->details_max, details, &why))
        return;
    buf_clear(details);
    snprintf(text, sizeof(text), "the error's `details` are left out: %s", why.text);
    note(L, text);
}

/* Each part stays when a later one raises. */
static int l_read_table(lua_State *L)
{
    struct reading *r = lua_touserdata(L, AT_READING);

    l_read_code(L, r);
    lua_settop(L, AT_TABLE);
    l_read_status(L, r);
    lua_settop(L, AT_TABLE);
    l_read_message(L, r);
    lua_settop(L, AT_TABLE);
    l_read_child(L, r);
    l_read_details(L, r);
    return 0;
}

/* -- Values ---------------------------------------------------------------------------------- */

static int l_read_object(lua_State *L)
{
    struct reading *r = lua_touserdata(L, AT_READING);

    l_cstack_check(L);
    if (luaL_callmeta(L, AT_TABLE, "__tostring"))
        take_text(L, r);
    return 0;
}

/* The text of a value that is not one. */
static void describe(lua_State *L, int index, struct err *err)
{
    if (lua_isnil(L, index) || lua_isstring(L, index) || lua_istable(L, index))
        err_set(err, ERR_FUNCTION_ERROR, "the function failed without a message");
    else if (lua_isboolean(L, index))
        err_set(err, ERR_FUNCTION_ERROR, "the function failed with %s instead of a message",
                lua_toboolean(L, index) ? "true" : "false");
    else
        err_set(err, ERR_FUNCTION_ERROR, "the function failed with a %s instead of a message",
                luaL_typename(L, index));
}

void l_raised_read(lua_State *L, int index, size_t details_max, struct raised *raised,
                   struct err *err)
{
    struct reading reading = {raised, err, details_max};
    int top = lua_gettop(L);

    luaL_checkstack(L, LUA_MINSTACK, "no room to read an error");
    raised_clear(raised);
    describe(L, index, err);
    lua_pushvalue(L, index);
    if (!take_text(L, &reading) && (lua_istable(L, -1) || lua_isuserdata(L, -1))) {
        lua_pushcfunction(L, lua_istable(L, -1) ? l_read_table : l_read_object);
        lua_insert(L, -2);
        lua_pushlightuserdata(L, &reading);
        lua_insert(L, -2);
        if (lua_pcall(L, 2, 0, 0) != 0) {
            buf_clear(&raised->details);
            note(L, "the error value raised an error of its own while it was read");
        }
    }
    lua_settop(L, top);
}
