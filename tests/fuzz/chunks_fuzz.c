/* chunks_fuzz.c - any bytes as a chunked body: whole or in pieces, the same comes out. */
/* SPDX-License-Identifier: MIT */
#include "fuzz.h"

#include "front/chunks.h"

static ssize_t decode(char *text, size_t len, size_t piece, size_t *size)
{
    struct chunks c = {.consume_trailer = 1};
    size_t from = 0;
    ssize_t rest = -2;

    *size = 0;
    while (from < len && rest == -2) {
        size_t part = len - from < piece ? len - from : piece;

        memmove(text + *size, text + from, part);
        from += part;
        rest = phr_decode_chunked(&c, text + *size, &part);
        *size += part;
    }
    MUST(c.extra <= CHUNKS_EXTRA_MAX + 1);
    return rest < 0 ? rest : rest + (ssize_t)(len - from);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *whole = fuzz_copy(data, size), *pieces = fuzz_copy(data, size);
    size_t whole_size, pieces_size;
    ssize_t rest = decode(whole, size, size ? size : 1, &whole_size);

    MUST(rest == decode(pieces, size, 3, &pieces_size));
    MUST(whole_size == pieces_size && memcmp(whole, pieces, whole_size) == 0);
    MUST(rest < 0 || whole_size + (size_t)rest <= size);
    free(whole);
    free(pieces);
    return 0;
}
