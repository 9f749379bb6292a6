/* programs_fuzz.c - small Lua programs of all that functions reach: none crashes, each does the
 * same again in a warm instance, and leaves nothing in it. */
/* SPDX-License-Identifier: MIT */
#include "fuzz.h"

#include <luajit-2.1/lauxlib.h>
#include <signal.h>
#include <unistd.h>

#include "base/clock.h"
#include "native.h"
#include "program_text.h"
#include "worker/json.h"
#include "worker/safepoint.h"
#include "worker/sandbox.h"
#include "worker/vm.h"
#include "worker/worker.h"

enum { HEAP_MAX = 16 << 20, RUN_MS = 300, STATEMENTS = 6, PARTS_MAX = 70, CALLS = 2 };

static struct script program;

/* What each program begins with. `any` calls functions by number: of all that are reachable, but
 * for those whose results differ from run to run. All work is bounded by `burn`. */
static const char program_begin[] =
    "local json = require('json')\n"
    "local differs = {collectgarbage = true, clock = true, date = true, time = true, print = "
    "true,\n"
    "  random = true, randomseed = true, uuid = true, uuids = true, letters = true, contend = "
    "true,\n"
    "  getenv = true, traceback = true}\n"
    "local all, seen = {}, {}\n"
    "local function gather(t)\n"
    "  if seen[t] then return end seen[t] = true\n"
    "  local names = {}\n"
    "  for name in next, t do if type(name) == 'string' then names[#names + 1] = name end end\n"
    "  table.sort(names)\n"
    "  for _, name in ipairs(names) do local value = rawget(t, name)\n"
    "    if type(value) == 'function' and not differs[name] then all[#all + 1] = value\n"
    "    elseif type(value) == 'table' then gather(value) end end\n"
    "end\n"
    "gather(_G) gather(json)\n"
    "for name in ('%s'):gmatch('%%S+') do gather(require(name)) end\n"
    "local insert, select, type, pcall, tostring, unpack = table.insert, select, type, pcall, "
    "tostring,\n"
    "  unpack\n"
    "local format, error, setmetatable = string.format, error, setmetatable\n"
    "local create, resume, status = coroutine.create, coroutine.resume, coroutine.status\n"
    "return function() local fuel, out = 3000, {}\n"
    "local function burn() fuel = fuel - 1 if fuel < 0 then error('no fuel', 0) end return true "
    "end\n"
    "local function keep(...) for i = 1, select('#', ...) do local v = select(i, ...)\n"
    "  if #out < 500 then out[#out + 1] = type(v) == 'string' and v:sub(1, 100) or\n"
    "    type(v) == 'number' and format('%%.17g', v) or type(v) end end return ... end\n"
    "local function note(...) if not (...) then keep('raised', (select(2, ...))) else keep(...) "
    "end\n"
    "  return select(2, ...) end\n"
    "local function callable(v) return type(v) == 'function' and v or function(...) return v, ... "
    "end "
    "end\n"
    "local function apart(f, ...) fuel = fuel - 1 if fuel < 0 then return end\n"
    "  return note(resume(create(callable(f)), ...)) end\n"
    "local function call(f, ...) return apart(f, ...) end\n"
    "local function try(f, ...) return apart(f, ...) end\n"
    "local function any(n, ...) return apart(all[n %% #all + 1], ...) end\n"
    "local function text(v) return type(v) == 'string' and v or type(v) end\n"
    "local function number(v) return type(v) == 'number' and v or #text(v) end\n"
    "local function list(v) return type(v) == 'table' and v or {v} end\n"
    "local v1, v2, v3, v4, v5, v6, v7, v8 = 1, 'text', {3, 1, 2}, 0.5, function(...) return ... "
    "end,\n"
    "  {k1 = 1, k2 = {}}, '%%d', 2\n";

static const char program_end[] = "return table.concat(out, ' ') end\n";

/* In the place of the worker's, which has a front to send lines and calls to. */
void worker_log(const struct call *call, enum log_level level, struct str text)
{
    (void)call;
    (void)level;
    MUST(text.len == 0 || text.at);
}

size_t worker_message_max(void)
{
    return HEAP_MAX;
}

/* The program that crashed is the one to be seen. */
static void on_crash(int signal)
{
    static const char head[] = "\n-- the program that crashed:\n";
    ssize_t written = write(STDERR_FILENO, head, sizeof(head) - 1);

    written += write(STDERR_FILENO, program.text, program.len);
    (void)written;
    raise(signal);
}

static void init_once(void)
{
    static const int signals[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT};
    const struct sigaction action = {.sa_handler = on_crash,
                                     .sa_flags = (int)(SA_RESETHAND | SA_ONSTACK)};
    static char stack[64 << 10];
    static bool done;

    if (done)
        return;
    done = true;
    json_init();
    MUST(safepoint_init(NULL));
    sigaltstack(&(stack_t){.ss_sp = stack, .ss_size = sizeof(stack)}, NULL);
    for (size_t i = 0; i < sizeof(signals) / sizeof(*signals); i++)
        sigaction(signals[i], &action, NULL);
}

static void make_program(const uint8_t *data, size_t size)
{
    char names[1024] = "";
    size_t len = 0;

    script_init(&program, data, size);
    for (size_t i = 0; natives[i]; i++)
        len += (size_t)snprintf(names + len, sizeof(names) - len, "%s ", natives[i]->name);
    put(&program, program_begin, names);
    for (int i = 0; i < STATEMENTS; i++) {
        program.left = PARTS_MAX;
        put(&program, "try(function(...) ");
        put_statement(&program, 0);
        put_statement(&program, 1);
        put(&program, "end)\n");
    }
    put(&program, "%s", program_end);
}

struct outcome {
    char *text;
    size_t len;
};

static int l_run(lua_State *L)
{
    struct outcome *outcome = lua_touserdata(L, 1);
    size_t len;

    lua_rawgeti(L, LUA_REGISTRYINDEX, SLOT_HANDLER);
    lua_call(L, 0, 1);
    const char *text = lua_tolstring(L, -1, &len);
    if (!text)
        return 0;
    outcome->text = fuzz_copy((const uint8_t *)text, len);
    outcome->len = len;
    return 0;
}

/* False: it was ended by a limit, and the vm is dead. */
static bool run(struct vm *vm, struct outcome *outcome)
{
    struct err err;

    safepoint_limit(clock_now_ns() + RUN_MS * NS_PER_MS);
    bool ended = vm_protect(vm, l_run, outcome, &err);
    safepoint_limit(0);
    if (ended)
        return true;
    MUST(err.code == ERR_DEADLINE || err.code == ERR_MEMORY_LIMIT ||
         err.code == ERR_FUNCTION_ERROR);
    return !vm->dead;
}

static void run_warm(struct vm *vm)
{
    struct outcome outcomes[CALLS] = {{NULL, 0}};
    bool same = true;
    struct err err;

    MUST(vm_seal(vm, &err));
    size_t used = heap_used_bytes(vm->heap);
    for (int i = 0; i < CALLS && same; i++) {
        same = run(vm, &outcomes[i]);
        if (!same)
            break;
        MUST(vm_reset(vm));
        MUST(heap_used_bytes(vm->heap) == used);
    }
    if (same) {
        MUST(outcomes[0].len == outcomes[1].len);
        if (outcomes[0].len)
            MUST(memcmp(outcomes[0].text, outcomes[1].text, outcomes[0].len) == 0);
    }
    free(outcomes[0].text);
    free(outcomes[1].text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct loader loader = {NULL};
    struct err err;

    init_once();
    make_program(data, size);
    MUST(loader_add(&loader, 1, STR("program"), (struct str){program.text, program.len}, STR("")));
    struct code *code = loader_find(&loader, 1);
    struct vm *vm = vm_open(code, HEAP_MAX, &err);
    if (!vm)
        fprintf(stderr, "%s\n", err.text);
    MUST(vm);
    run_warm(vm);
    vm_close(vm);
    loader_remove(&loader, code);
    return 0;
}
