/* identity_test.c - texts of objects tell them apart, and give no address away. */
/* SPDX-License-Identifier: MIT */
#include "vm_rows.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "worker/identity.h"

static void tostring_calls_its_substitute(void **state)
{
    (void)state;
    assert_true(identity_works());
}

static void texts_name_the_type(void **state)
{
    static const struct row rows[] = {
        {"tostring({}):gsub('%x+$', 'N')", "table: 0xN"},
        {"tostring(print):gsub('%x+$', 'N')", "function: 0xN"},
        {"tostring(tostring):gsub('%x+$', 'N')", "function: 0xN"},
        {"tostring(function() end):gsub('%x+$', 'N')", "function: 0xN"},
        {"tostring(coroutine.create(print)):gsub('%x+$', 'N')", "thread: 0xN"},
        {"tostring(require('matrix').random(1)):gsub('%x+$', 'N')", "userdata: 0xN"},
        {"tostring(json.null)", "userdata: NULL"},
        {"#tostring({})", "21"},
        {"tostring(nil) .. tostring(true) .. tostring(1.5) .. tostring('x')", "niltrue1.5x"},
        {"tostring(setmetatable({}, {__tostring = function() return 'own' end}))", "own"},
        {"tostring(setmetatable({}, {__tostring = function(...) return select('#', ...) end}))",
         "1"},
        {"(pcall(tostring))", "false"},
        {"tostring({}, 1, 2):gsub('%x+$', 'N')", "table: 0xN"},
        {"select('#', tostring({}))", "1"},
        {"coroutine.wrap(tostring)({}):gsub('%x+$', 'N')", "table: 0xN"},
        {"setmetatable({}, {__index = tostring}).x:gsub('%x+$', 'N')", "table: 0xN"},
        {"('x'):gsub('x', function() return tostring({}) end):gsub('%x+$', 'N')", "table: 0xN"},
    };

    (void)state;
    EXPECT_VALUES(rows);
}

static void formats_name_the_type(void **state)
{
    static const struct row rows[] = {
        {"('%s|%s'):format({}, 5):gsub('0x%x+', 'N')", "table: N|5"},
        {"('%25s|'):format({}):gsub('0x%x+', 'N')", "    table: N|"},
        {"('%-25s|'):format({}):gsub('0x%x+', 'N')", "table: N    |"},
        {"('%.5s|'):format({})", "table|"},
        {"('%q'):format({}):gsub('0x%x+', 'N')", "\"table: N\""},
        {"('%p %p'):format({}, 'text'):gsub('0x%x+', 'N')", "N N"},
        {"('%p'):format(5)", "NULL"},
        {"('%p'):format(nil)", "NULL"},
        {"('%p'):format(json.null)", "NULL"},
        {"('%%p%%s'):format({})", "%p%s"},
        {"('%d%% %s'):format(5, {}):gsub('0x%x+', 'N')", "5% table: N"},
        {"('%5.1f %-3d|%s'):format(1, 2, print):gsub('0x%x+', 'N')", "  1.0 2  |function: N"},
        {"('%s'):format(setmetatable({}, {__tostring = function() return 'own' end}))", "own"},
        {"('%s'):format(setmetatable({}, {__tostring = function() return 5 end}))", "5"},
        {"('%s'):format(setmetatable({}, {__tostring = function() end}))", "nil"},
        {"('%s'):format(setmetatable({}, {__tostring = function() return {} end})):gsub('0x%x+', "
         "'N')",
         "table: N"},
        {"('%s p'):format('p')", "p p"},
        {"#('\\0%s\\0p'):format({})", "24"},
    };

    (void)state;
    EXPECT_VALUES(rows);
}

static void wrong_formats_raise_as_in_lua(void **state)
{
    static const struct row rows[] = {
        {"('%s %s'):format({})", "bad argument #3"},
        {"('%p'):format()", "bad argument #2"},
        {"('%y'):format({})", "invalid option '%y' to"},
        {"('%123s'):format({})", "invalid option '%123' to"},
        {"('%'):format({})", "invalid option '%' to"},
        {"('%5'):format({})", "invalid option '%5' to"},
        {"('%d'):format({})", "number expected, got table"},
        {"string.format()", "bad argument #1"},
        {"string.format({}, {})", "bad argument #1"},
        {"('%s'):format(setmetatable({}, {__tostring = function() error('own', 0) end}))", "own"},
    };

    (void)state;
    EXPECT_ERRORS(rows);
}

static void one_object_has_one_number(void **state)
{
    static const struct row rows[] = {
        {"(function() local t = {} return tostring(t) == tostring(t) and tostring(t) == "
         "('%s'):format(t) and tostring(t) == 'table: ' .. ('%p'):format(t) end)()",
         "true"},
        {"(function() local seen, count = {}, 0 for i = 1, 20000 do local t = {} seen[tostring(t)] "
         "= t end for _ in pairs(seen) do count = count + 1 end return count end)()",
         "20000"},
        {"(function() local t, s = {}, nil for i = 1, 1000 do local now = tostring(t) if s and s "
         "~= now then return 'changed' end s = now end return 'same' end)()",
         "same"},
        {"(function() local p = ('%p'):format('a text') for i = 1, 300 do if ('%p'):format('a ' .. "
         "'text') ~= p then return i end end return 'same' end)()",
         "same"},
    };

    (void)state;
    EXPECT_VALUES(rows);
}

static const char leaking[] =
    "local function leak(out, text) out[#out + 1] = text:match('0x(%x+)') end\n"
    "return function() local out = {}\n"
    "local objects = {{}, print, tostring, function() end, coroutine.create(print), out,\n"
    "  require('matrix').random(1), string.gmatch('x', 'x'), 'a text'}\n"
    "for round = 1, 200 do out = {} for _, o in ipairs(objects) do\n"
    "  leak(out, '0x0' .. tostring(o)) leak(out, ('%p'):format(o)) leak(out, ('0x%s'):format(o))\n"
    "  leak(out, ('%q'):format(o) .. '0x0') leak(out, ('%s %p'):format('x', o))\n"
    "  if type(o) ~= 'string' then leak(out, tostring(o)) leak(out, ('%s'):format(o)) end\n"
    "end end return table.concat(out, ' ') end";

/* Is there a number in `text` that differs from that of an address of the heap, or of the program,
 * by less than its size? */
static void expect_far_from(const char *text, uint64_t address, uint64_t within)
{
    char *rest;

    for (const char *at = text; *at; at = *rest ? rest + 1 : rest) {
        uint64_t number = strtoull(at, &rest, 16);
        if (rest == at)
            break;
        if (number != 0 && number - (address - within) < 2 * within)
            fail_msg("%" PRIx64 " is near %" PRIx64, number, address);
    }
}

/* The vm's heap and the program each lie within 64 MiB of an address of theirs. A permuted number
 * does so by chance once in a million runs. */
static void no_number_is_near_an_address(void **state)
{
    static int in_program;
    struct code *code = code_of(leaking);
    struct answer answer;
    struct err err;
    struct vm *vm = vm_open(code, 32 * MIB, &err);

    (void)state;
    assert_non_null(vm);
    assert_true(ask(vm, &answer, &err));
    assert_in_range(strlen(answer.text), 500, sizeof(answer.text));
    expect_far_from(answer.text, (uint64_t)(uintptr_t)vm->heap, 1ULL << 26);
    expect_far_from(answer.text, (uint64_t)(uintptr_t)&in_program, 1ULL << 26);
    vm_close(vm);
    code_drop(code);
}

static void each_vm_has_its_own_numbers(void **state)
{
    const char *source = "return function() return tostring(print) end";
    struct answer first, next;
    struct err err;

    (void)state;
    assert_true(ask_source(source, 8 * MIB, &first, &err));
    for (int i = 0; i < 20; i++) {
        assert_true(ask_source(source, 8 * MIB, &next, &err));
        assert_string_not_equal(first.text, next.text);
    }
}

static void numbers_outlast_a_reset(void **state)
{
    struct code *code = code_of("local t = {} local before = tostring(t)\n"
                                "return function() return tostring(before == tostring(t)) end");
    struct answer answer;
    struct err err;
    struct vm *vm = vm_open(code, 8 * MIB, &err);

    (void)state;
    assert_non_null(vm);
    assert_true(vm_seal(vm, &err));
    for (int i = 0; i < 3; i++) {
        assert_true(ask(vm, &answer, &err));
        assert_string_equal(answer.text, "true");
        assert_true(vm_reset(vm));
    }
    vm_close(vm);
    code_drop(code);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tostring_calls_its_substitute),
        cmocka_unit_test(texts_name_the_type),
        cmocka_unit_test(formats_name_the_type),
        cmocka_unit_test(wrong_formats_raise_as_in_lua),
        cmocka_unit_test(one_object_has_one_number),
        cmocka_unit_test(no_number_is_near_an_address),
        cmocka_unit_test(each_vm_has_its_own_numbers),
        cmocka_unit_test(numbers_outlast_a_reset),
    };

    return RUN_VM_TESTS(tests);
}
