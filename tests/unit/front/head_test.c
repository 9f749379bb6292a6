/* head_test.c - which heads of requests are taken, and what the others are told. */
/* SPDX-License-Identifier: MIT */
#include "../base/cases.h"

#include "front/head.h"

#define LINE "POST / HTTP/1.1\r\n"
#define HOST "Host: a\r\n"

static const struct {
    struct str raw;
    const char *wrong; /* NULL: it is taken */
} cases[] = {
    {STR(LINE HOST "\r\n"), NULL},
    {STR(LINE HOST "\r\nwhat comes behind it\n\0\r"), NULL},
    {STR("\r\n" LINE HOST "\r\n"), NULL},
    {STR(LINE "host:\t[::1]:8088 \r\n\r\n"), NULL},
    {STR(LINE "Host:\r\n\r\n"), NULL},
    {STR("GET / HTTP/1.0\r\n\r\n"), NULL},
    {STR("GET / HTTP/1.0\r\n" HOST "Content-Length: 0\r\n\r\n"), NULL},
    {STR(LINE HOST "Content-Length: 123456789012345678\r\n\r\n"), NULL},
    {STR(LINE HOST "content-length:5\r\nContent-Lengths: a\r\n\r\n"), NULL},
    {STR(LINE HOST "TRANSFER-ENCODING: ChunKed\r\n\r\n"), NULL},
    {STR(LINE HOST "X:\r\nY: a : b\r\n\r\n"), NULL},
    /* line ends */
    {{NULL, 0}, "no end"},
    {STR(""), "no end"},
    {STR("\r\n"), "no end"},
    {STR(LINE), "no end"},
    {STR(LINE HOST), "no end"},
    {STR(LINE HOST "\r"), "no end"},
    {STR("\n" LINE HOST "\r\n"), "without CR LF"},
    {STR("POST / HTTP/1.1\n" HOST "\r\n"), "without CR LF"},
    {STR(LINE "Host: a\n\r\n"), "without CR LF"},
    {STR(LINE HOST "\n"), "without CR LF"},
    {STR(LINE "Host: a\r\r\n\r\n"), "a CR inside"},
    {STR(LINE HOST "X: a\rContent-Length: 5\r\n\r\n"), "a CR inside"},
    {STR(LINE HOST "X: a\0b\r\n\r\n"), "a NUL"},
    /* headers */
    {STR(LINE HOST " Content-Length: 5\r\n\r\n"), "second line"},
    {STR(LINE HOST "X: a\r\n\tb\r\n\r\n"), "second line"},
    {STR(LINE HOST "nonsense\r\n\r\n"), "no name"},
    {STR(LINE HOST ": x\r\n\r\n"), "no name"},
    {STR(LINE HOST "Content-Length : 5\r\n\r\n"), "space before a colon"},
    {STR(LINE HOST "Transfer-Encoding\t: chunked\r\n\r\n"), "space before a colon"},
    /* versions */
    {STR("GET /\r\n\r\n"), "no version"},
    {STR("GET / HTTP/2.0\r\n" HOST "\r\n"), "no version"},
    {STR("G\r\n\r\n"), "no version"},
    /* hosts */
    {STR(LINE "\r\n"), "Host is missing"},
    {STR(LINE HOST HOST "\r\n"), "Host is given twice"},
    {STR("GET / HTTP/1.0\r\n" HOST "Host: b\r\n\r\n"), "Host is given twice"},
    {STR(LINE "Host: a b\r\n\r\n"), "Host is no host"},
    {STR(LINE "Host: a, b\r\n\r\n"), "Host is no host"},
    {STR(LINE "Host: a/b\r\n\r\n"), "Host is no host"},
    {STR(LINE "Host: a@b\r\n\r\n"), "Host is no host"},
    /* lengths */
    {STR(LINE HOST "Content-Length: 5\r\nContent-Length: 6\r\n\r\n"), "Content-Length is given"},
    {STR(LINE HOST "Content-Length: 5\r\nContent-Length: 5\r\n\r\n"), "Content-Length is given"},
    {STR(LINE HOST "Content-Length: 5\r\ncontent-length: 5\r\n\r\n"), "Content-Length is given"},
    {STR(LINE HOST "Content-Length:\r\n\r\n"), "no plain number"},
    {STR(LINE HOST "Content-Length: 5, 5\r\n\r\n"), "no plain number"},
    {STR(LINE HOST "Content-Length: 5 5\r\n\r\n"), "no plain number"},
    {STR(LINE HOST "Content-Length: +5\r\n\r\n"), "no plain number"},
    {STR(LINE HOST "Content-Length: -5\r\n\r\n"), "no plain number"},
    {STR(LINE HOST "Content-Length: 0x5\r\n\r\n"), "no plain number"},
    {STR(LINE HOST "Content-Length: 1234567890123456789\r\n\r\n"), "no plain number"},
    {STR(LINE HOST "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n"), "beside"},
    {STR(LINE HOST "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"), "beside"},
    {STR(LINE HOST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n"),
     "Transfer-Encoding is given"},
    {STR(LINE HOST "Transfer-Encoding: identity\r\n\r\n"), "something else"},
    {STR(LINE HOST "Transfer-Encoding: gzip, chunked\r\n\r\n"), "something else"},
    {STR(LINE HOST "Transfer-Encoding: chunked, identity\r\n\r\n"), "something else"},
    {STR(LINE HOST "Transfer-Encoding: xchunked\r\n\r\n"), "something else"},
    {STR(LINE HOST "Transfer-Encoding:\r\n\r\n"), "something else"},
    {STR("POST / HTTP/1.0\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n"), "HTTP/1.0 has"},
};

static void a_head_is_taken_or_told_what_is_wrong(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct err err = {.code = ERR_NONE};
        bool taken = head_check(cases[i].raw, &err);

        if (taken == (cases[i].wrong != NULL))
            fail_msg("case %zu: %s", i, err.text);
        if (taken)
            continue;
        assert_int_equal(err.code, ERR_BAD_REQUEST);
        expect_contains(err.text, cases[i].wrong);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_head_is_taken_or_told_what_is_wrong),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
