/* head_fuzz.c - any bytes as the head of a request, and what the strict reading promises. */
/* SPDX-License-Identifier: MIT */
#include "fuzz.h"

#include "front/head.h"

/* What is taken has its lines ended by CR LF alone, and says its length once. */
static void expect_plain(struct str raw)
{
    static const struct str end = STR("\r\n\r\n");
    const char *found = memmem(raw.at, raw.len, end.at, end.len);
    int lengths = 0;

    MUST(found);
    raw.len = (size_t)(found - raw.at) + end.len;
    MUST(!memchr(raw.at, '\0', raw.len));
    for (size_t i = 0; i < raw.len; i++) {
        MUST(raw.at[i] != '\n' || raw.at[i - 1] == '\r');
        MUST(raw.at[i] != '\r' || raw.at[i + 1] == '\n');
    }
    while (raw.len) {
        struct str line = str_cut(&raw, '\n');

        lengths += str_starts(line, STR("Content-Length:"));
        lengths += str_starts(line, STR("Transfer-Encoding:"));
    }
    MUST(lengths <= 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *copy = fuzz_copy(data, size);
    struct err err = {.code = ERR_NONE};
    struct str raw = {copy, size};

    if (head_check(raw, &err)) {
        MUST(err.code == ERR_NONE);
        expect_plain(raw);
    } else {
        MUST(err.code == ERR_BAD_REQUEST && err.text[0]);
    }
    free(copy);
    return 0;
}
