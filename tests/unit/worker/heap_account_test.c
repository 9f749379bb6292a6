/* heap_account_test.c - what all heaps of a process touch together: asked for, and given back. */
/* SPDX-License-Identifier: MIT */
#include "heap_fixture.h"

enum { MIB = 1 << 20 };

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

static void what_all_heaps_touch_is_asked_for_and_given_back(void **state)
{
    (void)state;
    counted = 0;
    allowed = 6 * MIB;
    heap_account(count_taken, count_given);
    struct heap *a = open_heap(64 * MIB), *b = open_heap(64 * MIB);
    void *block = try_alloc(a, NULL, 0, 4 * MIB);
    assert_non_null(block);
    assert_int_equal(counted, 4 * MIB);
    assert_null(try_alloc(b, NULL, 0, 3 * MIB));
    assert_true(b->starved);
    assert_null(try_alloc(a, block, 4 * MIB, 7 * MIB)); /* where it lies */
    assert_true(a->starved);
    assert_int_equal(counted, 4 * MIB);
    heap_start(a, 64 * MIB, heap_leave, NULL);
    assert_false(a->starved);
    assert_non_null(try_alloc(a, NULL, 0, 4 * MIB)); /* touched before */
    assert_int_equal(counted, 4 * MIB);
    heap_start(a, 64 * MIB, heap_leave, NULL);
    heap_trim(a, MIB);
    assert_int_equal(counted, MIB);
    assert_non_null(try_alloc(b, NULL, 0, 5 * MIB));
    heap_close(a);
    assert_int_equal(counted, 5 * MIB);
    heap_close(b);
    assert_int_equal(counted, 0);
    heap_account(NULL, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_all_heaps_touch_is_asked_for_and_given_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
