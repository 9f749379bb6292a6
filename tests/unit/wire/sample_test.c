/* sample_test.c - samples through a ring. */
/* SPDX-License-Identifier: MIT */
#include "wire/sample.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct ring *ring;
static size_t memory;

static int open_ring(void **state)
{
    (void)state;
    memory = ring_memory(sample_record_max());
    ring = aligned_alloc(64, memory);
    memset(ring, 0, memory);
    return ring == NULL;
}

static int close_ring(void **state)
{
    (void)state;
    free(ring);
    return 0;
}

static struct sample usual(void)
{
    return (struct sample){.type = SAMPLE_ALLOC,
                           .start = START_WARM,
                           .count = 3,
                           .value = 524288,
                           .function = str_of("hash"),
                           .frames = str_of("worker\nrun\nhandler\thash.lua\t12\n"),
                           .pcs = {0x1000, 0x2000},
                           .pc_count = 2,
                           .leaf = str_of("[gc]")};
}

static void test_sample_is_read_as_written(void **state)
{
    struct ring_end writer = ring_end_of(ring, memory), reader = writer;
    struct sample in = usual(), out;
    struct str record;

    (void)state;
    assert_true(sample_write(&writer, &in));
    assert_int_equal(ring_read(&reader, &record), RING_RECORD);
    assert_true(sample_parse(record, &out));
    assert_int_equal(out.type, in.type);
    assert_int_equal(out.start, in.start);
    assert_int_equal(out.count, in.count);
    assert_int_equal(out.value, in.value);
    assert_int_equal(out.pc_count, 2);
    assert_int_equal(out.pcs[1], 0x2000);
    assert_true(str_equal(out.function, in.function));
    assert_true(str_equal(out.frames, in.frames));
    assert_true(str_equal(out.leaf, in.leaf));
}

static void test_largest_sample_fits_and_larger_ones_are_dropped(void **state)
{
    static char frames[SAMPLE_FRAMES_BYTES + 1], name[SAMPLE_NAME_MAX + 1];
    struct sample largest = usual();

    (void)state;
    largest.frames = (struct str){frames, SAMPLE_FRAMES_BYTES};
    largest.function = largest.leaf = (struct str){name, SAMPLE_NAME_MAX};
    largest.pc_count = SAMPLE_PCS;
    struct ring_end writer = ring_end_of(ring, memory);
    assert_true(sample_write(&writer, &largest));
    struct sample larger[] = {largest, largest, largest, largest};
    larger[0].frames.len++;
    larger[1].function.len++;
    larger[2].leaf.len++;
    larger[3].pc_count++;
    for (size_t i = 0; i < sizeof(larger) / sizeof(*larger); i++)
        assert_false(sample_write(&writer, &larger[i]));
}

static void test_what_is_no_sample_is_refused(void **state)
{
    struct ring_end writer = ring_end_of(ring, memory), reader = writer;
    struct sample in = usual(), out;
    struct str record;

    (void)state;
    assert_true(sample_write(&writer, &in));
    assert_int_equal(ring_read(&reader, &record), RING_RECORD);
    unsigned char *bytes = malloc(record.len);
    assert_non_null(bytes);
    memcpy(bytes, record.at, record.len);
    for (size_t len = 0; len < record.len; len++) {
        unsigned char *cut = malloc(len ? len : 1); /* so that reading past it is seen */
        assert_non_null(cut);
        memcpy(cut, bytes, len);
        assert_false(sample_parse((struct str){(char *)cut, len}, &out));
        free(cut);
    }
    for (size_t at = 0; at < 4; at++) { /* the type and the start */
        bytes[at + (at & 4)] = 0xff;
        assert_false(sample_parse((struct str){(char *)bytes, record.len}, &out));
    }
    free(bytes);
}

static void test_writer_goes_on_after_one_that_died(void **state)
{
    struct ring_end reader = ring_end_of(ring, memory);
    struct sample in = usual(), out;
    struct str record;

    (void)state;
    for (int i = 0; i < 100; i++) {
        struct ring_end writer = ring_writer_after(ring, memory);
        in.count = (uint64_t)i;
        assert_true(sample_write(&writer, &in));
        if (i % 2)
            for (int j = i - 1; j <= i; j++) {
                assert_int_equal(ring_read(&reader, &record), RING_RECORD);
                assert_true(sample_parse(record, &out));
                assert_int_equal(out.count, j);
                ring_consume(&reader, record);
            }
    }
    assert_true(ring_is_empty(&reader));
}

static void test_reader_goes_on_after_one_that_died(void **state)
{
    struct ring_end writer = ring_end_of(ring, memory);
    struct sample in = usual(), out;
    struct str record;

    (void)state;
    for (uint64_t i = 0; i < 100; i++) {
        in.count = i;
        assert_true(sample_write(&writer, &in));
        struct ring_end reader = ring_reader_after(ring, memory);
        assert_int_equal(ring_read(&reader, &record), RING_RECORD);
        assert_true(sample_parse(record, &out));
        assert_int_equal(out.count, i);
        ring_consume(&reader, record);
    }
    atomic_store(&ring->tail, UINT64_MAX - 15); /* a multiple, but outside */
    assert_int_equal(ring_reader_after(ring, memory).at, 0);
}

static void test_reader_skips_to_where_the_next_writer_goes_on(void **state)
{
    const uint64_t size = ring_end_of(ring, memory).size;
    const uint64_t heads[] = {0,          16,   17,        4096,     UINT64_MAX - 15,
                              UINT64_MAX, size, size - 16, size + 16};
    struct sample in = usual(), out;
    struct str record;

    (void)state;
    for (size_t i = 0; i < sizeof(heads) / sizeof(*heads); i++) {
        struct ring_end reader = ring_end_of(ring, memory);

        atomic_store(&ring->head, heads[i]);
        ring_skip(&reader);
        struct ring_end writer = ring_writer_after(ring, memory);
        assert_true(sample_write(&writer, &in));
        assert_int_equal(ring_read(&reader, &record), RING_RECORD);
        assert_true(sample_parse(record, &out));
        ring_consume(&reader, record);
        assert_true(ring_is_empty(&reader));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_sample_is_read_as_written, open_ring, close_ring),
        cmocka_unit_test_setup_teardown(test_largest_sample_fits_and_larger_ones_are_dropped,
                                        open_ring, close_ring),
        cmocka_unit_test_setup_teardown(test_what_is_no_sample_is_refused, open_ring, close_ring),
        cmocka_unit_test_setup_teardown(test_writer_goes_on_after_one_that_died, open_ring,
                                        close_ring),
        cmocka_unit_test_setup_teardown(test_reader_goes_on_after_one_that_died, open_ring,
                                        close_ring),
        cmocka_unit_test_setup_teardown(test_reader_skips_to_where_the_next_writer_goes_on,
                                        open_ring, close_ring),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
