/* traceback.c - frames as lines of text. */
/* SPDX-License-Identifier: MIT */
#include "worker/traceback.h"

#include <stdio.h>

#include "worker/libraries.h"
#include "worker/sandbox.h"

enum { TEXT_MAX = 16 << 10, FRAMES_MAX = 32 };

static struct {
    char text[TEXT_MAX];
    size_t len;
    const lua_State *thread; /* whose frames were noted last */
} t;

struct str traceback_text(void)
{
    return (struct str){t.text, t.len};
}

void traceback_forget(void)
{
    t.len = 0;
    t.thread = NULL;
}

/* -- Frames ---------------------------------------------------------------------------------- */

static void put_line(const char *place, const char *name)
{
    size_t room = sizeof(t.text) - t.len;
    int len = snprintf(t.text + t.len, room, "%s%s%.60s", t.len ? "\n" : "", place, name);

    if ((size_t)len < room)
        t.len += (size_t)len;
}

static bool look(lua_State *L, int level, lua_Debug *frame)
{
    return lua_getstack(L, level, frame) && lua_getinfo(L, "Snl", frame);
}

static bool is_c(const lua_Debug *frame)
{
    return frame->currentline < 0;
}

static bool is_ours(const lua_Debug *frame)
{
    return libraries_is_host(frame->source);
}

bool traceback_hides(lua_State *L, int level, const lua_Debug *frame)
{
    lua_Debug outer;

    return is_ours(frame) || (is_c(frame) && (!look(L, level + 1, &outer) || is_ours(&outer)));
}

/* It says nothing that its caller does not. */
static bool is_raise(const lua_Debug *frame)
{
    return is_c(frame) && frame->name &&
           (strcmp(frame->name, "error") == 0 || strcmp(frame->name, "assert") == 0);
}

static void put_frame(const lua_Debug *frame)
{
    char place[LUA_IDSIZE + 32];
    const char *unnamed = strcmp(frame->what, "main") == 0 ? "main chunk" : "function";

    if (is_c(frame))
        put_line("[C]: in ", frame->name ? frame->name : "?");
    else {
        snprintf(place, sizeof(place), "%s:%d: in ", frame->short_src, frame->currentline);
        put_line(place, frame->name ? frame->name : unnamed);
    }
}

/* The frames of `L` from `level` outwards. */
static void put_stack(lua_State *L, int level)
{
    bool is_first = true;
    lua_Debug frame;
    int count = 0;

    t.thread = L;
    for (; look(L, level, &frame); level++) {
        if (traceback_hides(L, level, &frame) || (is_first && is_raise(&frame)))
            continue;
        is_first = false;
        if (count++ == FRAMES_MAX) {
            put_line("...", "");
            return;
        }
        put_frame(&frame);
    }
}

void traceback_note(lua_State *L)
{
    traceback_forget();
    put_stack(L, 0);
}

void traceback_add(lua_State *L)
{
    if (t.thread == L)
        return;
    put_line("[coroutine]", "");
    put_stack(L, 0);
}

/* -- Whose they are -------------------------------------------------------------------------- */

/* The value that the registry keeps for the error value at `index`. */
static void push_key(lua_State *L, int index)
{
    if (lua_isnil(L, index))
        lua_pushlightuserdata(L, &t);
    else
        lua_pushvalue(L, index);
}

/* The same text, or one with the place of a second raise before it: error(err) of an `err` that
 * resume returned. Both at the top of the stack, the noted one last. */
static bool is_text_again(lua_State *L)
{
    struct str text, noted;

    if (lua_type(L, -2) != LUA_TSTRING || lua_type(L, -1) != LUA_TSTRING)
        return false;
    text.at = lua_tolstring(L, -2, &text.len);
    noted.at = lua_tolstring(L, -1, &noted.len);
    if (noted.len == 0 || noted.len > text.len)
        return false;
    const char *tail = text.at + text.len - noted.len;
    return memcmp(tail, noted.at, noted.len) == 0 && (tail == text.at || tail[-1] == ' ');
}

static bool is_noted(lua_State *L, int index)
{
    if (t.len == 0)
        return false;
    push_key(L, index);
    lua_rawgeti(L, LUA_REGISTRYINDEX, SLOT_RAISED);
    bool same = lua_rawequal(L, -1, -2) || is_text_again(L);
    lua_pop(L, 2);
    return same;
}

void traceback_settle(lua_State *L, int index)
{
    if (!is_noted(L, index))
        traceback_forget();
}

/* Level 0 is the handler itself. What was raised again on the stack that is noted has all its
 * frames already. */
int l_traceback(lua_State *L)
{
    bool again = is_noted(L, 1);

    lua_settop(L, 1);
    if (again && t.thread == L)
        return 1;
    if (again)
        put_line("[coroutine]", "");
    else
        traceback_forget();
    put_stack(L, 1);
    push_key(L, 1);
    lua_rawseti(L, LUA_REGISTRYINDEX, SLOT_RAISED);
    return 1;
}
