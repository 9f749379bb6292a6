/* patterns.c - the matcher's functions for Lua. */
/* SPDX-License-Identifier: MIT */
#include "worker/patterns.h"

#include <luajit-2.1/lauxlib.h>

#include "engine/leaf.h"
#include "native.h"
#include "worker/convert.h"
#include "worker/cstack.h"
#include "worker/identity.h"
#include "worker/matcher.h"
#include "worker/substitute.h"

/* -- Arguments ------------------------------------------------------------------------------- */

static struct str l_check_text(lua_State *L, int arg)
{
    struct str text;

    text.at = luaL_checklstring(L, arg, &text.len);
    return text;
}

static int32_t l_opt_int32(lua_State *L, int arg, int32_t missing)
{
    return lua_gettop(L) < arg ? missing : convert_int32(luaL_optnumber(L, arg, missing));
}

/* The same by way of 64 bits, of which the lower ones are taken. */
static int32_t l_opt_int64(lua_State *L, int arg, int32_t missing)
{
    return lua_gettop(L) < arg ? missing
                               : (int32_t)(uint32_t)convert_int64(luaL_optnumber(L, arg, missing));
}

/* A long program leaves a value on the stack that holds it. */
static const struct program *l_program(lua_State *L, struct str pattern)
{
    if (pattern.len <= PROGRAM_CACHED_MAX)
        return program_cached(pattern);
    return program_init(lua_newuserdata(L, program_bytes(pattern.len)), pattern);
}

static void set_subject(struct matcher *m, struct str subject)
{
    m->begin = subject.at;
    m->end = subject.at + subject.len;
    m->stop = &native_stop;
}

static bool cut_anchor(struct str *pattern)
{
    if (pattern->len == 0 || *pattern->at != '^')
        return false;
    pattern->at++;
    pattern->len--;
    return true;
}

/* -- Results --------------------------------------------------------------------------------- */

/* After a search that found nothing. */
static void l_check_fault(lua_State *L, const struct matcher *m)
{
    if (m->fault != FAULT_NONE && m->fault != FAULT_STOPPED)
        luaL_error(L, "%s", program_fault_text(m->fault));
}

/* Capture `i`, or all that matched for the first one of a pattern without captures. */
static struct str l_capture(lua_State *L, const struct matcher *m, size_t i)
{
    const struct program *p = m->program;

    if (i == 0 && p->level == 0)
        return (struct str){m->at, (size_t)(m->until - m->at)};
    if (i >= p->level)
        luaL_error(L, "%s", program_fault_text(FAULT_CAPTURE_INDEX));
    if (p->capture_kinds[i] == OP_OPEN)
        luaL_error(L, "%s", program_fault_text(FAULT_UNFINISHED));
    if (p->capture_kinds[i] == OP_PLACE)
        return (struct str){NULL, (size_t)(m->captures[i].at - m->begin) + 1};
    return (struct str){m->captures[i].at, (size_t)(m->captures[i].until - m->captures[i].at)};
}

static void l_push_capture(lua_State *L, const struct matcher *m, size_t i)
{
    struct str capture = l_capture(L, m, i);

    if (capture.at)
        lua_pushlstring(L, capture.at, capture.len);
    else
        lua_pushinteger(L, (lua_Integer)capture.len);
}

static int l_push_captures(lua_State *L, const struct matcher *m, int least)
{
    int count = m->program->level > least ? m->program->level : least;

    if (count >= LUA_MINSTACK / 2)
        luaL_checkstack(L, count, "too many captures");
    for (int i = 0; i < count; i++)
        l_push_capture(L, m, (size_t)i);
    return count;
}

/* -- find and match -------------------------------------------------------------------------- */

#define BIT(c) (1ULL << ((c) % 64))

/* Of all of it: what follows a NUL counts too. */
static bool is_plain(struct str pattern)
{
    static const struct set special = {
        {BIT('$') | BIT('%') | BIT('(') | BIT('*') | BIT('+') | BIT('-') | BIT('.') | BIT('?'),
         BIT('[') | BIT('^'), 0, 0}};

    for (size_t i = 0; i < pattern.len; i++)
        if (set_has(&special, pattern.at[i]))
            return false;
    return true;
}

static int l_find_plain(lua_State *L, struct str subject, size_t start, struct str what)
{
    struct str rest = {subject.at + start, subject.len - start};
    const char *at = matcher_find_text(rest, what);

    if (!at) {
        lua_pushnil(L);
        return 1;
    }
    size_t before = (size_t)(at - subject.at);
    lua_pushinteger(L, (lua_Integer)before + 1);
    lua_pushinteger(L, (lua_Integer)(before + what.len));
    return 2;
}

static int l_search(lua_State *L, bool find)
{
    struct str subject = l_check_text(L, 1), pattern = l_check_text(L, 2);
    int64_t start = l_opt_int32(L, 3, 1);
    struct matcher m;

    start = start < 0 ? start + (int64_t)subject.len : start - 1;
    if (start < 0)
        start = 0;
    if (start > (int64_t)subject.len)
        start = (int64_t)subject.len;
    if (find && (lua_toboolean(L, 4) || is_plain(pattern)))
        return l_find_plain(L, subject, (size_t)start, pattern);
    bool anchored = cut_anchor(&pattern);
    set_subject(&m, subject);
    m.program = l_program(L, pattern);
    if (!matcher_search(&m, subject.at + start, anchored)) {
        l_check_fault(L, &m);
        lua_pushnil(L);
        return 1;
    }
    if (!find)
        return l_push_captures(L, &m, 1);
    lua_pushinteger(L, m.at - m.begin + 1);
    lua_pushinteger(L, m.until - m.begin);
    return l_push_captures(L, &m, 0) + 2;
}

static int l_find(lua_State *L)
{
    return l_search(L, true);
}

static int l_match(lua_State *L)
{
    return l_search(L, false);
}

/* -- gmatch ---------------------------------------------------------------------------------- */

/* UP_PATTERN: the program itself, of a long pattern. */
enum { UP_SUBJECT = 1, UP_PATTERN, UP_START };

static lua_CFunction stock_gmatch;

static int l_gmatch_next(lua_State *L)
{
    struct str subject = l_check_text(L, lua_upvalueindex(UP_SUBJECT));
    size_t start = (size_t)lua_tointeger(L, lua_upvalueindex(UP_START));
    struct matcher m;

    if (start > subject.len)
        return 0;
    set_subject(&m, subject);
    m.program = lua_touserdata(L, lua_upvalueindex(UP_PATTERN));
    if (!m.program)
        m.program = l_program(L, l_check_text(L, lua_upvalueindex(UP_PATTERN)));
    if (!matcher_search(&m, subject.at + start, false)) {
        l_check_fault(L, &m);
        return 0;
    }
    /* past an empty match, which would be found again */
    lua_pushinteger(L, m.until - m.begin + (m.until == m.at));
    lua_replace(L, lua_upvalueindex(UP_START));
    return l_push_captures(L, &m, 1);
}

/* LuaJIT's own makes the iterator: the compiler takes iterators of its kind for the same, but
 * compiles a loop anew for each other C closure. */
static int l_gmatch(lua_State *L)
{
    l_check_text(L, 1);
    struct str pattern = l_check_text(L, 2);

    lua_settop(L, 2);
    stock_gmatch(L);
    substitute(L, l_gmatch_next);
    int top = lua_gettop(L);
    l_program(L, pattern);
    if (lua_gettop(L) > top)
        lua_setupvalue(L, top, UP_PATTERN);
    return 1;
}

/* -- gsub ------------------------------------------------------------------------------------ */

enum { ARG_NEW = 3, ARG_COUNT = 4, AT_PROGRAM = 5, AT_TEXT = 6 };

/* What is put together: in `first`, and when that is full, in a userdata at AT_TEXT. */
struct text {
    lua_State *L;
    char *at;
    size_t len, room;
    char first[512];
};

static void l_grow(struct text *t, size_t more)
{
    size_t room = t->room * 4 > t->len + more ? t->room * 4 : t->len + more;
    char *at = lua_newuserdata(t->L, room);

    luajit_memcpy(at, t->at, t->len);
    lua_replace(t->L, AT_TEXT);
    t->at = at;
    t->room = room;
}

static void l_add(struct text *t, struct str part)
{
    if (part.len > t->room - t->len)
        l_grow(t, part.len);
    if (part.len)
        luajit_memcpy(t->at + t->len, part.at, part.len);
    t->len += part.len;
}

/* The value at the top of the stack, which is popped. */
static void l_add_value(struct text *t)
{
    struct str value;

    value.at = lua_tolstring(t->L, -1, &value.len);
    l_add(t, value);
    lua_pop(t->L, 1);
}

static void l_add_capture(struct text *t, const struct matcher *m, size_t i)
{
    struct str capture = l_capture(t->L, m, i);

    if (capture.at) {
        l_add(t, capture);
        return;
    }
    lua_pushinteger(t->L, (lua_Integer)capture.len);
    l_add_value(t);
}

/* Replacement text, with %0 to %9 in it. "%" at its end gives the NUL behind it, as in LuaJIT. */
static void l_add_replacement(struct text *t, const struct matcher *m)
{
    struct str rest, matched = {m->at, (size_t)(m->until - m->at)};
    const char *escape;

    rest.at = lua_tolstring(t->L, ARG_NEW, &rest.len);
    while (rest.len && (escape = memchr(rest.at, '%', rest.len))) {
        size_t before = (size_t)(escape - rest.at);
        char c = escape[1];

        l_add(t, (struct str){rest.at, before});
        if (c == '0') {
            l_add(t, matched);
        } else if (c >= '1' && c <= '9') {
            l_add_capture(t, m, (size_t)(c - '1'));
        } else {
            l_add(t, (struct str){escape + 1, 1});
        }
        if (rest.len - before < 2)
            return;
        rest = (struct str){escape + 2, rest.len - before - 2};
    }
    l_add(t, rest);
}

/* What a function or a table has for the match. */
static void l_add_answer(struct text *t, const struct matcher *m, int type)
{
    lua_State *L = t->L;

    l_cstack_check(L);
    if (type == LUA_TFUNCTION) {
        lua_pushvalue(L, ARG_NEW);
        lua_call(L, l_push_captures(L, m, 1), 1);
    } else {
        l_push_capture(L, m, 0);
        lua_gettable(L, ARG_NEW);
    }
    if (!lua_toboolean(L, -1)) {
        lua_pop(L, 1);
        l_add(t, (struct str){m->at, (size_t)(m->until - m->at)});
        return;
    }
    if (!lua_isstring(L, -1))
        luaL_error(L, "invalid replacement value (a %s)", luaL_typename(L, -1));
    l_add_value(t);
}

struct substitution {
    struct matcher m;
    struct text text;
    struct str pattern;
    bool anchored;
    int type; /* of what matches are replaced with */
};

static void l_add_match(struct substitution *g)
{
    if (g->type != LUA_TFUNCTION && g->type != LUA_TTABLE) {
        l_add_replacement(&g->text, &g->m);
        return;
    }
    l_add_answer(&g->text, &g->m, g->type);
    if (g->pattern.len <= PROGRAM_CACHED_MAX)
        g->m.program = program_cached(g->pattern); /* another may have taken its place */
}

/* Replaces up to `most` matches; returns how many. */
static int l_replace_all(struct substitution *g, int most)
{
    struct matcher *m = &g->m;
    const char *s = m->begin;
    int count = 0;

    while (count < most && matcher_search(m, s, g->anchored)) {
        count++;
        l_add(&g->text, (struct str){s, (size_t)(m->at - s)});
        l_add_match(g);
        s = m->until;
        if (m->until == m->at) {
            if (s == m->end)
                break;
            l_add(&g->text, (struct str){s++, 1});
        }
        if (g->anchored)
            break;
    }
    l_check_fault(g->text.L, m);
    l_add(&g->text, (struct str){s, (size_t)(m->end - s)});
    return count;
}

static int l_gsub(lua_State *L)
{
    struct str subject = l_check_text(L, 1);
    struct substitution g;

    g.pattern = l_check_text(L, 2);
    g.type = lua_type(L, ARG_NEW);
    int most = l_opt_int64(L, ARG_COUNT, (int32_t)subject.len + 1);
    if (g.type != LUA_TNUMBER && g.type != LUA_TSTRING && g.type != LUA_TFUNCTION &&
        g.type != LUA_TTABLE)
        luaL_argerror(L, ARG_NEW, "string/function/table expected");
    g.anchored = cut_anchor(&g.pattern);
    lua_settop(L, ARG_COUNT);
    set_subject(&g.m, subject);
    g.m.fault = FAULT_NONE;
    g.m.program = l_program(L, g.pattern);
    lua_settop(L, AT_TEXT);
    g.text.L = L;
    g.text.at = g.text.first;
    g.text.len = 0;
    g.text.room = sizeof(g.text.first);
    int count = l_replace_all(&g, most);
    if (count == 0)
        lua_pushvalue(L, 1);
    else
        lua_pushlstring(L, g.text.at, g.text.len);
    lua_pushinteger(L, count);
    return 2;
}

/* -- format ---------------------------------------------------------------------------------- */

static lua_CFunction stock_format;

/* It calls __tostring. */
static int l_format(lua_State *L)
{
    l_cstack_check(L);
    l_identity_arguments(L);
    return stock_format(L);
}

/* find is a function of ours from the start: LuaJIT's compiler has plain find call a search of its
 * own, which takes long for long texts and looks at no flag. The others it does not know. */
void l_patterns_open(lua_State *L)
{
    l_substitute_field(L, "match", l_match);
    l_substitute_field(L, "gsub", l_gsub);
    stock_gmatch = l_substitute_field(L, "gmatch", l_gmatch);
    stock_format = l_substitute_field(L, "format", l_format);
    lua_pushcfunction(L, l_find);
    lua_setfield(L, -2, "find");
}
