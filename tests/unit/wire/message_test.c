/* message_test.c - messages: what is written comes back, what is malformed is refused. */
/* SPDX-License-Identifier: MIT */
#include "ring_fixture.h"

#include <stdlib.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/log.h"
#include "wire/message.h"

/* -- Whole messages -------------------------------------------------------------------------- */

static void a_message_comes_back_as_it_was_written(void **state)
{
    static const struct str texts[][MESSAGE_TEXTS] = {
        {{NULL, 0}, {NULL, 0}, {NULL, 0}},
        {STR("a"), {NULL, 0}, STR("c")},
        {{NULL, 0}, STR("middle\0text"), {NULL, 0}},
        {STR("one"), STR("two"), STR("three")},
    };
    struct guarded g = guarded_open(ring_memory(1000));

    (void)state;
    for (size_t i = 0; i < COUNT(texts); i++) {
        struct message m = {.type = MESSAGE_CALL, .code = CALL_RUN, .call = 7 + i, .version = 9};
        struct message back;
        struct str record, got[MESSAGE_TEXTS];

        m.call_of.deadline_ns = UINT64_MAX;
        m.call_of.memory_bytes = 1ULL << 40;
        m.call_of.warm = 1;
        m.call_of.count = UINT32_MAX;
        assert_true(message_write(&g.writer, &m, texts[i]));
        assert_int_equal(ring_read(&g.reader, &record), RING_RECORD);
        assert_true(message_parse(record, &back, got));
        assert_memory_equal(&back, &m, sizeof(m));
        for (size_t k = 0; k < MESSAGE_TEXTS; k++)
            expect_str(got[k], texts[i][k]);
        ring_consume(&g.reader, record);
    }
    guarded_close(&g);
}

static void a_message_waits_while_the_ring_is_full(void **state)
{
    const struct str texts[MESSAGE_TEXTS] = {STR("text")};
    struct guarded g = guarded_open(4096);
    struct message m = {.type = MESSAGE_LOG};
    struct str record;
    int written = 0;

    (void)state;
    while (message_write(&g.writer, &m, texts))
        written++;
    assert_in_range(written, 10, 100);
    assert_int_equal(ring_read(&g.reader, &record), RING_RECORD);
    ring_consume(&g.reader, record);
    assert_int_equal(ring_read(&g.reader, &record), RING_RECORD);
    ring_consume(&g.reader, record);
    assert_true(message_write(&g.writer, &m, texts));
    guarded_close(&g);
}

/* -- Malformed ones -------------------------------------------------------------------------- */

static bool parses(const struct message *m, size_t texts_len)
{
    char record[sizeof(*m) + 64] = {0};
    struct message back;
    struct str texts[MESSAGE_TEXTS];

    memcpy(record, m, sizeof(*m));
    return message_parse((struct str){record, sizeof(*m) + texts_len}, &back, texts);
}

static void lengths_must_add_up(void **state)
{
    static const struct {
        uint32_t len[MESSAGE_TEXTS];
        size_t texts_len;
        bool sound;
    } cases[] = {
        {{0, 0, 0}, 0, true},
        {{0, 0, 0}, 1, false},
        {{1, 0, 0}, 0, false},
        {{0, 1, 0}, 0, false},
        {{0, 0, 1}, 0, false},
        {{1, 2, 3}, 6, true},
        {{1, 2, 3}, 5, false},
        {{1, 2, 3}, 7, false},
        {{7, 0, 0}, 6, false},
        {{6, 0, 0}, 6, true},
        {{0, 0, 6}, 6, true},
        {{UINT32_MAX, 0, 0}, 6, false},
        {{UINT32_MAX, 7, 0}, 6, false}, /* 6 when added up in 32 bits */
        {{3, UINT32_MAX, 4}, 6, false},
        {{0, 6, UINT32_MAX}, 6, false},
        {{1U << 31, 1U << 31, 6}, 6, false},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct message m = {.type = MESSAGE_RESULT};

        memcpy(m.text_len, cases[i].len, sizeof(m.text_len));
        if (parses(&m, cases[i].texts_len) != cases[i].sound)
            fail_msg("case %zu", i);
    }
}

static void a_cut_record_is_no_message(void **state)
{
    struct message m = {.type = MESSAGE_RESULT}, back;
    struct str texts[MESSAGE_TEXTS];

    (void)state;
    for (size_t len = 0; len < sizeof(m); len++)
        assert_false(message_parse((struct str){(const char *)&m, len}, &back, texts));
    assert_true(message_parse((struct str){(const char *)&m, sizeof(m)}, &back, texts));
    assert_false(message_parse((struct str){NULL, 0}, &back, texts));
}

static void types_and_codes_are_known_ones(void **state)
{
    static const struct {
        uint32_t type, code;
        bool sound;
    } cases[] = {
        {MESSAGE_CODE, 0, true},
        {MESSAGE_TYPES - 1, 0, true},
        {MESSAGE_TYPES, 0, false},
        {UINT32_MAX, 0, false},
        {MESSAGE_CALL, CALL_KINDS - 1, true},
        {MESSAGE_CALL, CALL_KINDS, false},
        {MESSAGE_CALL, UINT32_MAX, false},
        {MESSAGE_DONE, ERR_NONE, true},
        {MESSAGE_DONE, ERR_COUNT - 1, true},
        {MESSAGE_DONE, ERR_COUNT, false},
        {MESSAGE_DONE, UINT32_MAX, false},
        {MESSAGE_LOG, LOG_ERROR, true},
        {MESSAGE_LOG, LOG_ERROR + 1, false},
        {MESSAGE_LOG, UINT32_MAX, false},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct message m = {.type = cases[i].type, .code = cases[i].code};

        if (parses(&m, 0) != cases[i].sound)
            fail_msg("type %u with code %u", cases[i].type, cases[i].code);
    }
}

/* The worker reads the code of a RESULT as an error's, so it must be one. */
static void the_code_of_a_result_is_an_error_code(void **state)
{
    struct message m = {.type = MESSAGE_RESULT, .code = ERR_COUNT - 1};

    (void)state;
    assert_true(parses(&m, 0));
    m.code = ERR_COUNT;
    assert_false(parses(&m, 0));
}

/* -- Modules --------------------------------------------------------------------------------- */

static void modules_come_back_in_order(void **state)
{
    static const struct str modules[][2] = {
        {STR("text.words"), STR("return {}")}, {STR("empty"), STR("")}, {STR("nul"), STR("a\0b")}};
    struct buf b = {0};
    struct str name, text;

    (void)state;
    for (size_t i = 0; i < COUNT(modules); i++)
        message_put_module(&b, modules[i][0], modules[i][1]);
    struct str rest = buf_str(&b);
    for (size_t i = 0; i < COUNT(modules); i++) {
        assert_true(message_next_module(&rest, &name, &text));
        expect_str(name, modules[i][0]);
        expect_str(text, modules[i][1]);
    }
    assert_false(message_next_module(&rest, &name, &text));
    assert_int_equal(rest.len, 0);
    buf_fini(&b);
}

/* Each in memory of its own size, so that a byte read too many is seen. */
static void cut_modules_are_refused(void **state)
{
    struct buf b = {0};
    struct str name, text;

    (void)state;
    message_put_module(&b, STR("name"), STR("text"));
    for (size_t len = 0; len <= b.len; len++) {
        char *copy = malloc(len ? len : 1);
        struct str rest = {copy, len};

        memcpy(copy, b.at, len);
        assert_int_equal(message_next_module(&rest, &name, &text), len == b.len);
        free(copy);
    }
    struct str too_long = STR("\xFF\xFF\xFF\xFFname");
    assert_false(message_next_module(&too_long, &name, &text));
    buf_fini(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_comes_back_as_it_was_written),
        cmocka_unit_test(a_message_waits_while_the_ring_is_full),
        cmocka_unit_test(lengths_must_add_up),
        cmocka_unit_test(a_cut_record_is_no_message),
        cmocka_unit_test(types_and_codes_are_known_ones),
        cmocka_unit_test(the_code_of_a_result_is_an_error_code),
        cmocka_unit_test(modules_come_back_in_order),
        cmocka_unit_test(cut_modules_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
