/* safepoint_test.c - nothing that a function does keeps it running past its deadline. */
/* SPDX-License-Identifier: MIT */
#include "vm_fixture.h"

#include <signal.h>
#include <sys/time.h>

#include "base/clock.h"
#include "native.h"
#include "wire/control.h"
#include "worker/safepoint.h"

enum { ROUNDS = 20, LIMIT_MS = 3, HEAP_BYTES = 16 * MIB };

/* ThreadSanitizer holds signals back until the program calls something that it knows. */
#ifdef __SANITIZE_THREAD__
enum { SIGNALS_ARE_HELD_BACK = 1 };
#else
enum { SIGNALS_ARE_HELD_BACK = 0 };
#endif

static bool reaches_compiled_code;

static const char *const endless[] = {
    "while true do end",
    "local n = 0 while true do n = n + 1 end",
    "for i = 1, 1e18 do end",
    "repeat until false",
    "while true do pcall(function() while true do end end) end",
    "while true do pcall(error) end",
    "while true do xpcall(error, function() while true do end end) end",
    "local function again() while true do end end xpcall(again, again)",
    "local function f() return pcall(f) end while true do f() end",
    "local function f() return f() end f()",
    "local function f(n) if n > 0 then return f(n - 1) + 1 end return 0 end while true do f(50) "
    "end",
    "coroutine.wrap(function() while true do end end)()",
    "local co = coroutine.wrap(function() while true do pcall(coroutine.yield) end end) "
    "while true do pcall(co) end",
    "while true do coroutine.wrap(function() end)() end",
    "for i = 1, 1e18 do local t = {} t[1] = i end",
    "local t = setmetatable({}, {__index = function() while true do end end}) return t.x",
    "local t = setmetatable({}, {__index = function(t, k) return k end}) while true do local x = "
    "t.x end",
    "local t = setmetatable({}, {__eq = function() while true do end end}) "
    "return t == setmetatable({}, getmetatable(t))",
    "local t = setmetatable({}, {__concat = function() while true do end end}) return t .. 'x'",
    "local t = setmetatable({}, {__call = function() while true do end end}) t()",
    "local s = ('x'):rep(1000) while true do s = s:upper():lower() end",
    "repeat local s = ('x'):rep(1000) until false",
    "while true do local f = loadstring('while true do end') pcall(f) end",
    "while true do loadstring('return 1')() end",
    "table.sort({3, 2, 1, 5, 4}, function() while true do end end)",
    "string.gsub('aaaa', 'a', function() while true do end end)",
    "local t = {} for i = 1, 1e4 do t[i] = i end while true do for k, v in pairs(t) do t[k] = v + "
    "1 "
    "end end",
    "for _ in function() return 1 end do end",
    "while true do local t = {} for i = 1, 100 do t[#t + 1] = i end table.concat(t) end",
    "while true do tostring(1.5) tonumber('1.5') math.floor(1.5) os.time() end",
    "goto a ::a:: goto a",
    "require('json') while true do require('json') end",
};

static char source[1024];

static struct code *code_of_body(const char *body)
{
    snprintf(source, sizeof(source), "return function() %s end", body);
    return code_of(source);
}

static void limit_ms(unsigned ms)
{
    safepoint_limit(clock_now_ns() + ms * NS_PER_MS);
}

static void expect_late(struct code *code, const char *body)
{
    struct answer answer;
    struct err err;

    safepoint_limit(0);
    struct vm *vm = vm_open(code, HEAP_BYTES, &err);
    if (!vm)
        fail_msg("%s: %s", body, err.text);
    limit_ms(LIMIT_MS);
    if (ask(vm, &answer, &err) || err.code != ERR_DEADLINE)
        fail_msg("%s was not ended: %s", body, err.text);
    assert_true(vm->dead);
    vm_close(vm);
}

static void endless_code_is_ended(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(endless); i++) {
        struct code *code = code_of_body(endless[i]);

        for (int round = 0; round < ROUNDS; round++)
            expect_late(code, endless[i]);
        code_drop(code);
    }
}

static void a_file_that_loads_for_ever_is_ended(void **state)
{
    struct code *code = code_of("while true do end");
    struct err err;

    (void)state;
    limit_ms(LIMIT_MS);
    assert_null(vm_open(code, HEAP_BYTES, &err));
    assert_int_equal(err.code, ERR_DEADLINE);
    code_drop(code);
}

/* Deadlines that are near, far and near again: the timer is set for the earliest. */
static void each_call_has_its_own_deadline(void **state)
{
    struct code *quick = code_of_body("local n = 0 for i = 1, 1000 do n = n + i end return n");
    struct code *loop = code_of_body(endless[0]);
    struct answer answer;
    struct err err;

    (void)state;
    for (int round = 0; round < 50; round++) {
        limit_ms(60000);
        struct vm *vm = vm_open(quick, HEAP_BYTES, &err);
        assert_non_null(vm);
        assert_true(ask(vm, &answer, &err));
        assert_string_equal(answer.text, "500500");
        vm_close(vm);
        expect_late(loop, endless[0]);
    }
    code_drop(quick);
    code_drop(loop);
}

/* What a vm was interrupted in leaves nothing in those that come after it in the same region. */
static void the_next_vm_is_as_good_as_new(void **state)
{
    struct code *loop = code_of_body(endless[1]);
    struct answer answer;
    struct err err;

    (void)state;
    for (int round = 0; round < 50; round++) {
        expect_late(loop, endless[1]);
        safepoint_limit(0);
        assert_true(ask_source("return function() local n = 0 for i = 1, 1e6 do n = n + i % 7 end "
                               "return n end",
                               HEAP_BYTES, &answer, &err));
        assert_string_equal(answer.text, "2999998");
    }
    code_drop(loop);
}

static volatile bool cancelled;

static bool is_cancelled(void)
{
    return cancelled;
}

static void cancel(int signal)
{
    (void)signal;
    cancelled = true;
    raise(CONTROL_SIGNAL);
}

static void cancelled_code_is_ended_before_its_deadline(void **state)
{
    const struct itimerval soon = {.it_value = {.tv_usec = 3000}};
    struct sigaction action = {.sa_handler = cancel};
    struct answer answer;
    struct err err;

    (void)state;
    sigaction(SIGALRM, &action, NULL);
    for (size_t i = 0; i < COUNT(endless); i++) {
        struct code *code = code_of_body(endless[i]);

        cancelled = false;
        safepoint_limit(0);
        struct vm *vm = vm_open(code, HEAP_BYTES, &err);
        assert_non_null(vm);
        limit_ms(60000);
        setitimer(ITIMER_REAL, &soon, NULL);
        if (ask(vm, &answer, &err) || err.code != ERR_CANCELLED)
            fail_msg("%s was not cancelled: %s", endless[i], err.text);
        vm_close(vm);
        code_drop(code);
    }
    cancelled = false;
}

/* Like a native that the host, or a last call of Lua code, calls: no instruction follows. */
static int l_run_until_stopped(lua_State *L)
{
    (void)L;
    while (!native_stopped())
        continue;
    return 0;
}

static int l_go_on(lua_State *L)
{
    return native_stopped() ? luaL_error(L, "told to stop") : 0;
}

static void natives_are_told_to_stop(void **state)
{
    struct code *code = code_of_body("");
    struct err err;

    (void)state;
    for (int round = 0; round < ROUNDS; round++) {
        safepoint_limit(0);
        struct vm *late = vm_open(code, HEAP_BYTES, &err), *next = vm_open(code, HEAP_BYTES, &err);
        assert_true(late && next);
        limit_ms(LIMIT_MS);
        assert_false(vm_protect(late, l_run_until_stopped, NULL, &err));
        assert_int_equal(err.code, ERR_DEADLINE);
        assert_true(late->dead);
        assert_false(native_stopped());
        limit_ms(60000);
        assert_true(vm_protect(next, l_go_on, NULL, &err));
        vm_close(late);
        vm_close(next);
    }
    code_drop(code);
}

/* -- Sharing --------------------------------------------------------------------------------- */

static volatile unsigned yields;

int __wrap_sched_yield(void);
int __wrap_sched_yield(void)
{
    yields++;
    return 0;
}

static int l_spin_10_ms(lua_State *L)
{
    uint64_t until = clock_now_ns() + 10 * NS_PER_MS;

    (void)L;
    while (clock_now_ns() < until)
        ;
    return 0;
}

static void what_shares_gives_others_the_processor(void **state)
{
    struct code *code = code_of_body("");
    struct err err;

    (void)state;
    for (int shares = 1; shares >= 0; shares--) {
        limit_ms(60000);
        struct vm *vm = vm_open(code, HEAP_BYTES, &err);
        assert_non_null(vm);
        safepoint_share(shares);
        yields = 0;
        assert_true(vm_protect(vm, l_spin_10_ms, NULL, &err));
        safepoint_share(false);
        assert_int_equal(yields > 1, shares);
        vm_close(vm);
    }
    code_drop(code);
}

static int setup(void **state)
{
    reaches_compiled_code = safepoint_init(is_cancelled);
    return vm_group_setup(state);
}

static void it_reaches_this_luajit(void **state)
{
    (void)state;
    assert_true(reaches_compiled_code);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_reaches_this_luajit),
        cmocka_unit_test(endless_code_is_ended),
        cmocka_unit_test(cancelled_code_is_ended_before_its_deadline),
        cmocka_unit_test(a_file_that_loads_for_ever_is_ended),
        cmocka_unit_test(natives_are_told_to_stop),
        cmocka_unit_test(what_shares_gives_others_the_processor),
        cmocka_unit_test(each_call_has_its_own_deadline),
        cmocka_unit_test(the_next_vm_is_as_good_as_new),
    };

    if (SIGNALS_ARE_HELD_BACK)
        return 0;
    return cmocka_run_group_tests(tests, setup, vm_group_teardown);
}
