/* vm.c - opening, sealing, resetting and closing states. */
/* SPDX-License-Identifier: MIT */
#include "worker/vm.h"

#include <assert.h>
#include <luajit-2.1/lauxlib.h>
#include <luajit-2.1/luajit.h>
#include <stdlib.h>

#include "base/clock.h"
#include "worker/cstack.h"
#include "worker/ctx.h"
#include "worker/heap_image.h"
#include "worker/json.h"
#include "worker/libraries.h"
#include "worker/output.h"
#include "worker/profiler.h"
#include "worker/safepoint.h"
#include "worker/sandbox.h"
#include "worker/traceback.h"

/* Regions are kept for the next vm with what they touched last, up to a bound: a cold start then
 * needs neither mmap nor page faults. */
enum { SPARE_HEAPS = 8, SPARE_KEEP_BYTES = 512 << 10 };

static struct heap *spare[SPARE_HEAPS];
static size_t spare_count;

static struct heap *take_heap(void)
{
    return spare_count ? spare[--spare_count] : heap_open();
}

static void give_heap(struct heap *heap)
{
    heap_trim(heap, SPARE_KEEP_BYTES);
    if (spare_count < SPARE_HEAPS)
        spare[spare_count++] = heap;
    else
        heap_close(heap);
}

void vm_drop_spare_heaps(void)
{
    while (spare_count)
        heap_close(spare[--spare_count]);
}

struct vm *vm_of(lua_State *L)
{
    void *heap;

    lua_getallocf(L, &heap);
    return ((struct heap *)heap)->owner;
}

/* LuaJIT raises the error of a full Lua stack also while it restores a stack from compiled code,
 * with frames that are not there yet: looking for the place of the error, or calling an error's
 * handler, it crashes. So the error comes before that, when the stack has grown to its largest,
 * nine tenths of which are used. A stack that still has that size is not let grow further: that is
 * an error without place and handler, "not enough memory". LuaJIT shrinks stacks when it collects
 * garbage, so a second overflow that comes before that reads so too. The array of a table may have
 * that size as well: it grows to a power of two and one, which adds less than a stack's growth
 * does, or far more. */
static void *alloc(void *heap, void *block, size_t old_size, size_t size)
{
    enum { VALUE = 8, ADDED_LEAST = 2 * LUA_MINSTACK * VALUE };
    const size_t largest = LUAI_MAXSTACK * VALUE, above = 32 * VALUE; /* LuaJIT adds a few */

    if (size < largest)
        return heap_alloc(heap, block, old_size, size);
    if (old_size >= largest && old_size < largest + above && size > old_size + ADDED_LEAST &&
        size <= old_size + largest)
        return NULL;
    if (size < largest + above && old_size && old_size < largest)
        safepoint_overflow();
    return heap_alloc(heap, block, old_size, size);
}

static void leave_full(void *owner, size_t wanted)
{
    struct vm *vm = owner;

    (void)wanted;
    traceback_forget();
    siglongjmp(vm->escape, ERR_MEMORY_LIMIT);
}

static void leave_late(void *owner, enum err_code why, bool torn, lua_State *at)
{
    struct vm *vm = owner;

    traceback_forget();
    if (at)
        traceback_note(at == vm->L && vm->thread ? vm->thread : at);
    if (at && vm->thread)
        traceback_add(vm->thread);
    vm->torn |= torn;
    siglongjmp(vm->escape, (int)why);
}

static void look_torn(void *owner)
{
    (void)owner;
    safepoint_tear();
}

static bool take_code(struct mcode *mcode, size_t bytes)
{
    return heap_take_outside(mcode->owner, bytes);
}

static void give_code(struct mcode *mcode, size_t bytes)
{
    heap_give_outside(mcode->owner, bytes);
}

/* What runs from here on is of this vm. */
static void use(struct vm *vm)
{
    json_use(vm->heap);
    mcode_use(&vm->mcode);
}

/* LuaJIT collects when the heap has doubled, and knows of no limit. From here on it collects all
 * the time, and faster than garbage comes. Setting that allocates nothing. */
static void hurry_collector(void *owner)
{
    enum { SPEED_PER_CENT = 1000, PAUSE_PER_CENT = 110 };
    const struct vm *vm = owner;

    if (!vm->L)
        return;
    lua_gc(vm->L, LUA_GCSETSTEPMUL, SPEED_PER_CENT);
    lua_gc(vm->L, LUA_GCSETPAUSE, PAUSE_PER_CENT);
    lua_gc(vm->L, LUA_GCRESTART, 0);
}

/* `why` is what sigsetjmp returned at vm->escape. */
static bool fail_left(struct vm *vm, enum err_code why, struct err *err)
{
    safepoint_leave();
    vm->dead = true;
    if (why == ERR_FUNCTION_ERROR)
        return err_set(err, why, "C stack overflow");
    if (why != ERR_MEMORY_LIMIT)
        return err_set(err, why, "the call was ended while it ran");
    if (vm->heap->starved)
        return err_set(err, ERR_MEMORY_LIMIT,
                       "no memory is left for it: all calls together have what they may have "
                       "(it had %zu KiB)",
                       heap_peak_bytes(vm->heap) >> 10);
    return err_set(err, ERR_MEMORY_LIMIT,
                   "the function went over its memory limit of %zu MiB (peak %zu KiB); `memory_mb` "
                   "in its table or --memory-mb raises the limit, up to --memory-mb-max",
                   heap_limit_bytes(vm->heap) >> 20, heap_peak_bytes(vm->heap) >> 10);
}

/* As fail_left, of what ended by itself after it was to be ended: no frame is left. */
static bool fail_late(struct vm *vm, enum err_code why, struct err *err)
{
    traceback_forget();
    return fail_left(vm, why, err);
}

/* The message of an error value of any type; borrowed from the stack. May leave by vm->escape. */
static struct str error_text(lua_State *L, int index)
{
    static const char *const fields[] = {"message", "error"};
    struct str text = {NULL, 0};

    if (lua_isstring(L, index)) {
        text.at = lua_tolstring(L, index, &text.len);
        return text;
    }
    for (size_t i = 0; lua_istable(L, index) && i < sizeof(fields) / sizeof(*fields); i++) {
        lua_pushstring(L, fields[i]);
        lua_rawget(L, index < 0 ? index - 1 : index);
        if (lua_type(L, -1) == LUA_TSTRING)
            text.at = lua_tolstring(L, -1, &text.len); /* the table keeps it alive */
        lua_pop(L, 1);
        if (text.at)
            return text;
    }
    return str_of("an error that is no text was raised");
}

bool vm_protect(struct vm *vm, lua_CFunction fn, void *argument, struct err *err)
{
    use(vm);
    enum err_code left = (enum err_code)sigsetjmp(vm->escape, 0);
    if (left)
        return fail_left(vm, left, err);
    cstack_begin();
    safepoint_enter(vm->L, &vm->mcode, leave_late, vm);
    int status = lua_cpcall(vm->L, fn, argument);
    left = safepoint_leave();
    if (left)
        return fail_late(vm, left, err);
    if (status == 0)
        return true;
    traceback_settle(vm->L, -1);
    struct str text = error_text(vm->L, -1);
    err_set(err, ERR_FUNCTION_ERROR, "%.*s", STR_ARG(text));
    lua_settop(vm->L, 0);
    return false;
}

bool vm_resume(struct vm *vm, int arguments, int *status, struct err *err)
{
    use(vm);
    enum err_code left = (enum err_code)sigsetjmp(vm->escape, 0);
    if (left)
        return fail_left(vm, left, err);
    cstack_begin();
    safepoint_enter(vm->L, &vm->mcode, leave_late, vm);
    *status = lua_resume(vm->thread, arguments);
    left = safepoint_leave();
    if (left)
        return fail_late(vm, left, err);
    if (*status != 0 && *status != LUA_YIELD) {
        traceback_settle(vm->thread, -1);
        struct str text = error_text(vm->thread, -1);
        err_set(err, ERR_FUNCTION_ERROR, "%.*s", STR_ARG(text));
    }
    return true;
}

/* -- Opening --------------------------------------------------------------------------------- */

static bool open_state(struct vm *vm, struct err *err)
{
    use(vm);
    enum err_code left = (enum err_code)sigsetjmp(vm->escape, 0);
    if (left)
        return fail_left(vm, left, err);
    profiler_enter(PHASE_NEWSTATE);
    vm->L = lua_newstate(alloc, vm->heap);
    return vm->L || err_set(err, ERR_INTERNAL, "lua_newstate failed");
}

/* Finds the handler in what the chunk returned, at the top of the stack. */
static void l_keep_handler(lua_State *L, const char *chunk_name)
{
    if (lua_istable(L, -1)) {
        lua_pushvalue(L, -1);
        lua_rawseti(L, LUA_REGISTRYINDEX, SLOT_DEFINITION);
        lua_getfield(L, -1, "params");
        if (lua_istable(L, -1))
            lua_rawseti(L, LUA_REGISTRYINDEX, SLOT_PARAMS);
        else
            lua_pop(L, 1);
        lua_getfield(L, -1, "handler");
    }
    if (!lua_isfunction(L, -1))
        luaL_error(L,
                   "%s returned no handler: a function file returns a function, or a table "
                   "with the function as its `handler`",
                   chunk_name + 1);
    lua_rawseti(L, LUA_REGISTRYINDEX, SLOT_HANDLER);
}

struct opening {
    struct vm *vm;
    lua_CFunction prepare;
};

static int l_load_function(lua_State *L)
{
    const struct opening *opening = lua_touserdata(L, 1);
    struct vm *vm = opening->vm;

    profiler_enter(PHASE_LIBRARIES);
    l_sandbox_open(L, opening->prepare ? LIBRARIES_ALL : vm->code->function.libraries);
    if (opening->prepare)
        opening->prepare(L);
    profiler_enter(PHASE_LOAD);
    if (loader_load(L, &vm->code->function) != 0)
        return lua_error(L);
    profiler_enter(PHASE_LOAD); /* what was compiled is no part of what now runs */
    lua_rawgeti(L, LUA_REGISTRYINDEX, SLOT_TRACEBACK);
    lua_insert(L, -2);
    if (lua_pcall(L, 0, 1, -2) != 0)
        return lua_error(L);
    l_keep_handler(L, vm->code->function.chunk_name);
    return 0;
}

struct vm *vm_open_prepared(struct code *code, size_t limit_bytes, lua_CFunction prepare,
                            struct err *err)
{
    struct vm *vm = calloc(1, sizeof(*vm));
    struct opening opening = {vm, prepare};

    if (vm)
        vm->heap = take_heap();
    if (!vm || !vm->heap) {
        free(vm);
        err_set_errno(err, "memory for a state");
        return NULL;
    }
    vm->code = code;
    heap_start(vm->heap, limit_bytes, leave_full, vm);
    heap_on_tight(vm->heap, hurry_collector);
    heap_on_long(vm->heap, look_torn);
    vm->mcode = (struct mcode){.take = take_code, .give = give_code, .owner = vm->heap};
    bool loaded = open_state(vm, err) && vm_protect(vm, l_load_function, &opening, err);
    output_finish(vm);
    if (loaded)
        return vm;
    vm_close(vm);
    return NULL;
}

struct vm *vm_open(struct code *code, size_t limit_bytes, struct err *err)
{
    return vm_open_prepared(code, limit_bytes, NULL, err);
}

/* lua_close looks at each object of the state, which takes 10 ns or more for each. A state that has
 * many is closed under a limit; what is left of it then goes with its memory, as of a torn one. */
static void close_state(struct vm *vm)
{
    enum { SMALL_BYTES = 1 << 20, LIMIT_MS = 10 };
    bool small = heap_used_bytes(vm->heap) <= SMALL_BYTES;

    if (sigsetjmp(vm->escape, 0) == 0) {
        lua_setallocf(vm->L, heap_alloc_last, vm->heap);
        if (!small)
            safepoint_enter_close(vm->L, &vm->mcode, clock_now_ns() + LIMIT_MS * NS_PER_MS,
                                  leave_late, vm);
        lua_close(vm->L);
    }
    if (!small)
        safepoint_leave();
}

/* Should closing itself ask for more memory than the limit leaves, the rest of that is given up. */
void vm_close(struct vm *vm)
{
    if (!vm)
        return;
    profiler_enter(PHASE_CLOSE);
    use(vm);
    if (vm->L && !vm->torn)
        close_state(vm);
    mcode_release(&vm->mcode);
    mcode_use(NULL);
    give_heap(vm->heap);
    heap_image_close(vm->image);
    free(vm);
}

/* The slot of the thread is there already in each call: a new one makes the registry grow. */
static int l_settle(lua_State *L)
{
    l_ctx_prepare(L);
    lua_pushboolean(L, 0);
    lua_rawseti(L, LUA_REGISTRYINDEX, SLOT_THREAD);
    lua_gc(L, LUA_GCCOLLECT, 0);
    return 0;
}

static void put_back(struct vm *vm)
{
    size_t keep = vm->image->top_page * HEAP_PAGE;

    heap_trim(vm->heap, SPARE_KEEP_BYTES > keep ? SPARE_KEEP_BYTES : keep);
    heap_restore(vm->heap, vm->image);
}

bool vm_seal(struct vm *vm, struct err *err)
{
    assert(!vm->image && !vm->dead);
    if (!vm_protect(vm, l_settle, NULL, err))
        return false;
    luaJIT_setmode(vm->L, 0, LUAJIT_MODE_ENGINE | LUAJIT_MODE_FLUSH);
    vm->sealed_output = vm->output;
    vm->image = heap_save(vm->heap);
    if (!vm->image)
        return err_set(err, ERR_MEMORY_LIMIT,
                       "no memory is left for the image of a warm instance (%zu KiB): all calls "
                       "and warm instances together have what --heaps-mb allows",
                       heap_used_bytes(vm->heap) >> 10);
    put_back(vm); /* gives back memory that only loading needed */
    return true;
}

bool vm_reset(struct vm *vm)
{
    if (vm->dead)
        return false;
    profiler_enter(PHASE_RESET);
    use(vm);
    luaJIT_setmode(vm->L, 0, LUAJIT_MODE_ENGINE | LUAJIT_MODE_FLUSH);
    put_back(vm);
    vm->output = vm->sealed_output;
    vm->thread = NULL;
    vm->call = NULL;
    vm->logged_bytes = 0;
    return true;
}
