/* collector_hostile_test.c - writers of anything; what they wrote costs themselves alone. */
/* SPDX-License-Identifier: MIT */
#include "collector_fixture.h"

/* What was skipped is over; one that writes from there is heard. */
static void expect_skipped(uint64_t corrupt_before)
{
    struct collector_figures figures;
    struct channel *c = &board.channels[0];
    uint64_t before = cumulative("");

    collector_figures(collector, &figures);
    assert_in_range(figures.corrupt, corrupt_before + 1, UINT64_MAX);
    writers[0] = ring_writer_after(c->samples, c->samples_memory);
    put(0, "f", 7);
    put(1, "f", 70);
    assert_int_equal(cumulative(""), before + 77);
}

static uint64_t corrupt(void)
{
    struct collector_figures figures;

    collector_figures(collector, &figures);
    return figures.corrupt;
}

static void a_head_without_sense_is_skipped(void **state)
{
    const uint64_t size = writers[0].size;
    const uint64_t heads[] = {8, 17, size + 16, UINT64_MAX, UINT64_MAX - 15, size};

    (void)state;
    for (size_t i = 0; i < COUNT(heads); i++) {
        uint64_t before = corrupt();

        put(0, "f", 1000);
        cumulative("");
        memset(board.channels[0].samples->bytes + writers[0].at, 0xEE, 64);
        atomic_store(&board.channels[0].samples->head, heads[i]);
        expect_skipped(before);
    }
}

/* Where it does not matter at first, for the writer has just been read. */
static void a_tail_without_sense_is_put_right(void **state)
{
    const uint64_t size = writers[0].size;
    const uint64_t tails[] = {0, 1, 16, size - 16, size, size + 16, UINT64_MAX, UINT64_MAX - 15};
    struct ring *ring = board.channels[0].samples;

    (void)state;
    for (size_t i = 0; i < COUNT(tails); i++) {
        uint64_t before = cumulative("");

        atomic_store(&ring->tail, tails[i]);
        assert_int_equal(cumulative(""), before);
        assert_int_equal(atomic_load(&ring->tail), writers[0].at);
        put(0, "f", 7);
        assert_int_equal(cumulative(""), before + 7);
    }
    assert_int_equal(corrupt(), 0);
}

static void records_that_are_no_samples_are_skipped(void **state)
{
    static char bytes[1 << 16];
    static const size_t lengths[] = {0, 1, 39, 40, 41, 4096, 33000};

    (void)state;
    for (int fill = 0; fill < 256; fill += 51)
        for (size_t i = 0; i < COUNT(lengths); i++) {
            uint64_t before = corrupt();

            if (!fill && lengths[i] == 40)
                continue; /* that is a sample of nothing */
            memset(bytes, fill, sizeof(bytes));
            assert_true(ring_write(&writers[0], (struct str){bytes, lengths[i]}, NULL, 0));
            expect_skipped(before);
        }
}

static void samples_that_are_cut_off_are_skipped(void **state)
{
    const struct sample s = usual("f", 1000000);
    struct ring_end reader = writers[0];
    char whole[512];
    struct str record;

    (void)state;
    assert_true(sample_write(&writers[0], &s));
    assert_int_equal(ring_read(&reader, &record), RING_RECORD);
    assert_in_range(record.len, 1, sizeof(whole));
    memcpy(whole, record.at, record.len);
    assert_int_equal(cumulative(""), 1000000);
    for (size_t len = 0; len < record.len; len++) {
        uint64_t before = corrupt();

        assert_true(ring_write(&writers[0], (struct str){whole, len}, NULL, 0));
        expect_skipped(before);
    }
}

/* Texts of any bytes are no reason to leave a sample out. */
static void texts_of_any_bytes_become_a_sound_profile(void **state)
{
    struct dice dice = {1};
    char text[SAMPLE_NAME_MAX];

    (void)state;
    for (int i = 0; i < 300; i++) {
        struct sample s = usual("", 1);

        for (size_t j = 0; j < sizeof(text); j++)
            text[j] = (char)dice_next(&dice);
        s.function = (struct str){text, dice_below(&dice, sizeof(text) + 1)};
        s.frames = s.leaf = s.function;
        s.pc_count = (uint32_t)dice_below(&dice, SAMPLE_PCS + 1);
        for (uint32_t j = 0; j < s.pc_count; j++)
            s.pcs[j] = dice_next(&dice);
        assert_true(sample_write(&writers[i % CHANNELS], &s));
        if (i % 10 == 9)
            assert_int_equal(cumulative(""), i + 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_head_without_sense_is_skipped),           TEST(a_tail_without_sense_is_put_right),
        TEST(records_that_are_no_samples_are_skipped),   TEST(samples_that_are_cut_off_are_skipped),
        TEST(texts_of_any_bytes_become_a_sound_profile),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
