/* message_fuzz.c - any bytes as a ring that the other side has written, and as a message. */
/* SPDX-License-Identifier: MIT */
#include "fuzz.h"

#include <sys/mman.h>

#include "base/err.h"
#include "wire/message.h"

enum { PAGE = 4096, RECORDS_MOST = 1000 };

static void expect_within(struct str part, struct str whole)
{
    MUST(part.at >= whole.at && part.len <= whole.len);
    MUST((size_t)(part.at - whole.at) <= whole.len - part.len);
}

static void parse(struct str record)
{
    struct str texts[MESSAGE_TEXTS], name, text;
    struct message m;
    size_t sum = sizeof(m);

    if (!message_parse(record, &m, texts))
        return;
    MUST(m.type < MESSAGE_TYPES);
    MUST(m.type != MESSAGE_DONE || m.code < ERR_COUNT);
    MUST(m.type != MESSAGE_CALL || m.code < CALL_KINDS);
    for (size_t i = 0; i < MESSAGE_TEXTS; i++) {
        expect_within(texts[i], record);
        sum += texts[i].len;
    }
    MUST(sum == record.len);
    for (struct str rest = texts[2]; message_next_module(&rest, &name, &text);) {
        expect_within(name, texts[2]);
        expect_within(text, texts[2]);
    }
}

/* The bytes of the ring end where a page begins that nobody may touch. The first word of the data
 * is the head, two more move it while reading goes on; the rest lies in the ring. */
static void read_ring(const uint8_t *data, size_t size)
{
    static char *memory;
    uint64_t words[4] = {0};
    struct str record;

    if (!memory) {
        memory = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        MUST(memory != MAP_FAILED);
        MUST(mprotect(memory + PAGE, PAGE, PROT_NONE) == 0);
    }
    struct ring *ring = (struct ring *)memory;
    struct ring_end reader = ring_end_of(ring, PAGE);
    struct str bytes = {(const char *)ring->bytes, reader.size};
    size_t given = size < sizeof(words) ? size : sizeof(words);
    ring_reset(ring);
    memset(ring->bytes, 0, reader.size);
    if (given)
        memcpy(words, data, given);
    if (size > given)
        memcpy(ring->bytes, data + given,
               size - given < reader.size ? size - given : (size_t)reader.size);
    for (int i = 0; i < RECORDS_MOST; i++) {
        atomic_store(&ring->head, words[i % 4]);
        if (ring_read(&reader, &record) != RING_RECORD)
            continue;
        expect_within(record, bytes);
        parse(record);
        ring_consume(&reader, record);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *copy = fuzz_copy(data, size);

    parse((struct str){copy, size});
    free(copy);
    read_ring(data, size);
    return 0;
}
