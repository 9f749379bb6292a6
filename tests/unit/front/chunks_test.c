/* chunks_test.c - which chunked bodies are taken, and what they come to. */
/* SPDX-License-Identifier: MIT */
#include "../base/cases.h"

#include "front/chunks.h"

static const struct {
    const char *raw, *body;
    long rest; /* bytes behind the body; -1: malformed, -2: unfinished */
} cases[] = {
    {"0\r\n\r\n", "", 0},
    {"2\r\n{}\r\n0\r\n\r\n", "{}", 0},
    {"2\r\n{}\r\n0\r\n\r\nGET", "{}", 3},
    {"1\r\na\r\n00000000000000B\r\n12345678901\r\n000\r\n\r\n", "a12345678901", 0},
    {"a;x=\"y\";z\r\n0123456789\r\n0;w\r\n\r\n", "0123456789", 0},
    {"1\r\na\r\n0\r\nTrailer: x\r\nOther:\ty\r\n\r\nG", "a", 1},
    {"", "", -2},
    {"2", "", -2},
    {"2\r\n{", "{", -2},
    {"2\r\n{}\r\n0\r\n", "{}", -2},
    {"2\r\n{}\r\n0\r\n\r", "{}", -2},
    {"0\r\nTrailer: x\r\n", "", -2},
    {"\r\n", "", -1},
    {";\r\n", "", -1},
    {"-2\r\n", "", -1},
    {"+2\r\n", "", -1},
    {"0x2\r\n{}\r\n", "", -1},
    {" 2\r\n", "", -1},
    {"2 \r\n", "", -1},
    {"2\n{}\r\n0\r\n\r\n", "", -1},
    {"2\r{}", "", -1},
    {"2;x\n{}\r\n0\r\n\r\n", "", -1},
    {"2;\x01\r\n", "", -1},
    {"2\r\n{}\n0\r\n\r\n", "{}", -1},
    {"2\r\n{}\r\r\n0\r\n\r\n", "{}", -1},
    {"2\r\n{}}\r\n", "{}", -1},
    {"0\r\n\n", "", -1},
    {"0\n\r\n", "", -1},
    {"0\r\nTrailer: x\n\r\n", "", -1},
    {"0\r\n\r\r\n", "", -1},
    {"0\r\na\rb\r\n", "", -1},
    {"0000000000000000\r\n", "", -1},
    {"FFFFFFFFFFFFFFFE\r\n", "", -1},
};

static void a_body_comes_out_or_is_malformed(void **state)
{
    char text[256];

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct chunks c = {.consume_trailer = 1};
        size_t size = strlen(cases[i].raw);

        memcpy(text, cases[i].raw, size);
        long rest = phr_decode_chunked(&c, text, &size);
        if (rest != cases[i].rest || size != strlen(cases[i].body) ||
            memcmp(text, cases[i].body, size) != 0)
            fail_msg("case %zu: %ld, %zu bytes", i, rest, size);
    }
}

/* Gives `count` bytes of an extension, or of a trailer, behind `start`. */
static ssize_t decode_extra(const char *start, size_t count)
{
    static char text[CHUNKS_EXTRA_MAX + 64];
    struct chunks c = {.consume_trailer = 1};
    size_t len = strlen(start), size = len + count;

    memcpy(text, start, len);
    memset(text + len, 'x', count);
    return phr_decode_chunked(&c, text, &size);
}

static void extensions_and_trailers_have_a_bound(void **state)
{
    (void)state;
    assert_int_equal(decode_extra("2;", CHUNKS_EXTRA_MAX), -2);
    assert_int_equal(decode_extra("2;", CHUNKS_EXTRA_MAX + 1), -1);
    assert_int_equal(decode_extra("0\r\n", CHUNKS_EXTRA_MAX), -2);
    assert_int_equal(decode_extra("0\r\n", CHUNKS_EXTRA_MAX + 1), -1);
    assert_int_equal(decode_extra("0;x\r\n", CHUNKS_EXTRA_MAX), -1);
}

static void a_trailer_may_be_left_to_the_caller(void **state)
{
    char text[] = "1\r\na\r\n0\r\nrest";
    struct chunks c = {.consume_trailer = 0};
    size_t size = strlen(text);

    (void)state;
    assert_int_equal(phr_decode_chunked(&c, text, &size), 4);
    assert_int_equal(size, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_body_comes_out_or_is_malformed),
        cmocka_unit_test(extensions_and_trailers_have_a_bound),
        cmocka_unit_test(a_trailer_may_be_left_to_the_caller),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
