/* ring_fuzz.c - a ring whose memory the other side changes while it is written and read. */
/* SPDX-License-Identifier: MIT */
#include "fuzz.h"

#include <sys/mman.h>

#include "wire/ring.h"

enum { PAGE = 4096, STEP_BYTES = 4 };
enum { WRITE, READ, POKE, SET_HEAD, SET_TAIL, STEPS };

static struct ring *ring;
static struct ring_end writer, reader;

/* Nobody may touch what lies behind the ring. */
static void open_ring(void)
{
    static char *memory;

    if (!memory) {
        memory = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        MUST(memory != MAP_FAILED);
        MUST(mprotect(memory + PAGE, PAGE, PROT_NONE) == 0);
        ring = (struct ring *)memory;
    }
    ring_reset(ring);
    memset(ring->bytes, 0, PAGE - sizeof(*ring));
    writer = reader = ring_end_of(ring, PAGE);
}

static void expect_within(struct str record)
{
    const char *bytes = (const char *)ring->bytes;

    MUST(record.at >= bytes && record.len <= reader.size);
    MUST((size_t)(record.at - bytes) <= reader.size - record.len);
}

static void read_one(void)
{
    struct str record;

    if (ring_read(&reader, &record) != RING_RECORD)
        return;
    expect_within(record);
    for (size_t i = 0; i < record.len; i++)
        (void)*(const volatile char *)&record.at[i];
    ring_consume(&reader, record);
}

static void step(unsigned what, uint16_t number, uint8_t byte)
{
    static const char text[PAGE];
    const struct str head = {text, byte}, rest = {text, number % PAGE};

    switch (what % STEPS) {
    case WRITE:
        ring_write(&writer, head, &rest, 1);
        break;
    case READ:
        read_one();
        break;
    case POKE:
        ring->bytes[number % (PAGE - sizeof(*ring))] = byte;
        break;
    case SET_HEAD:
        atomic_store(&ring->head, (uint64_t)(int8_t)byte << 32 | number);
        break;
    default:
        atomic_store(&ring->tail, (uint64_t)(int8_t)byte << 32 | number);
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    open_ring();
    for (size_t i = 0; i + STEP_BYTES <= size; i += STEP_BYTES)
        step(data[i], (uint16_t)(data[i + 1] | data[i + 2] << 8), data[i + 3]);
    return 0;
}
