/* mcode_test.c - machine code counts as memory of the call that compiles it. */
/* SPDX-License-Identifier: MIT */
#include "vm_fixture.h"

#include "worker/safepoint.h"

static size_t counted, most;

static bool count_taken(size_t bytes)
{
    counted += bytes;
    if (counted > most)
        most = counted;
    return true;
}

static void count_given(size_t bytes)
{
    counted -= bytes;
}

/* Each loop is a trace of its own. */
#define COMPILES                                                                                   \
    "local n = 0 for k = 1, 400 do load('local n = 0 for i = 1, 200 do n = n + i % ' .. k .. "     \
    "' end') () end for i = 1, 1e5 do n = n + i % 7 end return n "

static void machine_code_counts_until_the_state_is_closed(void **state)
{
    struct code *code = code_of("return function() " COMPILES "end");
    struct answer answer;
    struct err err;

    (void)state;
    counted = 0;
    heap_account(count_taken, count_given);
    struct vm *vm = vm_open(code, 16 * MIB, &err);
    assert_non_null(vm);
    assert_true(ask(vm, &answer, &err));
    assert_string_equal(answer.text, "300000");
    size_t compiled = mcode_bytes(&vm->mcode);
    assert_true(compiled > 0);
    assert_true(counted >= compiled + heap_used_bytes(vm->heap));
    assert_int_equal(vm->heap->outside_pages * HEAP_PAGE, compiled);
    assert_int_equal(heap_limit_bytes(vm->heap), 16 * MIB);
    assert_true(heap_peak_bytes(vm->heap) >= compiled + heap_used_bytes(vm->heap));
    vm_close(vm);
    vm_drop_spare_heaps();
    assert_int_equal(counted, 0);
    heap_account(NULL, NULL);
    code_drop(code);
}

static void a_warm_instance_gives_its_machine_code_back_when_it_is_reset(void **state)
{
    struct code *code = code_of("return function() " COMPILES "end");
    struct answer answer;
    struct err err;

    (void)state;
    counted = 0;
    heap_account(count_taken, count_given);
    struct vm *vm = vm_open(code, 16 * MIB, &err);
    assert_non_null(vm);
    assert_true(vm_seal(vm, &err));
    for (int round = 0; round < 3; round++) {
        assert_true(ask(vm, &answer, &err));
        assert_string_equal(answer.text, "300000");
        assert_true(mcode_bytes(&vm->mcode) > 0);
        assert_true(vm_reset(vm));
        assert_int_equal(mcode_bytes(&vm->mcode), 0);
        assert_int_equal(vm->heap->outside_pages, 0);
        assert_int_equal(heap_limit_bytes(vm->heap), 16 * MIB);
    }
    vm_close(vm);
    vm_drop_spare_heaps();
    assert_int_equal(counted, 0);
    heap_account(NULL, NULL);
    code_drop(code);
}

/* Where the limit leaves no room, code is interpreted. */
static void a_full_heap_compiles_nothing_and_goes_on(void **state)
{
    enum { LIMIT = 2 * MIB };
    struct code *code = code_of("return function() " COMPILES "end");
    struct answer answer;
    struct err err;

    (void)state;
    struct vm *vm = vm_open(code, LIMIT, &err);
    assert_non_null(vm);
    size_t rest = LIMIT - heap_used_bytes(vm->heap) - (MIB / 2);
    assert_true(heap_take_outside(vm->heap, rest));
    size_t before = vm->heap->outside_pages;
    bool ok = ask(vm, &answer, &err);
    if (!ok)
        fail_msg("%s", err.text);
    assert_string_equal(answer.text, "300000");
    assert_true(mcode_bytes(&vm->mcode) <= MIB / 2);
    assert_int_equal(vm->heap->outside_pages - before, mcode_bytes(&vm->mcode) / HEAP_PAGE);
    assert_in_range(heap_peak_bytes(vm->heap), 0, LIMIT);
    vm_close(vm);
    code_drop(code);
}

static int setup(void **state)
{
    if (!safepoint_init(NULL))
        return -1;
    return vm_group_setup(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(machine_code_counts_until_the_state_is_closed),
        cmocka_unit_test(a_warm_instance_gives_its_machine_code_back_when_it_is_reset),
        cmocka_unit_test(a_full_heap_compiles_nothing_and_goes_on),
    };

    return cmocka_run_group_tests(tests, setup, vm_group_teardown);
}
