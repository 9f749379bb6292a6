/* heap_account_test.c - what all heaps of a process touch together: asked for, and given back. */
/* SPDX-License-Identifier: MIT */
#include "heap_fixture.h"

/* The header of a region, and the part of its map that is used. */
enum { MIB = 1 << 20, FIXED = 2 * HEAP_PAGE };

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
    allowed = 6 * MIB + 2 * FIXED;
    heap_account(count_taken, count_given);
    struct heap *a = open_heap(64 * MIB), *b = open_heap(64 * MIB);
    void *block = try_alloc(a, NULL, 0, 4 * MIB);
    assert_non_null(block);
    assert_int_equal(counted, 4 * MIB + FIXED);
    assert_null(try_alloc(b, NULL, 0, 3 * MIB));
    assert_true(b->starved);
    assert_null(try_alloc(a, block, 4 * MIB, 7 * MIB)); /* where it lies */
    assert_true(a->starved);
    assert_int_equal(counted, 4 * MIB + FIXED);
    heap_start(a, 64 * MIB, heap_leave, NULL);
    assert_false(a->starved);
    assert_non_null(try_alloc(a, NULL, 0, 4 * MIB)); /* touched before */
    assert_int_equal(counted, 4 * MIB + FIXED);
    heap_start(a, 64 * MIB, heap_leave, NULL);
    heap_trim(a, MIB);
    assert_int_equal(counted, MIB + FIXED);
    assert_non_null(try_alloc(b, NULL, 0, 5 * MIB));
    heap_close(a);
    assert_int_equal(counted, 5 * MIB + FIXED);
    heap_close(b);
    assert_int_equal(counted, 0);
    heap_account(NULL, NULL);
}

static void an_image_counts_as_much_as_it_takes(void **state)
{
    (void)state;
    counted = 0;
    allowed = 7 * MIB;
    heap_account(count_taken, count_given);
    struct heap *heap = open_heap(64 * MIB);
    void *block = heap_alloc(heap, NULL, 0, 3 * MIB), *gone = heap_alloc(heap, NULL, 0, MIB);
    memset(block, 1, 3 * MIB);
    memset(gone, 1, MIB);
    heap_alloc(heap, gone, MIB, 0);
    size_t before = counted;
    assert_int_equal(before, 4 * MIB + FIXED);
    assert_null(heap_save(heap));
    assert_int_equal(counted, before);
    allowed = 8 * MIB;
    struct heap_image *image = heap_save(heap);
    assert_non_null(image);
    assert_in_range(counted - before, image->bytes, image->bytes + 2 * HEAP_PAGE);
    assert_in_range(image->bytes, 3 * MIB, 3 * MIB + 2 * HEAP_PAGE);
    heap_image_close(image);
    heap_image_close(NULL);
    assert_int_equal(counted, before);
    heap_close(heap);
    assert_int_equal(counted, 0);
    heap_account(NULL, NULL);
}

/* What merging touches besides the blocks is counted, and goes back when the heap is trimmed. */
static void marks_are_counted(void **state)
{
    (void)state;
    counted = 0;
    allowed = 64 * MIB;
    heap_account(count_taken, count_given);
    struct heap *heap = open_heap(MIB);
    size_t size = 100, count = 0;
    char *last = NULL, *block;
    while ((block = try_alloc(heap, NULL, 0, size)) && ++count) {
        memcpy(block, &last, sizeof(last));
        last = block;
    }
    assert_int_equal(counted, MIB + FIXED);
    for (; last; last = block) {
        memcpy(&block, last, sizeof(block));
        heap_alloc(heap, last, size, 0);
    }
    assert_non_null(try_alloc(heap, NULL, 0, MIB));
    assert_int_equal(counted, MIB + FIXED + 2 * HEAP_PAGE);
    heap_start(heap, MIB, heap_leave, NULL);
    heap_trim(heap, 0);
    assert_int_equal(counted, 0);
    heap_close(heap);
    assert_int_equal(counted, 0);
    heap_account(NULL, NULL);
}

/* Machine code, for example. */
static void memory_outside_counts_in_the_limit_and_in_the_peak(void **state)
{
    (void)state;
    counted = 0;
    allowed = 3 * MIB + FIXED;
    heap_account(count_taken, count_given);
    struct heap *heap = open_heap(2 * MIB);
    assert_true(heap_take_outside(heap, MIB + 1)); /* a page more */
    assert_int_equal(counted, MIB + HEAP_PAGE);
    assert_int_equal(heap_peak_bytes(heap), MIB + HEAP_PAGE);
    assert_int_equal(heap_limit_bytes(heap), 2 * MIB);
    assert_null(try_alloc(heap, NULL, 0, MIB));
    void *block = try_alloc(heap, NULL, 0, MIB - HEAP_PAGE);
    assert_non_null(block);
    assert_int_equal(heap_peak_bytes(heap), 2 * MIB);
    assert_false(heap_take_outside(heap, 1));
    heap_give_outside(heap, MIB + 1);
    assert_int_equal(counted, MIB - HEAP_PAGE + FIXED);
    assert_non_null(try_alloc(heap, NULL, 0, MIB));
    allowed = counted;
    assert_false(heap_take_outside(heap, 1)); /* the heap has a page left, the count has none */
    assert_int_equal(heap_peak_bytes(heap), 2 * MIB);
    heap_close(heap);
    assert_int_equal(counted, 0);
    heap_account(NULL, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_all_heaps_touch_is_asked_for_and_given_back),
        cmocka_unit_test(an_image_counts_as_much_as_it_takes),
        cmocka_unit_test(marks_are_counted),
        cmocka_unit_test(memory_outside_counts_in_the_limit_and_in_the_peak),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
