/* layout.c - LuaJIT is tried out. */
/* SPDX-License-Identifier: MIT */
#include "worker/layout.h"

#include <luajit-2.1/lauxlib.h>

#include "base/clock.h"
#include "engine/text.h"
#include "worker/compiler.h"
#include "worker/identity.h"
#include "worker/json.h"
#include "worker/safepoint.h"
#include "worker/sandbox.h"
#include "worker/substitute.h"
#include "worker/vm.h"
#include "worker/worker.h"

enum { LIMIT_BYTES = 4 << 20, LOOP_NS = 1000000, LOOP_TRIES = 10 };

/* ThreadSanitizer holds signals back until the program calls something that it knows. */
#ifdef __SANITIZE_THREAD__
enum { SIGNALS_ARE_HELD_BACK = 1 };
#else
enum { SIGNALS_ARE_HELD_BACK = 0 };
#endif

static bool fails(struct err *err, const char *assumption)
{
    return err_set(err, ERR_INTERNAL, "this LuaJIT does not fit: %s", assumption);
}

/* -- Inside a state -------------------------------------------------------------------------- */

struct trial {
    bool owner, function, field, code;
};

static int l_first(lua_State *L)
{
    lua_pushinteger(L, 1);
    return 1;
}

static int l_second(lua_State *L)
{
    lua_pushinteger(L, 2);
    return 1;
}

static int l_try(lua_State *L)
{
    struct trial *trial = lua_touserdata(L, 1);

    trial->owner = vm_of(L)->L == L;
    lua_pushcfunction(L, l_first);
    trial->function = substitute_fits(L);
    if (trial->function) {
        substitute(L, l_second);
        lua_call(L, 0, 1);
        trial->field = lua_tointeger(L, -1) == 2;
    }
    return 0;
}

static int l_loop(lua_State *L)
{
    const double *times = lua_touserdata(L, 1);

    lua_rawgeti(L, LUA_REGISTRYINDEX, SLOT_HANDLER);
    lua_pushnumber(L, *times);
    lua_call(L, 1, 0);
    return 0;
}

/* -- The checks ------------------------------------------------------------------------------ */

static bool check_state(struct vm *vm, struct err *err)
{
    struct trial trial = {0};

    if (!vm_protect(vm, l_try, &trial, err))
        return false;
    if (!trial.owner)
        return fails(err, "lua_getallocf does not name the heap of a state");
    if (!trial.function || !trial.field)
        return fails(err, "a C function does not lie where substitute.c looks for it");
    return true;
}

/* Without a deadline, for on a busy machine that may come before the loop runs at all. */
static bool check_compiler(struct vm *vm, struct err *err)
{
    double short_loop = 1e5;

    if (!vm_protect(vm, l_loop, &short_loop, err))
        return false;
    return mcode_bytes(&vm->mcode) ||
           fails(err, "loops are not compiled, or into memory that host/engine does not see");
}

/* The loop would take seconds. It must end with its deadline, and because its code saw the profile
 * bit: not by a jump out of it, which is for C code, and for code that did not run meanwhile. */
static bool check_loop(struct vm *vm, struct err *err)
{
    double long_loop = 1e9;

    safepoint_limit(clock_now_ns() + LOOP_NS);
    bool ended = vm_protect(vm, l_loop, &long_loop, err);
    safepoint_limit(0);
    if (ended || err->code != ERR_DEADLINE)
        return fails(err, "a deadline does not end a loop");
    if (vm->torn)
        return fails(err, "compiled code does not look at the profile bit of the hook mask");
    return true;
}

static bool check_vm(struct code *code, struct err *err)
{
    struct vm *vm = vm_open(code, LIMIT_BYTES, err);

    if (!vm)
        return false;
    bool ok = check_state(vm, err) &&
              (SIGNALS_ARE_HELD_BACK || (check_compiler(vm, err) && check_loop(vm, err)));
    vm_close(vm);
    vm_drop_spare_heaps();
    return ok;
}

/* A process that has to wait for the processor misses a deadline, but not each time. */
static bool check_vms(struct code *code, struct err *err)
{
    for (int i = 0; i < LOOP_TRIES; i++)
        if (check_vm(code, err))
            return true;
    return false;
}

bool layout_check(struct err *err)
{
    struct loader loader = {0};

    json_init();
    if (!text_has((uintptr_t)lua_newstate) || text_has((uintptr_t)layout_check))
        return fails(err, "its code is not in the section that the build gives it");
    if (!safepoint_init(NULL))
        return fails(err, "the hook mask does not follow lua_sethook in one byte of the state");
    loader_add(&loader, 1, STR("layout"),
               STR("return function(most) local n = 0 for i = 1, most do n = n + i % 7 end end"),
               (struct str){NULL, 0});
    bool ok = check_vms(loader_find(&loader, 1), err);
    loader_remove(&loader, loader_find(&loader, 1));
    if (ok && !identity_works())
        return fails(err, "tostring does not call the function that identity.c puts into it");
    if (ok && !compiler_remembers())
        return fails(err, "it does not ask for CPUID where the linker leads that question");
    return ok;
}

bool worker_fits(const struct switchboard *board, struct err *err)
{
    (void)board;
    return layout_check(err);
}
