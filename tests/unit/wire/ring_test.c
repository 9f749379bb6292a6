/* ring_test.c - records through a ring: order, room, memory, and two threads. */
/* SPDX-License-Identifier: MIT */
#include "ring_fixture.h"

#include <pthread.h>
#include <sched.h>

enum { HEADER = sizeof(struct ring) };

/* -- Order ----------------------------------------------------------------------------------- */

struct sent {
    uint64_t seed;
    size_t len;
};

/* Writes and reads by turns that the dice decide; a plain queue knows what must come out. */
static void run_against_a_queue(size_t memory, size_t len_most, int rounds)
{
    static struct sent queue[1 << 16];
    struct guarded g = guarded_open(memory);
    struct dice dice = {memory};
    size_t put = 0, taken = 0;

    for (int i = 0; i < rounds; i++) {
        struct sent *next = &queue[put % COUNT(queue)], *first = &queue[taken % COUNT(queue)];
        size_t len = dice_size(&dice, len_most);

        assert_int_equal(ring_is_empty(&g.reader), put == taken);
        if (put - taken < COUNT(queue) && dice_below(&dice, 2)) {
            *next = (struct sent){dice_next(&dice), len};
            put += put_record(&g, next->seed, next->len);
        } else if (put > taken) {
            if (!take_record(&g, first->seed, first->len))
                fail_msg("record %zu of %zu bytes is another", taken, first->len);
            taken++;
        }
    }
    assert_in_range(taken, (size_t)rounds / 8, SIZE_MAX);
    guarded_close(&g);
}

static void records_come_out_as_they_went_in(void **state)
{
    static const struct {
        size_t memory, len_most;
        int rounds;
    } cases[] = {
        {HEADER + 64, 8, 100000},
        {HEADER + 128, 40, 100000},
        {HEADER + 256, 100, 100000},
        {4096, 1000, 100000},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++)
        run_against_a_queue(cases[i].memory, cases[i].len_most, cases[i].rounds);
    run_against_a_queue(ring_memory(0), 0, 100000);
    run_against_a_queue(ring_memory(1000), 1000, 200000);
    run_against_a_queue(ring_memory(300000), 300000, 1000);
}

static void a_record_is_its_head_and_its_texts(void **state)
{
    const struct str texts[] = {STR("bc"), {NULL, 0}, STR("d"), STR("")};
    struct guarded g = guarded_open(4096);
    struct str record;

    (void)state;
    assert_int_equal(ring_read(&g.reader, &record), RING_EMPTY);
    assert_true(ring_write(&g.writer, STR("a"), texts, COUNT(texts)));
    assert_true(ring_write(&g.writer, STR(""), NULL, 0));
    assert_int_equal(ring_read(&g.reader, &record), RING_RECORD);
    expect_str(record, STR("abcd"));
    assert_int_equal(ring_read(&g.reader, &record), RING_RECORD);
    expect_str(record, STR("abcd"));
    ring_consume(&g.reader, record);
    assert_int_equal(ring_read(&g.reader, &record), RING_RECORD);
    assert_int_equal(record.len, 0);
    ring_consume(&g.reader, record);
    assert_int_equal(ring_read(&g.reader, &record), RING_EMPTY);
    guarded_close(&g);
}

/* -- Room ------------------------------------------------------------------------------------ */

/* Each record of 16 bytes takes 32; one must stay free, and the room for a wrap mark. */
static void a_full_ring_refuses_and_accepts_later(void **state)
{
    struct guarded g = guarded_open(4096);
    uint64_t put = 0, taken = 0;

    (void)state;
    for (int round = 0; round < 300; round++) {
        while (put_record(&g, put, 16))
            put++;
        assert_in_range(put - taken, (4096 - HEADER) / 32 - 2, (4096 - HEADER) / 32);
        for (int i = 0; i <= round % 7; i++, taken++)
            assert_true(take_record(&g, taken, 16));
        if (round % 7 > 1)
            assert_true(put_record(&g, put++, 16));
    }
    for (; taken < put; taken++)
        assert_true(take_record(&g, taken, 16));
    assert_true(ring_is_empty(&g.reader));
    guarded_close(&g);
}

/* Wherever the ends stand, an empty ring takes the largest record that it was made for. */
static void the_largest_record_fits_into_an_empty_ring(void **state)
{
    static const size_t largest[] = {0, 1, 1000, 32759, 32760, 32768, 32769, 100000, RECORD_MOST};

    (void)state;
    for (size_t i = 0; i < COUNT(largest); i++) {
        struct guarded g = guarded_open(ring_memory(largest[i]));
        struct dice dice = {i + 1};

        for (uint64_t k = 0; k < 40; k++) {
            size_t len = dice_size(&dice, largest[i]);

            if (!put_record(&g, k, largest[i]) || !take_record(&g, k, largest[i]))
                fail_msg("a record of %zu bytes does not get through", largest[i]);
            assert_true(put_record(&g, k, len));
            assert_true(take_record(&g, k, len));
        }
        guarded_close(&g);
    }
}

static void a_record_larger_than_the_ring_is_refused(void **state)
{
    struct guarded g = guarded_open(ring_memory(1000));

    (void)state;
    assert_false(put_record(&g, 1, g.writer.size));
    assert_false(put_record(&g, 1, g.writer.size - 16));
    assert_true(put_record(&g, 1, 1000));
    assert_false(put_record(&g, 2, g.writer.size - 1000));
    assert_true(take_record(&g, 1, 1000));
    guarded_close(&g);
}

/* -- Memory ---------------------------------------------------------------------------------- */

static void a_ring_with_little_in_it_touches_little_memory(void **state)
{
    struct guarded g = guarded_open(ring_memory(64 * RECORD_MOST));

    (void)state;
    for (uint64_t k = 0; k < 100000 / ONE_IN; k++) {
        assert_true(put_record(&g, k, 1000));
        if (k >= 3)
            assert_true(take_record(&g, k - 3, 1000));
    }
    assert_in_range(resident_pages(&g), 1, (RING_WRAP_EARLY + 8 * 1024) / GUARD + 2);
    guarded_close(&g);
}

static void pages_of_large_records_are_given_back(void **state)
{
    struct guarded g = guarded_open(ring_memory(8 * RECORD_MOST));

    (void)state;
    for (int round = 0; round < 3; round++) {
        for (uint64_t k = 0; k < 8; k++)
            assert_true(put_record(&g, k, RECORD_MOST));
        assert_in_range(resident_pages(&g), 8 * RECORD_MOST / GUARD, SIZE_MAX);
        for (uint64_t k = 0; k < 8; k++)
            assert_true(take_record(&g, k, RECORD_MOST));
        for (uint64_t k = 0; k < 1000; k++) {
            assert_true(put_record(&g, k, 1000));
            assert_true(take_record(&g, k, 1000));
        }
        assert_in_range(resident_pages(&g), 1, (RING_WRAP_EARLY + 8 * 1024) / GUARD + 2);
    }
    guarded_close(&g);
}

/* -- Threads --------------------------------------------------------------------------------- */

enum { THREAD_RECORDS = 1000000, THREAD_LEN_MOST = 200 };

/* Both ends draw the lengths from dice of their own that fall alike. */
static void *write_all(void *arg)
{
    struct guarded *g = arg;
    struct dice dice = {5};

    for (uint64_t k = 0; k < THREAD_RECORDS; k++) {
        struct str record = record_of(k, dice_below(&dice, THREAD_LEN_MOST));

        while (!ring_write(&g->writer, record, NULL, 0))
            sched_yield();
    }
    return NULL;
}

static void a_million_records_pass_between_two_threads(void **state)
{
    struct guarded g = guarded_open(8192);
    struct dice dice = {5};
    pthread_t writer;

    (void)state;
    assert_int_equal(pthread_create(&writer, NULL, write_all, &g), 0);
    for (uint64_t k = 0; k < THREAD_RECORDS; k++) {
        size_t len = dice_below(&dice, THREAD_LEN_MOST);

        while (ring_is_empty(&g.reader))
            sched_yield();
        if (!take_record(&g, k, len))
            fail_msg("record %llu is another", (unsigned long long)k);
    }
    pthread_join(writer, NULL);
    assert_true(ring_is_empty(&g.reader));
    guarded_close(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_come_out_as_they_went_in),
        cmocka_unit_test(a_record_is_its_head_and_its_texts),
        cmocka_unit_test(a_full_ring_refuses_and_accepts_later),
        cmocka_unit_test(the_largest_record_fits_into_an_empty_ring),
        cmocka_unit_test(a_record_larger_than_the_ring_is_refused),
        cmocka_unit_test(a_ring_with_little_in_it_touches_little_memory),
        cmocka_unit_test(pages_of_large_records_are_given_back),
        cmocka_unit_test(a_million_records_pass_between_two_threads),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
