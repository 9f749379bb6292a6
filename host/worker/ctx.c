/* ctx.c - the functions of ctx. */
/* SPDX-License-Identifier: MIT */
#include "worker/ctx.h"

#include <luajit-2.1/lauxlib.h>
#include <math.h>

#include "base/clock.h"
#include "worker/call.h"
#include "worker/json.h"
#include "worker/raised.h"
#include "worker/sandbox.h"
#include "worker/worker.h"

enum { LOG_CALL_MAX = 64 << 10, SLEEP_MAX_MS = 600000, CHILDREN_MAX = 1000 };

/* -- Time and log ---------------------------------------------------------------------------- */

static struct call *call_of(lua_State *L)
{
    struct call *call = vm_of(L)->call;

    if (!call)
        luaL_error(L, "this works inside a call, not while the file loads");
    return call;
}

static int l_remaining_ms(lua_State *L)
{
    uint64_t now = clock_now_ns(), deadline = call_of(L)->deadline_ns;

    lua_pushnumber(L, deadline > now ? (double)(deadline - now) / (double)NS_PER_MS : 0);
    return 1;
}

bool ctx_log_is_full(const struct vm *vm)
{
    return vm->logged_bytes > LOG_CALL_MAX;
}

void ctx_log(struct vm *vm, enum log_level level, struct str text)
{
    static const struct str cut = STR("this call has logged 64 KiB; the rest is left out");

    if (ctx_log_is_full(vm))
        return;
    if (text.len > CTX_LOG_LINE_MAX)
        text.len = CTX_LOG_LINE_MAX;
    worker_log(vm->call, level, text);
    vm->logged_bytes += text.len + 1;
    if (ctx_log_is_full(vm))
        worker_log(vm->call, LOG_WARN, cut);
}

static int l_log(lua_State *L)
{
    struct str word, text;
    enum log_level level;

    word.at = luaL_checklstring(L, 1, &word.len);
    text.at = luaL_checklstring(L, 2, &text.len);
    if (!log_level_parse(word, &level))
        return luaL_argerror(L, 1, "the level is \"debug\", \"info\", \"warn\" or \"error\"");
    ctx_log(vm_of(L), level, text);
    return 0;
}

/* -- Waiting --------------------------------------------------------------------------------- */

static int park(lua_State *L, enum call_wait wait)
{
    struct call *call = call_of(L);

    call->wait = wait;
    call->parked_in = L;
    l_push_park_mark(L);
    return lua_yield(L, 1);
}

static int l_sleep(lua_State *L)
{
    struct call *call = call_of(L);
    double ms = luaL_checknumber(L, 1);

    luaL_argcheck(L, ms >= 0 && ms <= SLEEP_MAX_MS, 1, "milliseconds from 0 to 600000");
    call->wake_ns = clock_now_ns() + (uint64_t)(ms * (double)NS_PER_MS);
    return park(L, WAIT_TIME);
}

/* Adds [function, params] of the values at the two indexes to the text of the calls. Each value is
 * encoded on its own: it may nest as deep as any, and an error names the place in it. */
static void l_put_child(lua_State *L, struct buf *text, int function, int params)
{
    size_t max = worker_message_max(), end_len = STR("]]").len;
    struct err err;

    buf_put_str(text, text->len ? STR(",[") : STR("[["));
    if (!l_json_encode(L, function, max, text, &err))
        luaL_error(L, "the name of a function: %s", err.text);
    buf_put_str(text, STR(","));
    if (lua_isnil(L, params))
        buf_put_str(text, STR("{}"));
    else if (!l_json_encode(L, params, max, text, &err))
        luaL_error(L, "the parameters of a call: %s", err.text);
    if (text->len + end_len > max)
        luaL_error(L, "the parameters of calls are together more than %d bytes of JSON", (int)max);
    buf_put_str(text, STR("]"));
}

static int park_for_children(lua_State *L, struct call *call, bool all)
{
    buf_put_str(&call->children, STR("]"));
    call->all = all;
    return park(L, WAIT_CHILDREN);
}

static int l_invoke(lua_State *L)
{
    struct call *call = call_of(L);

    luaL_checkstring(L, 1);
    lua_settop(L, 2);
    if (!lua_isnil(L, 2))
        luaL_checktype(L, 2, LUA_TTABLE);
    buf_clear(&call->children);
    l_put_child(L, &call->children, 1, 2);
    return park_for_children(L, call, false);
}

static void l_check_child(lua_State *L, int i)
{
    if (!lua_istable(L, -1))
        luaL_error(L, "invoke_all: item %d is no {function, params}", i);
    lua_rawgeti(L, -1, 1);
    lua_rawgeti(L, -2, 2);
    if (lua_type(L, -2) != LUA_TSTRING || !(lua_isnil(L, -1) || lua_istable(L, -1)))
        luaL_error(L, "invoke_all: item %d is no {function, params}: a name and a table", i);
}

static int l_invoke_all(lua_State *L)
{
    struct call *call = call_of(L);

    luaL_checktype(L, 1, LUA_TTABLE);
    int count = (int)lua_objlen(L, 1);

    luaL_argcheck(L, count <= CHILDREN_MAX, 1, "at most 1000 calls at once");
    lua_settop(L, 1);
    if (count == 0) {
        lua_newtable(L);
        l_json_mark_list(L);
        return 1;
    }
    buf_clear(&call->children);
    for (int i = 1; i <= count; i++) {
        lua_rawgeti(L, 1, i);
        l_check_child(L, i);
        l_put_child(L, &call->children, 3, 4);
        lua_settop(L, 1);
    }
    return park_for_children(L, call, true);
}

/* Pushes what an item, {"result": ...} or an error object, stands for. A result is never nil. */
static bool l_push_result(lua_State *L, int list, int i)
{
    lua_rawgeti(L, list, i);
    lua_pushliteral(L, "result");
    lua_rawget(L, -2);
    bool ok = !lua_isnil(L, -1);
    if (ok) {
        lua_remove(L, -2);
        return true;
    }
    lua_pop(L, 1);
    l_raised_mark(L);
    return false;
}

/* Puts a result, or an error object and that into the errors too, in the place of each item. */
static int l_push_all(lua_State *L, int list)
{
    int count = (int)lua_objlen(L, list), errors = list + 1;

    lua_pushnil(L);
    for (int i = 1; i <= count; i++) {
        if (!l_push_result(L, list, i)) {
            if (lua_isnil(L, errors)) {
                lua_newtable(L);
                lua_replace(L, errors);
            }
            lua_pushvalue(L, -1);
            lua_rawseti(L, errors, i);
        }
        lua_rawseti(L, list, i);
    }
    return 2;
}

int l_ctx_push_results(lua_State *L, struct str text, bool all)
{
    if (l_json_decode_wrapped(L, text) != 1)
        return luaL_error(L, "the results of calls are not JSON");
    int list = lua_gettop(L);

    if (all)
        return l_push_all(L, list);
    if (l_push_result(L, list, 1))
        return 1;
    lua_pushnil(L);
    lua_insert(L, -2);
    return 2;
}

/* -- The table ------------------------------------------------------------------------------- */

static void set_text(lua_State *L, const char *key, struct str text)
{
    lua_pushlstring(L, text.at, text.len);
    lua_setfield(L, -2, key);
}

/* What is the same for all calls of a state, at the top of the stack. */
static void l_new_ctx(lua_State *L)
{
    static const luaL_Reg functions[] = {{"remaining_ms", l_remaining_ms},
                                         {"log", l_log},
                                         {"sleep", l_sleep},
                                         {"invoke", l_invoke},
                                         {"invoke_all", l_invoke_all}};

    lua_createtable(L, 0, 9);
    set_text(L, "function_name", str_of(vm_of(L)->code->function.name));
    for (size_t i = 0; i < sizeof(functions) / sizeof(*functions); i++) {
        lua_pushcfunction(L, functions[i].func);
        lua_setfield(L, -2, functions[i].name);
    }
}

void l_ctx_prepare(lua_State *L)
{
    l_new_ctx(L);
    lua_rawseti(L, LUA_REGISTRYINDEX, SLOT_CTX);
}

void l_ctx_push(lua_State *L, struct str call_id, struct str traceparent)
{
    lua_rawgeti(L, LUA_REGISTRYINDEX, SLOT_CTX);
    if (lua_isnil(L, -1)) {
        lua_pop(L, 1);
        l_new_ctx(L);
    }
    set_text(L, "call_id", call_id);
    set_text(L, "start", vm_of(L)->call->warm ? STR("warm") : STR("cold"));
    if (traceparent.len)
        set_text(L, "traceparent", traceparent);
}
