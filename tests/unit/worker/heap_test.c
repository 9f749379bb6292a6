/* heap_test.c - the allocator of a vm: blocks, pages, limits, images. */
/* SPDX-License-Identifier: MIT */
#include "heap_fixture.h"

#include <stdlib.h>
#include <sys/mman.h>

enum { MIB = 1 << 20, LARGE = HEAP_SMALL_MAX + 1 };

/* -- Blocks ---------------------------------------------------------------------------------- */

static int by_address(const void *a, const void *b)
{
    const struct block *x = a, *y = b;

    return x->at < y->at ? -1 : x->at > y->at;
}

static void expect_apart(struct block *blocks, size_t count)
{
    qsort(blocks, count, sizeof(*blocks), by_address);
    for (size_t i = 1; i < count; i++)
        if (blocks[i - 1].at && blocks[i - 1].at + blocks[i - 1].size > blocks[i].at)
            fail_msg("two blocks overlap");
}

static void blocks_keep_their_contents_and_never_overlap(void **state)
{
    static struct block blocks[1500];
    struct heap *heap = open_heap(256 * MIB);
    struct dice dice = {1};

    (void)state;
    for (int round = 0; round < 200000 / ONE_IN; round++) {
        struct block *b = &blocks[dice_below(&dice, COUNT(blocks))];

        block_check(b, b->size < 64 ? b->size : 64);
        if (!b->at)
            b->seed = dice_next(&dice);
        size_t most = dice_below(&dice, 50) ? 2000 : 60000;
        assert_true(block_resize(heap, b, dice_below(&dice, 3) ? dice_size(&dice, most) : 0));
        if (round % (20000 / ONE_IN) == 0)
            expect_apart(blocks, COUNT(blocks));
    }
    expect_apart(blocks, COUNT(blocks));
    for (size_t i = 0; i < COUNT(blocks); i++) {
        block_check(&blocks[i], blocks[i].size);
        assert_true(block_resize(heap, &blocks[i], 0));
    }
    heap_close(heap);
}

/* Each size around the bounds of its class, next to another of the same size. */
static void every_size_has_room_for_itself(void **state)
{
    struct heap *heap = open_heap(256 * MIB);

    (void)state;
    for (size_t size = 1; size <= 3 * HEAP_PAGE; size += ONE_IN) {
        struct block a = {.seed = size}, b = {.seed = ~size};

        assert_true(block_resize(heap, &a, size));
        assert_true(block_resize(heap, &b, size));
        block_check(&a, size);
        assert_true(block_resize(heap, &a, size + 1));
        block_check(&b, size);
        assert_true(block_resize(heap, &b, size - 1));
        block_check(&a, size + 1);
        assert_true(block_resize(heap, &a, 0));
        assert_true(block_resize(heap, &b, 0));
    }
    heap_close(heap);
}

static void nothing_is_no_block(void **state)
{
    struct heap *heap = open_heap(MIB);

    (void)state;
    assert_null(heap_alloc(heap, NULL, 0, 0));
    assert_int_equal(heap_used_bytes(heap), 0);
    void *block = heap_alloc(heap, NULL, 0, LARGE);
    assert_int_equal(heap_used_bytes(heap), HEAP_SMALL_MAX + HEAP_PAGE);
    assert_null(heap_alloc(heap, block, LARGE, 0));
    assert_int_equal(heap_used_bytes(heap), 0);
    assert_int_equal(heap_peak_bytes(heap), HEAP_SMALL_MAX + HEAP_PAGE);
    heap_close(heap);
}

static void several_heaps_do_not_touch_each_other(void **state)
{
    struct heap *heaps[4];
    struct block blocks[4][100] = {0};
    struct dice dice = {7};

    (void)state;
    for (size_t i = 0; i < COUNT(heaps); i++)
        heaps[i] = open_heap(8 * MIB);
    for (int round = 0; round < 20000 / ONE_IN; round++) {
        size_t i = dice_below(&dice, COUNT(heaps));
        struct block *b = &blocks[i][dice_below(&dice, 100)];

        b->seed = b->at ? b->seed : dice_next(&dice);
        assert_true(block_resize(heaps[i], b, dice_size(&dice, 20000)));
    }
    heap_close(heaps[0]);
    for (size_t i = 1; i < COUNT(heaps); i++) {
        for (size_t k = 0; k < 100; k++)
            block_check(&blocks[i][k], blocks[i][k].size);
        heap_close(heaps[i]);
    }
}

/* -- Pages ----------------------------------------------------------------------------------- */

static void a_large_block_grows_where_it_lies(void **state)
{
    struct heap *heap = open_heap(64 * MIB);
    char *a = heap_alloc(heap, NULL, 0, LARGE);

    (void)state;
    for (size_t size = LARGE; size < 32 * MIB; size *= 2)
        assert_ptr_equal(heap_alloc(heap, a, size, 2 * size), a);
    heap_close(heap);
}

static void a_large_block_grows_into_a_freed_neighbour_only(void **state)
{
    struct heap *heap = open_heap(MIB);
    char *a = heap_alloc(heap, NULL, 0, LARGE);
    char *b = heap_alloc(heap, NULL, 0, LARGE);
    char *c = heap_alloc(heap, NULL, 0, LARGE);
    size_t size = HEAP_SMALL_MAX + HEAP_PAGE;

    (void)state;
    assert_ptr_equal(b, a + size);
    assert_ptr_equal(c, b + size);
    assert_ptr_not_equal(heap_alloc(heap, b, size, size + 1), b);
    assert_ptr_equal(heap_alloc(heap, a, size, 2 * size), a);
    assert_ptr_not_equal(heap_alloc(heap, a, 2 * size, 2 * size + 1), a);
    assert_int_equal(heap_used_bytes(heap), 4 * size + 2 * HEAP_PAGE);
    heap_close(heap);
}

static void free_pages_merge_in_any_order(void **state)
{
    static const size_t orders[][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2},
                                       {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};

    (void)state;
    for (size_t i = 0; i < COUNT(orders); i++) {
        struct heap *heap = open_heap(MIB);
        size_t size = HEAP_SMALL_MAX + HEAP_PAGE;
        char *blocks[3];

        for (size_t k = 0; k < 3; k++)
            blocks[k] = heap_alloc(heap, NULL, 0, size);
        assert_non_null(heap_alloc(heap, NULL, 0, size));
        for (size_t k = 0; k < 3; k++)
            heap_alloc(heap, blocks[orders[i][k]], size, 0);
        assert_ptr_equal(heap_alloc(heap, NULL, 0, 3 * size), blocks[0]);
        heap_close(heap);
    }
}

static void a_shrunk_block_gives_back_its_pages(void **state)
{
    struct heap *heap = open_heap(10 * HEAP_PAGE);
    char *a = heap_alloc(heap, NULL, 0, 10 * HEAP_PAGE);

    (void)state;
    assert_null(try_alloc(heap, NULL, 0, 8 * HEAP_PAGE));
    assert_ptr_equal(heap_alloc(heap, a, 10 * HEAP_PAGE, 2 * HEAP_PAGE), a);
    assert_ptr_equal(try_alloc(heap, NULL, 0, 8 * HEAP_PAGE), a + 2 * HEAP_PAGE);
    heap_close(heap);
}

/* -- The limit ------------------------------------------------------------------------------- */

static void the_limit_is_met_exactly(void **state)
{
    static const struct {
        size_t limit_pages, size, blocks;
    } cases[] = {
        {8, HEAP_PAGE, 8},
        {9, HEAP_PAGE, 9},
        {5, HEAP_PAGE, 5},
        {1, HEAP_PAGE, 1},
        {1, 16, 256},
        {8, HEAP_PAGE + 1, 7},
        {9, HEAP_PAGE + 1, 8},
        {36, LARGE, 4},
        {44, LARGE, 4},
        {8, 8 * HEAP_PAGE, 1},
        {8, 8 * HEAP_PAGE + 1, 0},
        {7, 8 * HEAP_PAGE, 0},
        {256, 16 * HEAP_PAGE, 16},
        {3, 1024, 12},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct heap *heap = open_heap(cases[i].limit_pages * HEAP_PAGE);
        size_t count = 0;

        while (try_alloc(heap, NULL, 0, cases[i].size))
            count++;
        if (count != cases[i].blocks)
            fail_msg("%zu pages hold %zu blocks of %zu bytes, not %zu", cases[i].limit_pages, count,
                     cases[i].size, cases[i].blocks);
        assert_in_range(heap_wanted, cases[i].size, SIZE_MAX);
        assert_in_range(heap_peak_bytes(heap), 0, heap_limit_bytes(heap));
        heap_close(heap);
    }
}

static void a_full_heap_goes_on_after_something_is_freed(void **state)
{
    struct heap *heap = open_heap(8 * HEAP_PAGE);
    struct block a = {.seed = 1}, b = {.seed = 2};

    (void)state;
    assert_true(block_resize(heap, &a, 4 * HEAP_PAGE));
    assert_true(block_resize(heap, &b, 4 * HEAP_PAGE));
    assert_false(block_resize(heap, &b, 4 * HEAP_PAGE + 1));
    assert_int_equal(heap_wanted, 5 * HEAP_PAGE);
    block_check(&b, b.size);
    assert_true(block_resize(heap, &a, 0));
    assert_false(block_resize(heap, &b, 8 * HEAP_PAGE + 1));
    block_check(&b, b.size);
    assert_true(block_resize(heap, &a, 4 * HEAP_PAGE));
    heap_close(heap);
}

static void a_full_heap_can_be_started_anew(void **state)
{
    struct heap *heap = open_heap(MIB);

    (void)state;
    for (size_t round = 1; round < 50; round++) {
        size_t count = 0;

        heap_start(heap, round * 4 * HEAP_PAGE, heap_leave, NULL);
        while (try_alloc(heap, NULL, 0, round % 2 ? HEAP_PAGE : 2 * HEAP_PAGE))
            count++;
        assert_int_equal(count, round * (round % 2 ? 4 : 2));
    }
    heap_close(heap);
}

static void the_largest_heap_is_used_to_its_end(void **state)
{
    struct heap *heap = open_heap(heap_limit_max());
    size_t half = heap_limit_max() / 2;

    (void)state;
    assert_non_null(try_alloc(heap, NULL, 0, half));
    char *upper = try_alloc(heap, NULL, 0, half);
    assert_non_null(upper);
    upper[half - 1] = 1;
    assert_null(try_alloc(heap, NULL, 0, 1));
    assert_null(try_alloc(heap, upper, half, half + 1));
    heap_close(heap);
}

/* What lives is at most 1 MiB, of changing sizes; it fits into 6 MiB however long it goes on. */
static void garbage_of_many_sizes_stays_within_the_limit(void **state)
{
    static struct block blocks[64];
    struct heap *heap = open_heap(6 * MIB);
    struct dice dice = {99};

    (void)state;
    for (int round = 0; round < 2000000 / ONE_IN; round++) {
        struct block *b = &blocks[dice_below(&dice, COUNT(blocks))];

        b->at = try_alloc(heap, b->at, b->size, 0);
        b->size = 1 + dice_size(&dice, 16383);
        if (!(b->at = try_alloc(heap, NULL, 0, b->size)))
            fail_msg("full after %d rounds, %zu bytes in use", round, heap_used_bytes(heap));
        b->at[0] = b->at[b->size - 1] = 1;
    }
    heap_close(heap);
}

/* -- Images and trimming --------------------------------------------------------------------- */

static unsigned warnings;

static void count_warning(void *owner)
{
    (void)owner;
    warnings++;
}

/* With a limit of 64 pages: past 32, and again for each 8 more. */
static void it_warns_before_it_is_full(void **state)
{
    static const struct {
        size_t pages;
        unsigned warnings;
    } steps[] = {{31, 0}, {32, 1}, {39, 1}, {40, 2}, {36, 2}, {40, 2},
                 {31, 2}, {33, 3}, {64, 4}, {9, 4},  {31, 4}, {32, 5}};
    struct heap *heap = open_heap(64 * HEAP_PAGE);
    void *block = NULL;
    size_t size = 0;

    (void)state;
    warnings = 0;
    heap_on_tight(heap, count_warning);
    for (size_t i = 0; i < COUNT(steps); i++) {
        block = heap_alloc(heap, block, size, steps[i].pages * HEAP_PAGE);
        size = steps[i].pages * HEAP_PAGE;
        if (warnings != steps[i].warnings)
            fail_msg("step %zu: %u warnings, not %u", i, warnings, steps[i].warnings);
    }
    heap_close(heap);
}

static void churn(struct heap *heap, struct block *blocks, size_t count, struct dice *dice)
{
    for (int round = 0; round < 3000; round++) {
        struct block *b = &blocks[dice_below(dice, count)];

        b->seed = b->at ? b->seed : dice_next(dice);
        assert_true(block_resize(heap, b, dice_size(dice, 30000)));
    }
}

static struct heap *header_of(const struct heap_image *image)
{
    return (struct heap *)heap_image_header(image);
}

static void a_restored_heap_is_the_saved_one_byte_for_byte(void **state)
{
    static struct block blocks[100], kept[100];
    struct heap *heap = open_heap(64 * MIB);
    struct dice dice = {3};

    (void)state;
    churn(heap, blocks, COUNT(blocks), &dice);
    struct heap_image *image = heap_save(heap);
    memcpy(kept, blocks, sizeof(kept));
    for (int round = 0; round < 20; round++) {
        churn(heap, blocks, COUNT(blocks), &dice);
        if (round % 3 == 0)
            heap_start(heap, 64 * MIB, heap_leave, NULL);
        if (round % 4 == 0)
            heap_trim(heap, image->bytes);
        heap_restore(heap, image);
        memcpy(blocks, kept, sizeof(kept));
        for (size_t i = 0; i < COUNT(blocks); i++)
            block_check(&blocks[i], blocks[i].size);
        struct heap_image *again = heap_save(heap);
        assert_int_equal((uintptr_t)again->data % HEAP_IMAGE_ALIGN, 0);
        header_of(again)->high_page = header_of(image)->high_page;
        header_of(again)->mark_pages = header_of(image)->mark_pages;
        assert_int_equal(again->bytes, image->bytes);
        assert_memory_equal(again->data, image->data, image->bytes);
        heap_image_close(again);
    }
    heap_image_close(image);
    heap_close(heap);
}

/* The map past the image is cleared too: what was used there is free again. */
static void a_restored_heap_gives_the_same_blocks_again(void **state)
{
    struct heap *heap = open_heap(64 * MIB);
    char *first[200];

    (void)state;
    assert_non_null(heap_alloc(heap, NULL, 0, 100));
    struct heap_image *image = heap_save(heap);
    for (int round = 0; round < 3; round++) {
        for (size_t i = 0; i < COUNT(first); i++) {
            char *block = heap_alloc(heap, NULL, 0, 10 + 997 * i % 150000);

            if (round == 0)
                first[i] = block;
            assert_ptr_equal(block, first[i]);
        }
        heap_restore(heap, image);
    }
    heap_image_close(image);
    heap_close(heap);
}

static size_t resident_pages(const struct heap *heap)
{
    size_t pages = heap_limit_max() / HEAP_PAGE, count = 0;
    unsigned char *map = malloc(pages);

    assert_non_null(map);
    assert_int_equal(mincore((void *)heap, heap_limit_max(), map), 0);
    for (size_t i = 0; i < pages; i++)
        count += map[i] & 1;
    free(map);
    return count;
}

static void trimming_gives_memory_back(void **state)
{
    struct heap *heap = open_heap(64 * MIB);
    size_t empty = resident_pages(heap);
    char *block = heap_alloc(heap, NULL, 0, 32 * MIB);

    (void)state;
    memset(block, 1, 32 * MIB);
    assert_in_range(resident_pages(heap), 32 * MIB / HEAP_PAGE, SIZE_MAX);
    heap_trim(heap, MIB);
    heap_start(heap, 64 * MIB, heap_leave, NULL);
    assert_in_range(resident_pages(heap), 0, empty + MIB / HEAP_PAGE + 8);
    block = heap_alloc(heap, NULL, 0, 32 * MIB);
    assert_int_equal(block[0], 1);
    assert_int_equal(block[MIB], 0);
    heap_trim(heap, 0);
    heap_start(heap, 64 * MIB, heap_leave, NULL);
    assert_in_range(resident_pages(heap), 0, empty + 8);
    heap_close(heap);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_keep_their_contents_and_never_overlap),
        cmocka_unit_test(every_size_has_room_for_itself),
        cmocka_unit_test(nothing_is_no_block),
        cmocka_unit_test(several_heaps_do_not_touch_each_other),
        cmocka_unit_test(a_large_block_grows_where_it_lies),
        cmocka_unit_test(a_large_block_grows_into_a_freed_neighbour_only),
        cmocka_unit_test(free_pages_merge_in_any_order),
        cmocka_unit_test(a_shrunk_block_gives_back_its_pages),
        cmocka_unit_test(the_limit_is_met_exactly),
        cmocka_unit_test(a_full_heap_goes_on_after_something_is_freed),
        cmocka_unit_test(a_full_heap_can_be_started_anew),
        cmocka_unit_test(the_largest_heap_is_used_to_its_end),
        cmocka_unit_test(garbage_of_many_sizes_stays_within_the_limit),
        cmocka_unit_test(it_warns_before_it_is_full),
        cmocka_unit_test(a_restored_heap_is_the_saved_one_byte_for_byte),
        cmocka_unit_test(a_restored_heap_gives_the_same_blocks_again),
        cmocka_unit_test(trimming_gives_memory_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
