/* output.c - print and the library `io`: what a function writes becomes lines of its log. */
/* SPDX-License-Identifier: MIT */
#include "worker/output.h"

#include <luajit-2.1/lauxlib.h>
#include <luajit-2.1/lualib.h>
#include <string.h>

#include "engine/leaf.h"
#include "worker/cstack.h"
#include "worker/ctx.h"
#include "worker/sandbox.h"
#include "worker/vm.h"

struct output {
    enum log_level level;
    size_t len;
    char text[CTX_LOG_LINE_MAX];
};

/* The userdata io.stdout, io.stderr or io.stdin. */
struct stream {
    const char *name;
    enum log_level level;
    bool is_input;
};

static const char STREAM_TYPE[] = "faas.stream"; /* of the metatable in the registry */

/* -- Lines ----------------------------------------------------------------------------------- */

void output_finish(struct vm *vm)
{
    struct output *pending = vm->output;

    if (!pending || pending->len == 0)
        return;
    struct str line = {pending->text, pending->len};
    pending->len = 0;
    ctx_log(vm, pending->level, line);
}

/* A line of another level ends the unfinished one. What goes over a line's length is cut off. */
static void l_append(lua_State *L, enum log_level level, struct str text)
{
    struct vm *vm = vm_of(L);

    if (text.len == 0)
        return;
    if (!vm->output) {
        struct output *made = lua_newuserdata(L, sizeof(*made));

        made->len = 0;
        lua_rawseti(L, LUA_REGISTRYINDEX, SLOT_OUTPUT);
        vm->output = made;
    }
    struct output *pending = vm->output;
    if (pending->len && pending->level != level)
        output_finish(vm);
    size_t room = sizeof(pending->text) - pending->len;
    size_t len = text.len < room ? text.len : room;
    pending->level = level;
    memcpy(pending->text + pending->len, text.at, len);
    pending->len += len;
}

/* `line` is what ends the unfinished line. */
static void l_end_line(lua_State *L, enum log_level level, struct str line)
{
    struct vm *vm = vm_of(L);

    if (vm->output && vm->output->len && vm->output->level == level) {
        l_append(L, level, line);
        output_finish(vm);
        return;
    }
    output_finish(vm);
    ctx_log(vm, level, line);
}

static void l_put(lua_State *L, enum log_level level, struct str text)
{
    const char *end;

    while (text.len && !ctx_log_is_full(vm_of(L)) &&
           (end = luajit_memchr(text.at, '\n', text.len))) {
        size_t len = (size_t)(end - text.at);

        l_end_line(L, level, (struct str){text.at, len});
        text = (struct str){end + 1, text.len - len - 1};
    }
    if (!ctx_log_is_full(vm_of(L)))
        l_append(L, level, text);
}

/* -- print ----------------------------------------------------------------------------------- */

int l_print(lua_State *L)
{
    int count = lua_gettop(L);
    luaL_Buffer line;

    l_cstack_check(L); /* the globals may have a metamethod */
    lua_getglobal(L, "tostring");
    luaL_buffinit(L, &line);
    for (int i = 1; i <= count; i++) {
        if (i > 1)
            luaL_addlstring(&line, "\t", 1);
        l_cstack_check(L);
        lua_pushvalue(L, count + 1);
        lua_pushvalue(L, i);
        lua_call(L, 1, 1);
        if (!lua_isstring(L, -1))
            return luaL_error(L, "print: tostring must return a string");
        luaL_addvalue(&line);
    }
    luaL_pushresult(&line);
    struct str text;
    text.at = lua_tolstring(L, -1, &text.len);
    l_end_line(L, LOG_INFO, text);
    return 0;
}

/* -- Writing --------------------------------------------------------------------------------- */

/* Checks all arguments before it writes any. */
static void l_write_all(lua_State *L, int from, enum log_level level)
{
    int count = lua_gettop(L);

    for (int i = from; i <= count; i++)
        luaL_checkstring(L, i);
    for (int i = from; i <= count; i++) {
        struct str text;

        text.at = lua_tolstring(L, i, &text.len);
        l_put(L, level, text);
    }
}

static int l_push_stream(lua_State *L, const char *name)
{
    lua_rawgeti(L, LUA_REGISTRYINDEX, SLOT_STREAMS);
    lua_getfield(L, -1, name);
    return 1;
}

/* io.write(...): returns io.stdout, so that calls can be chained. */
static int l_write(lua_State *L)
{
    l_write_all(L, 1, LOG_INFO);
    return l_push_stream(L, "stdout");
}

static struct stream *l_check_stream(lua_State *L)
{
    return luaL_checkudata(L, 1, STREAM_TYPE);
}

static int l_stream_write(lua_State *L)
{
    const struct stream *stream = l_check_stream(L);

    if (stream->is_input)
        return luaL_error(L, "io.stdin is for reading");
    l_write_all(L, 2, stream->level);
    lua_settop(L, 1);
    return 1;
}

/* An unfinished line stays so: the log has whole lines. */
static int l_flush(lua_State *L)
{
    return l_push_stream(L, "stdout");
}

static int l_stream_flush(lua_State *L)
{
    l_check_stream(L);
    lua_settop(L, 1);
    return 1;
}

static int l_stream_setvbuf(lua_State *L)
{
    static const char *const modes[] = {"no", "full", "line", NULL};

    l_check_stream(L);
    luaL_checkoption(L, 2, NULL, modes);
    lua_pushboolean(L, 1);
    return 1;
}

static int l_stream_close(lua_State *L)
{
    l_check_stream(L);
    lua_pushnil(L);
    lua_pushliteral(L, "cannot close standard file");
    return 2;
}

static int l_stream_tostring(lua_State *L)
{
    lua_pushfstring(L, "file (%s)", l_check_stream(L)->name);
    return 1;
}

/* -- Reading --------------------------------------------------------------------------------- */

/* As at the end of a file: "*a" gives "", everything else nil, after which nothing is read. */
static int l_read_formats(lua_State *L, int from)
{
    int count = lua_gettop(L), pushed = 0;

    for (int i = from; i <= count; i++) {
        bool is_count = lua_type(L, i) == LUA_TNUMBER;
        const char *format = luaL_checkstring(L, i);

        luaL_argcheck(L, is_count || (format[0] == '*' && format[1] && strchr("anlL", format[1])),
                      i, "invalid format");
    }
    luaL_checkstack(L, count + 1, "too many formats");
    for (int i = from; i <= count; i++) {
        const char *format = lua_tostring(L, i);

        pushed++;
        if (format[0] != '*' || format[1] != 'a') {
            lua_pushnil(L);
            return pushed;
        }
        lua_pushliteral(L, "");
    }
    if (pushed == 0)
        lua_pushnil(L);
    return pushed ? pushed : 1;
}

static int l_read(lua_State *L)
{
    return l_read_formats(L, 1);
}

static void l_check_input(lua_State *L)
{
    const struct stream *stream = l_check_stream(L);

    if (!stream->is_input)
        luaL_error(L, "io.%s is for writing", stream->name);
}

static int l_stream_read(lua_State *L)
{
    l_check_input(L);
    return l_read_formats(L, 2);
}

static int l_no_line(lua_State *L)
{
    lua_pushnil(L);
    return 1;
}

/* As where no file exists: libraries ask whether a name is that of a file. */
static int l_open(lua_State *L)
{
    enum { NO_SUCH_FILE = 2 };

    lua_pushnil(L);
    lua_pushfstring(L, "%s: no such file (functions have no files)", luaL_checkstring(L, 1));
    lua_pushinteger(L, NO_SUCH_FILE);
    return 3;
}

static int l_lines(lua_State *L)
{
    if (!lua_isnoneornil(L, 1))
        return luaL_error(L, "io.lines: a function has no files, only the lines of io.stdin");
    lua_pushcfunction(L, l_no_line);
    return 1;
}

static int l_stream_lines(lua_State *L)
{
    l_check_input(L);
    lua_pushcfunction(L, l_no_line);
    return 1;
}

/* -- Opening --------------------------------------------------------------------------------- */

static int l_type(lua_State *L)
{
    luaL_checkany(L, 1);
    lua_settop(L, 1);
    luaL_getmetatable(L, STREAM_TYPE);
    if (lua_getmetatable(L, 1) && lua_rawequal(L, -1, 2))
        lua_pushliteral(L, "file");
    else
        lua_pushnil(L);
    return 1;
}

/* Functions see a table with the methods as the metatable, so that libraries can tell streams from
 * other values by it; the real one they do not reach. */
static void l_make_metatable(lua_State *L)
{
    static const luaL_Reg methods[] = {{"write", l_stream_write},
                                       {"flush", l_stream_flush},
                                       {"setvbuf", l_stream_setvbuf},
                                       {"close", l_stream_close},
                                       {"read", l_stream_read},
                                       {"lines", l_stream_lines},
                                       {NULL, NULL}};

    luaL_newmetatable(L, STREAM_TYPE);
    lua_newtable(L);
    luaL_register(L, NULL, methods);
    lua_pushvalue(L, -1);
    lua_setfield(L, -2, "__index");
    lua_pushvalue(L, -1);
    lua_setfield(L, -3, "__metatable");
    lua_setfield(L, -2, "__index");
    lua_pushcfunction(L, l_stream_tostring);
    lua_setfield(L, -2, "__tostring");
    lua_pop(L, 1);
}

int l_io_open(lua_State *L)
{
    static const struct stream streams[] = {
        {"stdout", LOG_INFO, false}, {"stderr", LOG_WARN, false}, {"stdin", LOG_INFO, true}};
    static const luaL_Reg functions[] = {{"write", l_write}, {"flush", l_flush}, {"read", l_read},
                                         {"lines", l_lines}, {"open", l_open},   {"type", l_type},
                                         {NULL, NULL}};

    l_make_metatable(L);
    luaL_register(L, LUA_IOLIBNAME, functions);
    lua_createtable(L, 0, 4);
    for (size_t i = 0; i < sizeof(streams) / sizeof(*streams); i++) {
        struct stream *stream = lua_newuserdata(L, sizeof(*stream));

        *stream = streams[i];
        luaL_getmetatable(L, STREAM_TYPE);
        lua_setmetatable(L, -2);
        lua_pushvalue(L, -1);
        lua_setfield(L, -3, stream->name);
        lua_setfield(L, -3, stream->name);
    }
    lua_rawseti(L, LUA_REGISTRYINDEX, SLOT_STREAMS);
    return 1;
}
