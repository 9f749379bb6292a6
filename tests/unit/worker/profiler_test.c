/* profiler_test.c - which stacks calls are charged with, and how much. */
/* SPDX-License-Identifier: MIT */
#include "profiler_fixture.h"

/* ThreadSanitizer holds signals back until the program calls something that it knows. */
#ifdef __SANITIZE_THREAD__
enum { SIGNALS_ARE_HELD_BACK = 1 };
#else
enum { SIGNALS_ARE_HELD_BACK = 0 };
#endif

static void show(void)
{
    const struct sampling *s = &board.channels[0].state->sampling;

    print_error("%llu ticks, %llu completed, %llu dropped, %llu unattributed\n",
                (unsigned long long)s->ticks, (unsigned long long)s->completed,
                (unsigned long long)s->dropped, (unsigned long long)s->unattributed);
    for (size_t i = 0; i < seen_count && i < 20; i++)
        print_error("%d %llu %u pcs\n%s\n", seen[i].sample.type,
                    (unsigned long long)seen[i].sample.value, seen[i].sample.pc_count,
                    seen[i].stack);
}

static void serve(const char *source)
{
    struct raised raised = {0};
    struct err err;

    begin(source);
    if (bridge_run(&call, BRIDGE_ARGUMENTS, &raised, &err) != STEP_ENDED)
        fail_msg("%s", err.text);
    end();
}

static uint64_t cpu_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

/* -- Tests ----------------------------------------------------------------------------------- */

static void lua_code_is_charged_by_line(void **state)
{
    static const char *const bodies[] = {
        "for i = 1, 2e7 do\n n = n + i % 7\n end",        /* compiled */
        "for i = 1, 4e5 do\n n = n + #tostring(i)\n end", /* in LuaJIT's C code */
        "for i = 1, 3e5 do\n pcall(error, i)\n end",      /* interpreted */
    };

    (void)state;
    if (SIGNALS_ARE_HELD_BACK)
        skip();
    for (size_t i = 0; i < COUNT(bodies); i++) {
        char source[512];

        snprintf(source, sizeof(source),
                 "local function work(n)\n %s\n return n\nend\n"
                 "return function()\n return work(0)\n + 1 end",
                 bodies[i]);
        uint64_t before = cpu_now();
        serve(source);
        uint64_t took = cpu_now() - before, all = sum(SAMPLE_CPU, NULL, NULL);
        uint64_t lines = sum(SAMPLE_CPU, "invoke:probe\nrun\nprobe.lua:8 handler", "probe.lua:3 ") +
                         sum(SAMPLE_CPU, "invoke:probe\nrun\nprobe.lua:8 handler", "probe.lua:2 ");
        if (all < took / 2 || all > took * 3 / 2 || lines < all * 8 / 10) {
            show();
            fail_msg("%s: of %llu us %llu were seen, %llu in its lines", bodies[i],
                     (unsigned long long)took / 1000, (unsigned long long)all / 1000,
                     (unsigned long long)lines / 1000);
        }
    }
}

static void natives_are_charged_with_their_c_frames(void **state)
{
    (void)state;
    if (SIGNALS_ARE_HELD_BACK)
        skip();
    serve("return function()\n local n = require('fib').recursive(35)\n return n end");
    uint64_t all = sum(SAMPLE_CPU, NULL, NULL);
    uint64_t native = sum(SAMPLE_CPU, "run\nprobe.lua:2 handler", "\nfib.recursive\n");
    if (native == 0 || native < all * 8 / 10)
        fail_msg("%llu of %llu", (unsigned long long)native, (unsigned long long)all);
    /* But not what came just before or after the native's own frame. */
    assert_true(sum(SAMPLE_CPU, "\nfib.recursive\n", "[C frames]") >= native * 9 / 10);
}

static void a_native_called_last_keeps_its_stack(void **state)
{
    (void)state;
    if (SIGNALS_ARE_HELD_BACK)
        skip();
    serve("return function()\n return require('fib').recursive(35) end");
    assert_true(sum(SAMPLE_CPU, "\nfib.recursive\n", NULL) > 0);
}

static void coroutines_are_charged_to_who_runs_them(void **state)
{
    (void)state;
    if (SIGNALS_ARE_HELD_BACK)
        skip();
    serve("return function()\n coroutine.wrap(function()\n for i = 1, 3e5 do pcall(error, i) end "
          "end)()\n end");
    uint64_t all = sum(SAMPLE_CPU, NULL, NULL);
    uint64_t inside = sum(SAMPLE_CPU, "handler\tprobe.lua", "[coroutine]\nprobe.lua:3 ");
    if (all == 0 || inside < all * 8 / 10)
        fail_msg("%llu of %llu", (unsigned long long)inside, (unsigned long long)all);
}

static void phases_of_a_cold_call_are_told(void **state)
{
    static const char *const phases[] = {"\nnewstate\n", "\nlibraries\n", "\nload\n", "\nclose\n"};
    uint64_t found[COUNT(phases)] = {0};

    (void)state;
    if (SIGNALS_ARE_HELD_BACK)
        skip();
    for (int i = 0; i < 20000; i++) {
        serve("return function() end");
        for (size_t j = 0; j < COUNT(phases); j++)
            found[j] += sum(SAMPLE_CPU, phases[j], NULL);
    }
    for (size_t j = 0; j < COUNT(phases); j++)
        if (found[j] == 0)
            fail_msg("%s was not seen", phases[j]);
}

/* What `source` allocates in so many rounds, on average of them; each begins with the rate as it is
 * set. The count is of samples. */
static struct amounts {
    uint64_t all, line, count;
} allocations(const char *source, unsigned rate, unsigned rounds)
{
    _Atomic uint64_t *alloc_bytes = &board.channels[0].state->sampling.alloc_bytes;
    struct amounts mean = {0};

    for (unsigned i = 0; i < rounds; i++) {
        atomic_store(alloc_bytes, rate);
        serve(source);
        mean.all += sum(SAMPLE_ALLOC, NULL, NULL) / rounds;
        mean.line += sum(SAMPLE_ALLOC, " fill\tprobe.lua", "run\n") / rounds;
        for (size_t j = 0; j < seen_count; j++)
            mean.count += seen[j].sample.type == SAMPLE_ALLOC;
        atomic_store(alloc_bytes, 0);
        serve("return function() end");
    }
    mean.count /= rounds;
    return mean;
}

/* 20,000 tables of 80 bytes, 100 that grow to 2 KiB each, and what compiling takes, by a count of
 * every allocation; a round's estimate has a standard deviation of a seventh. */
static void allocations_are_estimated_by_line(void **state)
{
    enum { TRUE_BYTES = 1980000 };
    struct amounts a =
        allocations("local function fill(n)\n local t = {}\n for i = 1, n do\n t[i] = {i}\n end\n "
                    "return t\n end\n"
                    "return function()\n for i = 1, 100 do\n local t = fill(200)\n end\n end",
                    4096, 100);

    (void)state;
    if (a.line < TRUE_BYTES * 0.9 || a.line > TRUE_BYTES * 1.1 || a.all > a.line * 5 / 4)
        fail_msg("%llu of %llu", (unsigned long long)a.line, (unsigned long long)a.all);
}

/* A round's estimate has a standard deviation of a quarter. */
static void what_allocates_a_lot_is_sampled_less_often(void **state)
{
    enum { TRUE_BYTES = 600000000, COUNT_MOST = 600 };
    struct amounts a = allocations("return function()\n local kept = {}\n for i = 1, 20000 do\n "
                                   "kept[i % 7] = ('x'):rep(20000 + i)\n end\n end",
                                   1024, 30);

    (void)state;
    if (a.all < TRUE_BYTES * 0.75 || a.all > TRUE_BYTES * 1.25 || a.count > COUNT_MOST)
        fail_msg("%llu bytes by %llu samples", (unsigned long long)a.all,
                 (unsigned long long)a.count);
}

static void waiting_for_a_lock_is_charged_to_its_name(void **state)
{
    (void)state;
    serve("return function()\n local m = require('mutex')\n local n = m.contend(4, 3000)\n end");
    assert_true(sum(SAMPLE_MUTEX, "probe.lua:3 ", "mutex.contend\n[mutex contest]") > 0);
    if (!SIGNALS_ARE_HELD_BACK)
        assert_true(sum(SAMPLE_CPU, "probe.lua:3 ", "mutex.contend\n") > 0);
}

static void nothing_is_sampled_when_off(void **state)
{
    struct sampling *s = &board.channels[0].state->sampling;

    (void)state;
    atomic_store(&s->cpu_hz, 0);
    atomic_store(&s->wall_hz, 0);
    serve("return function() end"); /* what was seen before is written now */
    serve("return function() for i = 1, 1e5 do pcall(error, i) end end");
    assert_int_equal(sum(SAMPLE_CPU, NULL, NULL), 0);
    assert_int_equal(sum(SAMPLE_WALL, NULL, NULL), 0);
    assert_int_equal(sum(SAMPLE_ALLOC, NULL, NULL), 0);
    atomic_store(&s->cpu_hz, HZ);
    atomic_store(&s->wall_hz, HZ);
}

/* -- A storm --------------------------------------------------------------------------------- */

/* What a signal may come in the midst of; each ends as it would without. */
static const struct {
    const char *source;
    enum bridge_step step;
    enum err_code code;
} storm[] = {
    {"local n = 0 for i = 1, 20000 do n = n + i % 7 end assert(n == 59998)", STEP_ENDED, 0},
    {"for i = 1, 200 do local ok, e = pcall(error, i) assert(not ok and e == tostring(i)) end",
     STEP_ENDED, 0},
    {"local function f(n) if n == 0 then return 0 end return 1 + f(n - 1) end assert(f(3000) == "
     "3000)",
     STEP_ENDED, 0},
    {"local function f() return 1 + f() end assert(not pcall(f))", STEP_ENDED, 0},
    {"local n = 0 for i = 1, 100 do n = n + coroutine.wrap(function() coroutine.yield(i) "
     "end)() end assert(n == 5050)",
     STEP_ENDED, 0},
    {"local s = ('abc'):rep(300):gsub('b', function(c) return c:upper() end) "
     "assert(s == ('aBc'):rep(300))",
     STEP_ENDED, 0},
    {"local t = {} for i = 1, 300 do t[i] = -i end table.sort(t, function(a, b) return a < b end) "
     "assert(t[1] == -300)",
     STEP_ENDED, 0},
    {"assert(#require('sha256').iterate('x', 50) == 64)", STEP_ENDED, 0},
    {"assert(not pcall(require('sha256').iterate, {}, 1))", STEP_ENDED, 0},
    {"assert(require('mutex').contend(2, 20))", STEP_ENDED, 0},
    {"local t = {} for i = 1, 1e9 do t[i] = {i} end", STEP_FAILED, ERR_MEMORY_LIMIT},
    {"while true do end", STEP_FAILED, ERR_DEADLINE},
    {"while true do pcall(error) end", STEP_FAILED, ERR_DEADLINE},
    {"coroutine.wrap(function() while true do end end)()", STEP_FAILED, ERR_DEADLINE},
    {"error('told')", STEP_FAILED, ERR_FUNCTION_ERROR},
    {"ctx.sleep(0.001)", STEP_PARKED, 0},
};

static void ride_out(size_t row)
{
    struct err err = {.code = ERR_NONE};
    struct raised raised = {0};
    char source[512];

    snprintf(source, sizeof(source), "return function(_, ctx)\n%s\nend", storm[row].source);
    safepoint_limit(clock_now_ns() + NS_PER_S);
    begin(source);
    bool endless = storm[row].code == ERR_DEADLINE;
    safepoint_limit(clock_now_ns() + (endless ? 2 * NS_PER_MS : 10 * NS_PER_S));
    enum bridge_step step = bridge_run(&call, BRIDGE_ARGUMENTS, &raised, &err);
    if (step == STEP_PARKED) {
        call.parked = true;
        profiler_hold(NULL, clock_now_ns());
        call.resumed_ns = clock_now_ns();
        call.parked_ns = call.resumed_ns - NS_PER_MS;
        profiler_parked(&call, call.resumed_ns);
        call.parked = false;
        profiler_hold(&call, call.resumed_ns);
        if (bridge_run(&call, 0, &raised, &err) != STEP_ENDED)
            fail_msg("%s: %s", source, err.text);
    }
    if (step != storm[row].step || (step == STEP_FAILED && err.code != storm[row].code))
        fail_msg("%s: step %d, %s (%s)", source, step, err.text, err_word(err.code));
    end();
}

static void a_storm_of_signals_changes_nothing(void **state)
{
    enum { TICKS = 100000, SIGNALS_HZ = 20000, PATIENCE_S = 60 };
    struct sampling *s = &board.channels[0].state->sampling;
    uint64_t before = s->ticks, until = clock_now_ns() + PATIENCE_S * NS_PER_S;

    (void)state;
    if (SIGNALS_ARE_HELD_BACK)
        skip();
    atomic_store(&s->wall_hz, SIGNALS_HZ);
    atomic_store(&s->alloc_bytes, 512);
    for (size_t i = 0; atomic_load(&s->ticks) < before + TICKS && clock_now_ns() < until; i++)
        ride_out(i % COUNT(storm));
    assert_true(atomic_load(&s->ticks) >= before + TICKS);
    atomic_store(&s->wall_hz, HZ);
    atomic_store(&s->alloc_bytes, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lua_code_is_charged_by_line),
        cmocka_unit_test(natives_are_charged_with_their_c_frames),
        cmocka_unit_test(a_native_called_last_keeps_its_stack),
        cmocka_unit_test(coroutines_are_charged_to_who_runs_them),
        cmocka_unit_test(phases_of_a_cold_call_are_told),
        cmocka_unit_test(allocations_are_estimated_by_line),
        cmocka_unit_test(what_allocates_a_lot_is_sampled_less_often),
        cmocka_unit_test(waiting_for_a_lock_is_charged_to_its_name),
        cmocka_unit_test(nothing_is_sampled_when_off),
        cmocka_unit_test(a_storm_of_signals_changes_nothing),
    };

    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
