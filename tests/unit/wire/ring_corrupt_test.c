/* ring_corrupt_test.c - whatever the other side puts into a ring, nothing outside is touched. */
/* SPDX-License-Identifier: MIT */
#include "ring_fixture.h"

enum { MEMORY = 4096, SIZE = MEMORY - sizeof(struct ring) };

static const uint64_t wrap = UINT64_MAX;

static void put_word(struct guarded *g, uint64_t at, uint64_t word)
{
    memcpy(g->ring->bytes + at, &word, sizeof(word));
}

static void heads_that_make_no_sense_are_corrupt(void **state)
{
    static const uint64_t heads[] = {
        1,         8,        15,         17,         SIZE - 8,        SIZE + 1,
        SIZE + 16, SIZE * 2, 1ULL << 32, 1ULL << 63, UINT64_MAX - 15, UINT64_MAX};
    struct guarded g = guarded_open(MEMORY);
    struct str record;

    (void)state;
    for (size_t i = 0; i < COUNT(heads); i++) {
        guarded_reset(&g);
        atomic_store(&g.ring->head, heads[i]);
        if (ring_read(&g.reader, &record) != RING_CORRUPT)
            fail_msg("head %llu is taken", (unsigned long long)heads[i]);
    }
    guarded_close(&g);
}

/* A length at 0 with the head at `head`; the record must end at the head or before. */
static void lengths_that_reach_past_the_head_are_corrupt(void **state)
{
    static const struct {
        uint64_t head, len;
        enum ring_state expected;
    } cases[] = {
        {16, 0, RING_RECORD},
        {16, 8, RING_RECORD},
        {16, 9, RING_CORRUPT},
        {32, 24, RING_RECORD},
        {32, 25, RING_CORRUPT},
        {SIZE - 16, SIZE - 24, RING_RECORD},
        {SIZE - 16, SIZE - 23, RING_CORRUPT},
        {SIZE, SIZE - 8, RING_RECORD},
        {SIZE, SIZE - 7, RING_CORRUPT},
        {SIZE, SIZE, RING_CORRUPT},
        {SIZE, SIZE + 1, RING_CORRUPT},
        {SIZE, 1ULL << 32, RING_CORRUPT},
        {SIZE, INT64_MAX, RING_CORRUPT},
        {SIZE, UINT64_MAX - 8, RING_CORRUPT},
        {SIZE, UINT64_MAX - 1, RING_CORRUPT},
        {SIZE, UINT64_MAX, RING_CORRUPT}, /* a wrap to where it stands */
    };
    struct guarded g = guarded_open(MEMORY);
    struct str record;

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        guarded_reset(&g);
        atomic_store(&g.ring->head, cases[i].head);
        put_word(&g, 0, cases[i].len);
        if (ring_read(&g.reader, &record) != cases[i].expected)
            fail_msg("head %llu, length %llu", (unsigned long long)cases[i].head,
                     (unsigned long long)cases[i].len);
    }
    guarded_close(&g);
}

/* The reader stands at `at`, where a wrap mark lies; at 0 lies `len`. */
static void wraps_are_checked_as_records_are(void **state)
{
    static const struct {
        uint64_t at, head, len;
        enum ring_state expected;
    } cases[] = {
        {64, 32, 24, RING_RECORD},
        {64, 32, 25, RING_CORRUPT},
        {64, 32, UINT64_MAX, RING_CORRUPT},
        {SIZE - 16, 32, 24, RING_RECORD},
        {SIZE - 16, 32, 25, RING_CORRUPT},
        {SIZE - 16, SIZE, SIZE - 8, RING_RECORD},
        {SIZE - 16, SIZE, SIZE - 7, RING_CORRUPT},
    };
    struct guarded g = guarded_open(MEMORY);
    struct str record;

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        guarded_reset(&g);
        g.reader.at = cases[i].at;
        atomic_store(&g.ring->head, cases[i].head);
        put_word(&g, cases[i].at, wrap);
        put_word(&g, 0, cases[i].len);
        if (ring_read(&g.reader, &record) != cases[i].expected)
            fail_msg("case %zu", i);
    }
    guarded_close(&g);
}

/* At the very end there is no room for a length. */
static void a_reader_at_the_end_finds_no_length_there(void **state)
{
    struct guarded g = guarded_open(MEMORY);
    struct str record;

    (void)state;
    put_word(&g, 0, SIZE - 8);
    atomic_store(&g.ring->head, SIZE);
    assert_int_equal(ring_read(&g.reader, &record), RING_RECORD);
    ring_consume(&g.reader, record);
    assert_int_equal(ring_read(&g.reader, &record), RING_EMPTY);
    atomic_store(&g.ring->head, 16);
    assert_int_equal(ring_read(&g.reader, &record), RING_CORRUPT);
    guarded_close(&g);
}

static void tails_that_make_no_sense_are_no_room(void **state)
{
    static const uint64_t tails[] = {
        1, 8, 15, 17, SIZE + 1, SIZE + 16, 1ULL << 32, 1ULL << 63, UINT64_MAX - 15, UINT64_MAX};
    struct guarded g = guarded_open(MEMORY);

    (void)state;
    for (size_t i = 0; i < COUNT(tails); i++) {
        atomic_store(&g.ring->tail, tails[i]);
        if (put_record(&g, 1, 8))
            fail_msg("tail %llu is taken", (unsigned long long)tails[i]);
    }
    atomic_store(&g.ring->tail, 0);
    assert_true(put_record(&g, 1, 8));
    guarded_close(&g);
}

/* -- At random, before a guard page ---------------------------------------------------------- */

static uint64_t any_word(struct dice *dice)
{
    switch (dice_below(dice, 6)) {
    case 0:
        return wrap;
    case 1:
        return dice_next(dice);
    case 2:
        return SIZE - 32 + dice_below(dice, 64);
    case 3:
        return 16 * dice_below(dice, SIZE / 16 + 2);
    default:
        return dice_below(dice, 200);
    }
}

/* Reads every byte of the record, so that one outside would be a crash. */
static void expect_inside(const struct guarded *g, struct str record)
{
    const char *from = (const char *)g->ring->bytes;
    unsigned sum = 0;

    assert_in_range((uintptr_t)record.at, (uintptr_t)from, (uintptr_t)from + SIZE);
    assert_in_range(record.len, 0, SIZE - (size_t)(record.at - from));
    for (size_t i = 0; i < record.len; i++)
        sum += (unsigned char)record.at[i];
    assert_in_range(sum, 0, 255 * SIZE);
}

static void a_reader_stays_inside_whatever_lies_there(void **state)
{
    struct guarded g = guarded_open(MEMORY);
    struct dice dice = {17};
    struct str record;
    int corrupt = 0, records = 0;

    (void)state;
    for (int round = 0; round < 5000; round++) {
        guarded_reset(&g);
        for (uint64_t at = 0; at < SIZE; at += 16)
            put_word(&g, at, any_word(&dice));
        for (int i = 0; i < 20; i++) {
            atomic_store(&g.ring->head, any_word(&dice));
            enum ring_state got = ring_read(&g.reader, &record);
            if (got == RING_RECORD) {
                expect_inside(&g, record);
                ring_consume(&g.reader, record);
            }
            records += got == RING_RECORD;
            corrupt += got == RING_CORRUPT;
        }
    }
    assert_in_range(records, 1000, INT32_MAX);
    assert_in_range(corrupt, 1000, INT32_MAX);
    guarded_close(&g);
}

static void a_writer_stays_inside_whatever_the_tail_is(void **state)
{
    struct guarded g = guarded_open(MEMORY);
    struct dice dice = {18};
    int written = 0;

    (void)state;
    for (int round = 0; round < 100000; round++) {
        if (dice_below(&dice, 3))
            atomic_store(&g.ring->tail, any_word(&dice));
        written += put_record(&g, 1, dice_size(&dice, SIZE));
        assert_in_range(g.writer.at, 0, SIZE - 16);
    }
    assert_in_range(written, 2000, INT32_MAX);
    guarded_close(&g);
}

/* A ring that is trimmed: whatever the tail, what lies around the ring stays. */
static void trimming_stays_inside_whatever_the_tail_is(void **state)
{
    struct guarded g = guarded_open(ring_memory(RECORD_MOST));
    struct dice dice = {19};

    (void)state;
    for (int round = 0; round < 1000; round++) {
        uint64_t tails[] = {g.writer.at, 0, 16 * dice_below(&dice, (size_t)g.writer.size / 16)};

        atomic_store(&g.ring->tail, tails[dice_below(&dice, COUNT(tails))]);
        put_record(&g, 1, dice_below(&dice, 4) ? 100 : RECORD_MOST);
        assert_in_range(g.writer.at, 0, g.writer.size - 16);
        assert_in_range(g.writer.high, 0, g.writer.size);
    }
    guarded_close(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(heads_that_make_no_sense_are_corrupt),
        cmocka_unit_test(lengths_that_reach_past_the_head_are_corrupt),
        cmocka_unit_test(wraps_are_checked_as_records_are),
        cmocka_unit_test(a_reader_at_the_end_finds_no_length_there),
        cmocka_unit_test(tails_that_make_no_sense_are_no_room),
        cmocka_unit_test(a_reader_stays_inside_whatever_lies_there),
        cmocka_unit_test(a_writer_stays_inside_whatever_the_tail_is),
        cmocka_unit_test(trimming_stays_inside_whatever_the_tail_is),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
