/* bridge.c - parameters in, result out. */
/* SPDX-License-Identifier: MIT */
#include "worker/bridge.h"

#include <luajit-2.1/lauxlib.h>

#include "embedded_lua.h"
#include "wire/message.h"
#include "worker/ctx.h"
#include "worker/json.h"
#include "worker/libraries.h"
#include "worker/profiler.h"
#include "worker/sandbox.h"
#include "worker/traceback.h"
#include "worker/worker.h"

/* -- In -------------------------------------------------------------------------------------- */

struct begin {
    struct call *call;
    struct str call_id, traceparent, params;
};

static bool is_null(lua_State *L, int index)
{
    return lua_islightuserdata(L, index) && !lua_touserdata(L, index);
}

/* Does the call give the parameter whose declaration and value are on top of the stack? Null means
 * no, unless the parameter is required: then the front has let null pass as a value. */
static bool l_is_given(lua_State *L)
{
    if (!is_null(L, -1))
        return !lua_isnil(L, -1);
    lua_getfield(L, -2, "required");
    bool required = lua_toboolean(L, -1);
    lua_pop(L, 1);
    return required;
}

/* Defaults of declared parameters that the call does not give; params at the top of the stack. */
static void l_fill_defaults(lua_State *L)
{
    int params = lua_gettop(L);

    lua_rawgeti(L, LUA_REGISTRYINDEX, SLOT_PARAMS);
    if (lua_istable(L, -1))
        for (lua_pushnil(L); lua_next(L, params + 1); lua_settop(L, params + 2)) {
            lua_pushvalue(L, -2);
            lua_rawget(L, params);
            if (!lua_istable(L, -2) || l_is_given(L))
                continue;
            lua_pushvalue(L, -3);
            lua_getfield(L, -3, "default");
            lua_rawset(L, params);
        }
    lua_settop(L, params);
}

static void l_push_params(lua_State *L, struct str text)
{
    if (text.len == 0 || str_equal(text, STR("{}")))
        lua_newtable(L);
    else if (l_json_decode(L, text) != 1 || !lua_istable(L, -1))
        luaL_error(L, "the parameters are no JSON object");
    l_fill_defaults(L);
}

static int l_begin(lua_State *L)
{
    struct begin *b = lua_touserdata(L, 1);
    struct vm *vm = b->call->vm;

    if (b->call->warm)
        l_libraries_seed(L);
    vm->thread = lua_newthread(L);
    lua_rawseti(L, LUA_REGISTRYINDEX, SLOT_THREAD);
    lua_rawgeti(L, LUA_REGISTRYINDEX, SLOT_XPCALL);
    lua_rawgeti(L, LUA_REGISTRYINDEX, SLOT_HANDLER);
    lua_rawgeti(L, LUA_REGISTRYINDEX, SLOT_TRACEBACK);
    l_push_params(L, b->params);
    l_ctx_push(L, b->call_id, b->traceparent);
    lua_xmove(L, vm->thread, 1 + BRIDGE_ARGUMENTS);
    return 0;
}

bool bridge_begin(struct call *call, struct str call_id, struct str traceparent, struct str params,
                  struct err *err)
{
    struct begin begin = {call, call_id, traceparent, params};

    profiler_enter(PHASE_PARAMETERS);
    return vm_protect(call->vm, l_begin, &begin, err);
}

/* -- Running --------------------------------------------------------------------------------- */

static enum bridge_step after_yield(struct call *call, struct err *err)
{
    lua_State *L = call->vm->thread;

    if (lua_gettop(L) == 1 && is_park_mark(L, 1) && call->wait != WAIT_NONE) {
        lua_settop(L, 0);
        return STEP_PARKED;
    }
    traceback_note(L);
    err_set(err, ERR_FUNCTION_ERROR,
            "the handler called coroutine.yield outside a coroutine of its own");
    return STEP_FAILED;
}

struct error {
    struct call *call;
    struct raised *raised;
    struct err *err;
};

/* The error value at `index` ends the call. Reading it may note other errors: then the value is no
 * more the one whose frames are noted. */
static void l_read_error(lua_State *L, int index, struct raised *raised, struct err *err)
{
    l_raised_read(L, index, worker_message_max(), raised, err);
    traceback_settle(L, index);
}

static int l_take_error(lua_State *L)
{
    struct error *e = lua_touserdata(L, 1);

    lua_xmove(e->call->vm->thread, L, 1);
    l_read_error(L, 2, e->raised, e->err);
    return 0;
}

/* Takes off what xpcall says before the handler's results. */
static enum bridge_step after_end(struct error *e)
{
    lua_State *thread = e->call->vm->thread;
    bool ok = lua_toboolean(thread, 1);

    lua_remove(thread, 1);
    if (ok)
        return STEP_ENDED;
    if (!vm_protect(e->call->vm, l_take_error, e, e->err))
        raised_clear(e->raised);
    return STEP_FAILED;
}

enum bridge_step bridge_run(struct call *call, int arguments, struct raised *raised,
                            struct err *err)
{
    int status;

    call->wait = WAIT_NONE;
    profiler_enter(PHASE_RUN);
    if (!vm_resume(call->vm, arguments, &status, err))
        return STEP_FAILED;
    if (status == 0)
        return after_end(&(struct error){call, raised, err});
    if (status == LUA_YIELD)
        return after_yield(call, err);
    return STEP_FAILED;
}

struct results {
    struct call *call;
    struct str text;
    int count;
};

static int l_push_results(lua_State *L)
{
    struct results *r = lua_touserdata(L, 1);

    r->count = l_ctx_push_results(L, r->text, r->call->all);
    lua_xmove(L, r->call->vm->thread, r->count);
    return 0;
}

bool bridge_push_results(struct call *call, struct str text, int *arguments, struct err *err)
{
    struct results results = {call, text, 0};

    profiler_enter(PHASE_PARAMETERS);
    if (!vm_protect(call->vm, l_push_results, &results, err))
        return false;
    *arguments = results.count;
    return true;
}

/* -- Out ------------------------------------------------------------------------------------- */

struct out {
    struct call *call;
    size_t max;
    struct buf *text;
    struct raised *raised;
    struct err *err;
    bool ok;
};

/* An empty table is an empty object; a list is wrapped, for a reply is an object. */
static bool is_object(lua_State *L, int index)
{
    if (!lua_istable(L, index) || lua_objlen(L, index) > 0)
        return false;
    return !l_json_is_list(L, index);
}

/* The front adds these keys itself, and a key may stand once. The table is the call's own, which
 * has ended: nobody sees that they are gone. */
static void l_drop_server_keys(lua_State *L, int index)
{
    static const char *const keys[] = {"latency_ms", "warm"};

    lua_pushnil(L);
    if (!lua_next(L, index))
        return; /* an empty one: to look for a key would make its text */
    lua_pop(L, 2);
    for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
        lua_pushstring(L, keys[i]);
        lua_rawget(L, index);
        bool is_there = !lua_isnil(L, -1);
        lua_pop(L, 1);
        if (!is_there)
            continue;
        lua_pushstring(L, keys[i]);
        lua_pushnil(L);
        lua_rawset(L, index);
    }
}

static int l_encode_result(lua_State *L)
{
    struct out *o = lua_touserdata(L, 1);
    lua_State *thread = o->call->vm->thread;

    lua_settop(thread, lua_gettop(thread) > 2 ? 2 : lua_gettop(thread));
    if (lua_gettop(thread) == 2 && lua_isnil(thread, 1) && !lua_isnil(thread, 2)) {
        lua_xmove(thread, L, 1);
        l_read_error(L, 2, o->raised, o->err);
        return 0;
    }
    traceback_forget(); /* of errors that the function caught */
    lua_settop(thread, 1);
    lua_xmove(thread, L, 1);
    if (lua_isnil(L, 2)) {
        lua_newtable(L);
        lua_replace(L, 2);
    } else if (!is_object(L, 2)) {
        lua_createtable(L, 0, 1);
        lua_insert(L, 2);
        lua_setfield(L, 2, "result");
    }
    l_drop_server_keys(L, 2);
    o->ok = l_json_encode(L, 2, o->max, o->text, o->err);
    return 0;
}

bool bridge_result(struct call *call, size_t max, struct buf *out, struct raised *raised,
                   struct err *err)
{
    struct out o = {call, max, out, raised, err, false};

    profiler_enter(PHASE_RESULT);
    if (vm_protect(call->vm, l_encode_result, &o, err))
        return o.ok;
    raised_clear(raised);
    return false;
}

/* Before the file runs, which may replace what describe.lua calls. */
static int l_prepare_describe(lua_State *L)
{
    if (luaL_loadbufferx(L, lua_describe_text, lua_describe_len, HOST_CHUNK "describe]", "t") != 0)
        return lua_error(L);
    lua_call(L, 0, 1);
    lua_rawseti(L, LUA_REGISTRYINDEX, SLOT_DESCRIBE);
    return 0;
}

struct vm *bridge_open_described(struct code *code, size_t limit_bytes, struct err *err)
{
    return vm_open_prepared(code, limit_bytes, l_prepare_describe, err);
}

static int l_describe(lua_State *L)
{
    struct out *o = lua_touserdata(L, 1);

    lua_rawgeti(L, LUA_REGISTRYINDEX, SLOT_DESCRIBE);
    lua_rawgeti(L, LUA_REGISTRYINDEX, SLOT_DEFINITION);
    lua_call(L, 1, 2);
    if (lua_isnil(L, -2))
        err_set(o->err, ERR_FUNCTION_ERROR, "%s", lua_tostring(L, -1));
    else
        o->ok = l_json_encode(L, lua_gettop(L) - 1, o->max, o->text, o->err);
    return 0;
}

bool bridge_describe(struct vm *vm, struct buf *out, struct err *err)
{
    struct out o = {NULL, MESSAGE_DESCRIPTION_MAX, out, NULL, err, false};

    return vm_protect(vm, l_describe, &o, err) && o.ok;
}
