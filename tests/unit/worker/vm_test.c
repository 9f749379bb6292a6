/* vm_test.c - states: opening, memory limits, images, and that nothing of them is left over. */
/* SPDX-License-Identifier: MIT */
#include "vm_rows.h"

#include <malloc.h>
#include <stdlib.h>

/* -- Opening --------------------------------------------------------------------------------- */

static void a_text_opens_or_the_error_says_why(void **state)
{
    static const struct {
        const char *source;
        enum err_code code;
        const char *part;
    } cases[] = {
        {"return function() end", ERR_NONE, ""},
        {"return {handler = function() end}", ERR_NONE, ""},
        {"return {handler = print, params = 1}", ERR_NONE, ""},
        {"#!/usr/bin/lua\nreturn print", ERR_NONE, ""},
        {"", ERR_FUNCTION_ERROR, "probe.lua returned no handler"},
        {"return 1", ERR_FUNCTION_ERROR, "probe.lua returned no handler"},
        {"return {}", ERR_FUNCTION_ERROR, "probe.lua returned no handler"},
        {"return {handler = 1}", ERR_FUNCTION_ERROR, "probe.lua returned no handler"},
        {"return nil, print", ERR_FUNCTION_ERROR, "probe.lua returned no handler"},
        {"return function(", ERR_FUNCTION_ERROR, "probe.lua:1: "},
        {"\n\nreturn x.y", ERR_FUNCTION_ERROR, "probe.lua:3: attempt to index global 'x'"},
        {"error('no')", ERR_FUNCTION_ERROR, "probe.lua:1: no"},
        {"error('no', 0)", ERR_FUNCTION_ERROR, "no"},
        {"error({error = 'told'})", ERR_FUNCTION_ERROR, "told"},
        {"error({error = 1})", ERR_FUNCTION_ERROR, "an error that is no text was raised"},
        {"error({})", ERR_FUNCTION_ERROR, "an error that is no text was raised"},
        {"error()", ERR_FUNCTION_ERROR, "an error that is no text was raised"},
        {"error(12)", ERR_FUNCTION_ERROR, "12"},
        {"\033LJ\002", ERR_FUNCTION_ERROR, "probe.lua:1: this is bytecode"},
        {"local function f() return 1 + f() end f()", ERR_FUNCTION_ERROR, "stack overflow"},
        {"coroutine.yield()", ERR_FUNCTION_ERROR, "attempt to yield"},
        {"local t = {} for i = 1, 1e9 do t[i] = {} end", ERR_MEMORY_LIMIT, "limit of 4 MiB"},
        {"local s = ('x'):rep(2 ^ 23)", ERR_MEMORY_LIMIT, "limit of 4 MiB"},
        {"local s = 'x' while true do s = s .. s end", ERR_MEMORY_LIMIT, "limit of 4 MiB"},
        {"pcall(string.rep, 'x', 2 ^ 23) return print", ERR_MEMORY_LIMIT, "limit of 4 MiB"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct err err = {.code = ERR_NONE};
        struct code *code = code_of(cases[i].source);
        struct vm *vm = vm_open(code, 4 * MIB, &err);

        if ((vm == NULL) != (cases[i].code != ERR_NONE) || err.code != cases[i].code ||
            !strstr(err.text, cases[i].part))
            fail_msg("%s: %s (%s)", cases[i].source, err.text, err_word(err.code));
        vm_close(vm);
        code_drop(code);
    }
}

/* Wherever in opening the limit is met, it is told, and a larger one opens. */
static void any_limit_opens_or_is_told(void **state)
{
    bool opened = false;

    (void)state;
    for (size_t limit = 4096; limit <= MIB; limit += 4096) {
        struct answer answer;
        struct err err = {.code = ERR_NONE};

        bool ok = ask_source("return function() return 'ok' end", limit, &answer, &err);
        if (!ok && (opened || err.code != ERR_MEMORY_LIMIT))
            fail_msg("%zu bytes: %s (%s)", limit, err.text, err_word(err.code));
        opened |= ok;
    }
    assert_true(opened);
}

static void a_vm_without_memory_left_is_dead(void **state)
{
    struct code *code =
        code_of("return function() local t = {} for i = 1, 1e9 do t[i] = i end end");
    struct answer answer;
    struct err err;
    struct vm *vm = vm_open(code, 4 * MIB, &err);

    (void)state;
    assert_true(vm_seal(vm, &err));
    assert_false(ask(vm, &answer, &err));
    assert_int_equal(err.code, ERR_MEMORY_LIMIT);
    assert_true(vm->dead);
    assert_false(vm_reset(vm));
    vm_close(vm);
    vm_close(NULL);
    code_drop(code);
}

static size_t counted, allowed;

static bool count_taken(size_t bytes)
{
    if (counted + bytes > allowed)
        return false;
    counted += bytes;
    return true;
}

static void count_given(size_t bytes)
{
    counted -= bytes;
}

static void an_image_without_room_is_an_error_and_leaves_nothing(void **state)
{
    struct code *code = code_of("local s = ('x'):rep(2 ^ 20) return function() return #s end");
    struct err err;

    (void)state;
    vm_drop_spare_heaps();
    heap_account(count_taken, count_given);
    counted = 0;
    allowed = SIZE_MAX;
    struct vm *vm = vm_open(code, 16 * MIB, &err);
    assert_non_null(vm);
    allowed = counted + MIB;
    assert_false(vm_seal(vm, &err));
    assert_int_equal(err.code, ERR_MEMORY_LIMIT);
    expect_contains(err.text, "image of a warm instance");
    assert_null(vm->image);
    vm_close(vm);
    vm_drop_spare_heaps();
    assert_int_equal(counted, 0);
    heap_account(NULL, NULL);
    code_drop(code);
}

static void an_error_leaves_the_vm_usable(void **state)
{
    struct code *code = code_of("local n = 0 return function() n = n + 1 "
                                "if n % 2 == 1 then error('odd ' .. n) end return n end");
    struct answer answer;
    struct err err;
    struct vm *vm = vm_open(code, 4 * MIB, &err);

    (void)state;
    for (int i = 0; i < 1000; i++) {
        assert_false(ask(vm, &answer, &err));
        expect_contains(err.text, "odd ");
        assert_true(ask(vm, &answer, &err));
    }
    assert_string_equal(answer.text, "2000");
    assert_int_equal(lua_gettop(vm->L), 0);
    vm_close(vm);
    code_drop(code);
}

/* -- Nothing is left over -------------------------------------------------------------------- */

/* ThreadSanitizer maps more memory of its own for each address that is used for the first time. */
#ifdef __SANITIZE_THREAD__
enum { OWN_MAPPINGS = 1 << 20 };
#else
enum { OWN_MAPPINGS = 2 };
#endif

static size_t mappings(void)
{
    char line[1024];
    size_t count = 0;
    FILE *maps = fopen("/proc/self/maps", "r");

    assert_non_null(maps);
    while (fgets(line, sizeof(line), maps))
        count++;
    fclose(maps);
    return count;
}

/* Opens, asks and closes `rounds` times; the mappings must be as many as after the first ones. */
static void expect_nothing_left(const char *source, int rounds, enum err_code code)
{
    struct answer answer;
    size_t before = 0, heap = 0;

    for (int i = 0; i < rounds; i++) {
        struct err err = {.code = ERR_NONE};

        ask_source(source, 2 * MIB, &answer, &err);
        if (err.code != code)
            fail_msg("%s: %s (%s)", source, err.text, err_word(err.code));
        if (i == 10) {
            before = mappings();
            heap = mallinfo2().uordblks;
        }
    }
    if (mappings() > before + OWN_MAPPINGS)
        fail_msg("%s: %zu mappings have become %zu", source, before, mappings());
    if (mallinfo2().uordblks > heap + 16384)
        fail_msg("%s: %zu bytes have become %zu", source, heap, mallinfo2().uordblks);
}

#define LOOPS                                                                                      \
    "local function work(n) local t, s = {}, 0 "                                                   \
    "for i = 1, n do t[i % 100] = {i} s = s + #t[i % 100] end "                                    \
    "for i = 1, n do s = s + math.floor(i / 3) end return s end "

static void closing_leaves_nothing_of_2000_states(void **state)
{
    (void)state;
    expect_nothing_left(LOOPS "return function() return work(2000) end", 2000, ERR_NONE);
}

static void memory_limits_leave_nothing_of_500_states(void **state)
{
    static const char *const sources[] = {
        LOOPS "return function() work(500) local t = {} for i = 1, 1e8 do t[i] = i end end",
        LOOPS "return function() work(500) local t = {} for i = 1, 1e8 do t[i] = {i} end end",
        LOOPS "return function() local s = '' for i = 1, 1e8 do s = s .. s .. i .. work(9) end end",
        LOOPS "return function() local t = {} for i = 1, 1e8 do t['k' .. i] = i end end",
        LOOPS "return function() local t = {} "
              "for i = 1, 1e8 do t[i] = function() return i + work(1) end end end",
        LOOPS "return function() local t = {} for i = 1, 1e8 do "
              "t[i] = coroutine.wrap(function() coroutine.yield(work(5)) end) t[i]() end end",
        LOOPS
        "return function() local t = {} for i = 1, 1e8 do "
        "t[i] = load('local x = ... for i = 1, 99 do x = x + i end return x') t[i](i) end end",
        LOOPS "return function() return ('x'):rep(2 ^ 22):gsub('x', 'yy') end",
        "local json = require 'json' local t = {} for i = 1, 9e3 do t[i] = {i} end "
        "return function() local r = {} for i = 1, 1e8 do t[1] = i r[i] = json.encode(t) end end",
        "local json = require 'json' local s = '[' .. ('[1],'):rep(9e3) .. '1]' "
        "return function() local r = {} for i = 1, 1e8 do r[i] = json.decode(s) end end",
    };

    (void)state;
    for (size_t i = 0; i < COUNT(sources); i++)
        expect_nothing_left(sources[i], 50, ERR_MEMORY_LIMIT);
}

/* Many small functions, whose bytecode is kept already when that of the long texts, which comes
 * last, needs more memory than reading the source did. */
static const char *long_source(void)
{
    static char source[400 << 10];
    size_t len = 0;

    for (int i = 0; i < 150; i++)
        len += (size_t)snprintf(source + len, sizeof(source) - len,
                                "function f%d(a, b) return a .. 'text %d', b end\n", i, i);
    for (int i = 0; i < 10; i++)
        len += (size_t)snprintf(source + len, sizeof(source) - len, "s%d = '%030000d'\n", i, i);
    snprintf(source + len, sizeof(source) - len, "return function() return #s1 end");
    return source;
}

/* The limit is met while reading, while making the bytecode that is kept, and while running. */
static void limits_met_while_loading_leave_nothing(void **state)
{
    const char *source = long_source();
    size_t heap = 0, failed = 0;

    (void)state;
    for (size_t round = 0; round < 10; round++)
        for (size_t limit = 200 << 10; limit < 2 * MIB; limit += 16 << 10) {
            struct answer answer;
            struct err err = {.code = ERR_NONE};

            if (round == 8 && heap == 0)
                heap = mallinfo2().uordblks;
            ask_source(source, limit, &answer, &err);
            assert_true(err.code == ERR_NONE || err.code == ERR_MEMORY_LIMIT);
            failed += err.code == ERR_MEMORY_LIMIT;
        }
    assert_in_range(failed, 100, SIZE_MAX);
    if (mallinfo2().uordblks > heap + 4096)
        fail_msg("%zu bytes have become %zu", heap, mallinfo2().uordblks);
}

/* -- Images ---------------------------------------------------------------------------------- */

static void expect_always(const char *source, const char *expected, int rounds)
{
    struct code *code = code_of(source);
    struct answer answer;
    struct err err;
    struct vm *vm = vm_open(code, 32 * MIB, &err);

    if (!vm)
        fail_msg("%s", err.text);
    assert_true(vm_seal(vm, &err));
    for (int i = 0; i < rounds; i++) {
        if (!ask(vm, &answer, &err))
            fail_msg("%s: %s", source, err.text);
        if (strcmp(answer.text, expected) != 0)
            fail_msg("%s: %s in round %d, not %s", source, answer.text, i, expected);
        assert_true(vm_reset(vm));
    }
    vm_close(vm);
    code_drop(code);
}

static void a_reset_vm_has_forgotten_the_call(void **state)
{
    static const struct row rows[] = {
        {"return function() count = (count or 0) + 1 return count end", "1"},
        {"local n = 0 return function() n = n + 1 return n end", "1"},
        {"local t = {} return function() t[#t + 1] = ('x'):rep(1000) return #t end", "1"},
        {"return function() string.upper = string.upper == tostring and 1 or tostring "
         "return ('x').upper('a') end",
         "a"},
        {"return function() local was = tostring tostring = function() return 'other' end "
         "local s = was(1) tostring = nil tostring = was _G.leak = (leak or 0) + 1 "
         "return s .. leak end",
         "11"},
        {"local co = coroutine.wrap(function() for i = 1, 9 do coroutine.yield(i) end end) "
         "return function() return co() end",
         "1"},
        {LOOPS "local kept = 0 return function() kept = kept + work(3000) return kept end",
         "1502500"},
        {"local t = {} return function() for i = 1, 20000 do t[i] = {i} end return #t end",
         "20000"},
        {"local f = load('local a = ... return a * 2') "
         "return function() local s = 0 for i = 1, 500 do s = s + f(i) end return s end",
         "250500"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++)
        expect_always(rows[i].expression, rows[i].expected, i < 2 ? 2000 : 300);
}

static void resets_leave_no_mapping(void **state)
{
    const char *source = LOOPS "return function() return work(1000) end";
    size_t before = 0;

    (void)state;
    for (int i = 0; i < 20; i++) {
        expect_always(source, "167500", 100);
        if (i == 1)
            before = mappings();
    }
    assert_in_range(mappings(), 0, before + OWN_MAPPINGS);
}

static void a_reset_vm_survives_a_raised_error(void **state)
{
    struct code *code = code_of(LOOPS "local n = 0 return function() n = n + 1 work(1000) "
                                      "error('n is ' .. n, 0) end");
    struct answer answer;
    struct err err;
    struct vm *vm = vm_open(code, 8 * MIB, &err);

    (void)state;
    assert_true(vm_seal(vm, &err));
    for (int i = 0; i < 500; i++) {
        assert_false(ask(vm, &answer, &err));
        assert_string_equal(err.text, "n is 1");
        assert_true(vm_reset(vm));
    }
    vm_close(vm);
    code_drop(code);
}

/* LuaJIT's own error of a full stack crashes when it is raised on the way out of compiled code. */
static void full_lua_stacks_are_errors_of_the_function(void **state)
{
    static const char *const sources[] = {
        "local function f(n) return 1 + f(n + 1) end\n"
        "return function() return select(2, pcall(f, 1)) end",
        "local function f(n) return 1 + f(n + 1) end\n"
        "return function() return select(2, xpcall(f, function(m) return m end, 1)) end",
        "local function f(n) return 1 + f(n + 1) end\n"
        "return function() return select(2, coroutine.resume(coroutine.create(f), 1)) end",
        "local function f(n) return 1 + f(n + 1) end\n"
        "return function() local m for i = 1, 50 do local ok, now = pcall(f, i) m = m or now end "
        "return m end",
        "local function g(t, k) return tostring(t) .. t[k] end\n"
        "local m = {__index = g, __call = g, __tostring = g, __concat = g}\n"
        "return function() local co = coroutine.create(function(...) while true do\n"
        "coroutine.yield(pcall(...)) end end) for i = 1, 50 do\n"
        "coroutine.resume(co, xpcall, setmetatable({}, m), setmetatable) end\n"
        "return 'stack overflow' end",
    };
    struct answer answer;
    struct err err;

    (void)state;
    for (size_t i = 0; i < COUNT(sources); i++) {
        if (!ask_source(sources[i], 32 * MIB, &answer, &err))
            fail_msg("%zu: %s", i, err.text);
        if (!strstr(answer.text, "stack overflow"))
            fail_msg("%zu: %s", i, answer.text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_text_opens_or_the_error_says_why),
        cmocka_unit_test(any_limit_opens_or_is_told),
        cmocka_unit_test(a_vm_without_memory_left_is_dead),
        cmocka_unit_test(an_image_without_room_is_an_error_and_leaves_nothing),
        cmocka_unit_test(an_error_leaves_the_vm_usable),
        cmocka_unit_test(closing_leaves_nothing_of_2000_states),
        cmocka_unit_test(memory_limits_leave_nothing_of_500_states),
        cmocka_unit_test(limits_met_while_loading_leave_nothing),
        cmocka_unit_test(a_reset_vm_has_forgotten_the_call),
        cmocka_unit_test(resets_leave_no_mapping),
        cmocka_unit_test(a_reset_vm_survives_a_raised_error),
        cmocka_unit_test(full_lua_stacks_are_errors_of_the_function),
    };

    return RUN_VM_TESTS(tests);
}
