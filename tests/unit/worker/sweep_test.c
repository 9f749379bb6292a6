/* sweep_test.c - memory that ends at each page in turn, while a function is loaded and run. */
/* SPDX-License-Identifier: MIT */
#include "vm_fixture.h"

#include "worker/heap.h"

enum { PAGES_MOST = 4096 };

/* Uses of memory of each kind: Lua's own, jansson's, natives', the compiler's. */
static const char source[] =
    "local json, gzip, matrix = require('json'), require('gzip'), require('matrix')\n"
    "local kept = {}\n"
    "for i = 1, 200 do kept[i] = {name = 'item ' .. i, at = i} end\n"
    "return function()\n"
    "  local sum = 0\n"
    "  for i = 1, 1000 do sum = sum + kept[i % 200 + 1].at end\n"
    "  local text = json.encode(kept)\n"
    "  local again = json.decode(text)\n"
    "  local packed = gzip.compress(text)\n"
    "  local size = #gzip.decompress(packed, 1e6)\n"
    "  local product = matrix.multiply(matrix.random(20), matrix.random(20))\n"
    "  local list = {}\n"
    "  for word in text:gmatch('%w+') do list[#list + 1] = word:upper() end\n"
    "  table.sort(list)\n"
    "  local co = coroutine.wrap(function() coroutine.yield(#list) end)\n"
    "  local ok = pcall(error, ('x'):rep(5000))\n"
    "  return tostring(sum == 100500 and size == #text and #again == 200 and co() > 0 and not ok)\n"
    "end\n";

static void expect_limit(const struct err *err, size_t pages)
{
    if (err->code != ERR_MEMORY_LIMIT)
        fail_msg("with %zu pages: %s: %s", pages, err_word(err->code), err->text);
}

static void expect_well(struct vm *vm)
{
    struct answer answer;
    struct err err;

    if (!ask(vm, &answer, &err))
        fail_msg("%s", err.text);
    assert_string_equal(answer.text, "true");
}

static void cold_calls_end_well_or_at_their_limit(void **state)
{
    struct code *code = code_of(source);
    size_t failed = 0;

    (void)state;
    for (size_t pages = 1; pages < PAGES_MOST; pages++) {
        struct answer answer;
        struct err err;
        struct vm *vm = vm_open(code, pages * HEAP_PAGE, &err);
        bool ok = vm && ask(vm, &answer, &err);

        vm_close(vm);
        if (ok) {
            assert_string_equal(answer.text, "true");
            break;
        }
        failed++;
        expect_limit(&err, pages);
    }
    assert_in_range(failed, 20, PAGES_MOST - 2);
    code_drop(code);
}

/* The state was opened and sealed with room enough; then the limit is so many pages away. */
static bool ask_warm(struct code *code, size_t pages, struct err *err)
{
    struct vm *vm = vm_open(code, 64 * MIB, err);
    struct answer answer;

    assert_non_null(vm);
    assert_true(vm_seal(vm, err));
    expect_well(vm);
    assert_true(vm_reset(vm));
    vm->heap->limit_pages = vm->heap->used_pages + pages;
    bool ok = ask(vm, &answer, err);
    assert_int_equal(vm_reset(vm), ok);
    if (ok)
        expect_well(vm);
    vm_close(vm);
    return ok;
}

static void warm_calls_end_well_or_at_their_limit(void **state)
{
    struct code *code = code_of(source);
    size_t failed = 0;
    struct err err;

    (void)state;
    while (failed < PAGES_MOST && !ask_warm(code, failed, &err))
        expect_limit(&err, failed++);
    assert_in_range(failed, 10, PAGES_MOST - 1);
    code_drop(code);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cold_calls_end_well_or_at_their_limit),
        cmocka_unit_test(warm_calls_end_well_or_at_their_limit),
    };

    return RUN_VM_TESTS(tests);
}
