/* heap_reuse_test.c - freed blocks serve other sizes: what a heap uses follows what lives in it. */
/* SPDX-License-Identifier: MIT */
#include "heap_fixture.h"

#include <time.h>

enum { KIB = 1 << 10, MIB = 1 << 20, LARGE = HEAP_SMALL_MAX + 1 };

/* -- Patterns ---------------------------------------------------------------------------------- */

/* A heap, and the bytes that its owner asked for and has not freed. */
struct owner {
    struct heap *heap;
    size_t live, peak;
    struct dice dice;
};

struct piece {
    char *at;
    size_t size;
};

static void resize(struct owner *o, struct piece *p, size_t size)
{
    p->at = heap_alloc(o->heap, p->at, p->size, size);
    if (size) {
        assert_int_equal((uintptr_t)p->at % 16, 0);
        p->at[0] = p->at[size - 1] = 1;
    }
    o->live += size - p->size;
    p->size = size;
    if (o->live > o->peak)
        o->peak = o->live;
}

enum { PIECES = 200000 };
static struct piece pieces[PIECES], kept[PIECES];

static void free_all(struct owner *o, struct piece *some, size_t count)
{
    for (size_t i = 0; i < count; i++)
        resize(o, &some[i], 0);
}

/* Sizes go by steps; of each size there are about `bytes`, and one of `keep` blocks stays for good
 * (0: none does). */
static void in_steps(struct owner *o, size_t from, size_t to, size_t per_cent, size_t bytes,
                     size_t keep)
{
    size_t stay = 0;

    assert_in_range(bytes / from, 1, PIECES);

    for (size_t size = from; size <= to; size += size * per_cent / 100 + 16) {
        size_t count = bytes / size;

        for (size_t i = 0; i < count; i++)
            resize(o, &pieces[i], size);
        for (size_t i = 0; keep && i < count; i += keep) {
            kept[stay++] = pieces[i];
            pieces[i] = (struct piece){0};
        }
        free_all(o, pieces, count);
    }
    free_all(o, kept, stay);
}

static void sizes_in_fine_steps(struct owner *o)
{
    in_steps(o, 32, 8 * KIB, 1, 1500000, 0);
}

static void sizes_in_coarse_steps(struct owner *o)
{
    in_steps(o, 32, 300 * KIB, 30, 4 * MIB, 0);
}

static void one_of_fifty_stays(struct owner *o)
{
    in_steps(o, 32, 4 * KIB, 10, 3 * MIB, 50);
}

static void one_of_eight_stays(struct owner *o)
{
    in_steps(o, 64, 16 * KIB, 30, 3 * MIB, 8);
}

static void sizes_fall(struct owner *o)
{
    for (size_t size = 60 * KIB; size > 100; size -= size / 20) {
        size_t count = 2 * MIB / size;

        for (size_t i = 0; i < count; i++)
            resize(o, &pieces[i], size);
        free_all(o, pieces, count);
    }
}

/* Tables double their parts in turn, as rehashing does: a new part, then the old one is freed. */
static void tables_grow_in_turn(struct owner *o)
{
    enum { TABLES = 100 };

    for (size_t size = 64; size <= 64 * KIB; size *= 2)
        for (size_t i = 0; i < TABLES; i++) {
            struct piece grown = {0};

            resize(o, &grown, size);
            resize(o, &pieces[i], 0);
            pieces[i] = grown;
        }
    free_all(o, pieces, TABLES);
}

static void buffers_grow_in_steps(struct owner *o)
{
    enum { BUFFERS = 40, LONGEST = 100 * KIB };

    for (size_t size = 100; size <= LONGEST; size += size / 8)
        for (size_t i = 0; i < BUFFERS; i++)
            resize(o, &pieces[i], size + i);
    for (size_t size = LONGEST; size > 100; size -= size / 3)
        for (size_t i = 0; i < BUFFERS; i++)
            resize(o, &pieces[i], size);
    free_all(o, pieces, BUFFERS);
}

static void just_past(struct owner *o, size_t size)
{
    size_t count = 8 * MIB / size;

    for (size_t i = 0; i < count; i++)
        resize(o, &pieces[i], size);
    free_all(o, pieces, count);
}

/* Past a page, two pages, and so on: whole pages would waste up to a half. */
static void blocks_are_just_past_pages(struct owner *o)
{
    for (size_t pages = 1; pages <= 12; pages++)
        just_past(o, pages * HEAP_PAGE + 4);
}

/* Small objects stay, texts between them go. */
static void objects_outlive_texts(struct owner *o)
{
    enum { ROUNDS = 10, COUNT_A_ROUND = 2000 };

    for (size_t round = 0; round < ROUNDS; round++) {
        for (size_t i = 0; i < COUNT_A_ROUND; i++) {
            resize(o, &kept[round * COUNT_A_ROUND + i], 40 + 16 * (i % 4));
            resize(o, &pieces[i], 300 * (round + 1));
        }
        free_all(o, pieces, COUNT_A_ROUND);
    }
    free_all(o, kept, ROUNDS * COUNT_A_ROUND);
}

static void large_and_small_take_turns(struct owner *o)
{
    for (size_t round = 0; round < 30; round++) {
        for (size_t i = 0; i < 50000; i++)
            resize(o, &pieces[i], 48 + 8 * (round % 3));
        resize(o, &kept[round], 100);
        free_all(o, pieces, 50000);
        for (size_t i = 0; i < 20; i++)
            resize(o, &pieces[i], 100 * KIB + 3000 * round);
        free_all(o, pieces, 20);
    }
    free_all(o, kept, 30);
}

static void lifetimes_are_mixed(struct owner *o)
{
    enum { SLOTS = 4000 };

    for (size_t i = 0; i < 400000 / ONE_IN; i++) {
        size_t slot = dice_below(&o->dice, SLOTS),
               most = dice_below(&o->dice, 100) ? 600 : 20 * KIB;

        resize(o, &pieces[slot], dice_below(&o->dice, 4) ? 1 + dice_below(&o->dice, most) : 0);
    }
    free_all(o, pieces, SLOTS);
}

/* Blocks that stay among blocks that go leave holes too small for later ones: without moving them
 * no allocator does much better (glibc's needs 1.8 to 1.9 times the contents here). */
enum { MOST = 150, MOST_AMONG_SURVIVORS = 200 };

static const struct {
    const char *name;
    void (*run)(struct owner *o);
    size_t most_per_cent; /* of the contents at their peak, besides 1 MiB */
} patterns[] = {
    {"sizes in fine steps", sizes_in_fine_steps, MOST},
    {"sizes in coarse steps", sizes_in_coarse_steps, MOST},
    {"one of fifty stays", one_of_fifty_stays, MOST_AMONG_SURVIVORS},
    {"one of eight stays", one_of_eight_stays, MOST_AMONG_SURVIVORS},
    {"sizes fall", sizes_fall, MOST},
    {"tables grow in turn", tables_grow_in_turn, MOST},
    {"buffers grow in steps", buffers_grow_in_steps, MOST},
    {"blocks are just past pages", blocks_are_just_past_pages, MOST},
    {"objects outlive texts", objects_outlive_texts, MOST},
    {"large and small take turns", large_and_small_take_turns, MOST},
    {"lifetimes are mixed", lifetimes_are_mixed, MOST},
};

static void expect_peak(const char *name, const struct owner *o, size_t per_cent)
{
    size_t most = o->peak * per_cent / 100 + MIB, peak = heap_peak_bytes(o->heap);

    assert_int_equal(o->live, 0);
    if (peak > most)
        fail_msg("%s: %zu KiB for %zu KiB, at most %zu", name, peak / KIB, o->peak / KIB,
                 most / KIB);
}

static void a_heap_is_half_larger_than_its_contents_at_most(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(patterns); i++) {
        struct owner o = {.heap = open_heap(heap_limit_max()), .dice = {i + 1}};

        patterns[i].run(&o);
        expect_peak(patterns[i].name, &o, patterns[i].most_per_cent);
        heap_close(o.heap);
    }
}

/* In one heap, holes of one pattern serve the next. */
static void patterns_follow_one_another(void **state)
{
    struct owner o = {.heap = open_heap(heap_limit_max()), .dice = {1}};

    (void)state;
    for (size_t i = 0; i < 2 * COUNT(patterns); i++)
        patterns[i % COUNT(patterns)].run(&o);
    expect_peak("all in turn", &o, MOST_AMONG_SURVIVORS);
    heap_close(o.heap);
}

/* -- The limit --------------------------------------------------------------------------------- */

/* A heap filled with blocks of one size, and emptied, has room for one as large as its limit. */
static void a_limit_is_met_by_real_need_only(void **state)
{
    static const size_t sizes[] = {16, 48, 200, 1000, 4 * KIB, 5000, 20000, LARGE};
    static const size_t limits[] = {64 * KIB, MIB, 16 * MIB};

    (void)state;
    for (size_t i = 0; i < COUNT(sizes) * COUNT(limits); i++) {
        size_t size = sizes[i % COUNT(sizes)], limit = limits[i / COUNT(sizes)];
        struct heap *heap = open_heap(limit);
        void *last = NULL, *block;

        while ((block = try_alloc(heap, NULL, 0, size))) {
            *(void **)block = last;
            last = block;
        }
        for (; last; last = block) {
            block = *(void **)last;
            heap_alloc(heap, last, size, 0);
        }
        if (!try_alloc(heap, NULL, 0, limit))
            fail_msg("%zu bytes in blocks of %zu bytes are freed, but not to be had", limit, size);
        assert_null(try_alloc(heap, NULL, 0, 1));
        heap_close(heap);
    }
}

/* Blocks were freed since the last merging, but all of them serve again. */
static void a_heap_without_free_blocks_is_full(void **state)
{
    struct heap *heap = open_heap(HEAP_PAGE);
    void *block = heap_alloc(heap, NULL, 0, 16);

    (void)state;
    for (size_t i = 0; i < 3 * HEAP_PAGE / 16; i++) {
        heap_alloc(heap, block, 16, 0);
        block = try_alloc(heap, NULL, 0, 16);
    }
    for (size_t i = 1; i < HEAP_PAGE / 16; i++)
        assert_non_null(try_alloc(heap, NULL, 0, 16));
    assert_null(try_alloc(heap, NULL, 0, 16));
    assert_null(try_alloc(heap, NULL, 0, LARGE));
    heap_close(heap);
}

static void a_full_heap_can_shrink_any_block(void **state)
{
    static const size_t sizes[] = {30 * HEAP_PAGE, LARGE, HEAP_SMALL_MAX, 20000, 5000, 1000, 17, 1};
    struct heap *heap = open_heap(30 * HEAP_PAGE);
    struct block b = {.seed = 5};

    (void)state;
    for (size_t i = 0; i < COUNT(sizes); i++)
        assert_true(block_resize(heap, &b, sizes[i]));
    heap_close(heap);
}

/* Blocks of changing sizes that fill most of a small limit: free neighbours merge all the time. */
static void merging_keeps_contents(void **state)
{
    static struct block blocks[600];
    struct heap *heap = open_heap(2 * MIB);
    struct dice dice = {11};
    size_t refused = 0;

    (void)state;
    for (int round = 0; round < 100000 / ONE_IN; round++) {
        struct block *b = &blocks[dice_below(&dice, COUNT(blocks))];
        size_t most = dice_below(&dice, 20) ? 4000 : 50000;

        block_check(b, b->size);
        if (!b->at)
            b->seed = dice_next(&dice);
        if (!block_resize(heap, b, dice_below(&dice, 4) ? dice_size(&dice, most) : 0)) {
            refused++;
            assert_true(block_resize(heap, b, 0));
        }
    }
    assert_in_range(heap->mark_pages, 1, 8); /* it did merge */
    assert_in_range(refused, 0, 5000 / ONE_IN);
    for (size_t i = 0; i < COUNT(blocks); i++)
        block_check(&blocks[i], blocks[i].size);
    heap_close(heap);
}

/* -- Holes ------------------------------------------------------------------------------------- */

/* Ten thousand holes of nine pages, and as many blocks of ten: passing each hole for each block
 * would take some seconds. */
static void holes_that_are_too_small_are_passed_once(void **state)
{
    enum { HOLES = 10000 };
    struct heap *heap = open_heap(heap_limit_max());
    static char *holes[HOLES];

    (void)state;
    for (size_t i = 0; i < HOLES; i++) {
        holes[i] = heap_alloc(heap, NULL, 0, LARGE);
        heap_alloc(heap, NULL, 0, LARGE);
    }
    for (size_t i = 0; i < HOLES; i++)
        heap_alloc(heap, holes[i], LARGE, 0);
    clock_t from = clock();
    for (size_t i = 0; i < HOLES / 2; i++)
        assert_true((char *)heap_alloc(heap, NULL, 0, LARGE + HEAP_PAGE) > holes[HOLES - 1]);
    double took_s = (double)(clock() - from) / CLOCKS_PER_SEC;
    if (took_s > .1)
        fail_msg("%d blocks took %.3f s", HOLES / 2, took_s);
    for (size_t i = 0; i < HOLES; i++)
        assert_ptr_equal(heap_alloc(heap, NULL, 0, LARGE), holes[i]);
    heap_close(heap);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_heap_is_half_larger_than_its_contents_at_most),
        cmocka_unit_test(patterns_follow_one_another),
        cmocka_unit_test(a_limit_is_met_by_real_need_only),
        cmocka_unit_test(a_heap_without_free_blocks_is_full),
        cmocka_unit_test(a_full_heap_can_shrink_any_block),
        cmocka_unit_test(merging_keeps_contents),
        cmocka_unit_test(holes_that_are_too_small_are_passed_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
