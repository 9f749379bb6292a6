/* ring.c - a single-writer, single-reader ring of records of any length. */
/* SPDX-License-Identifier: MIT */
#include "wire/ring.h"

#include <errno.h>
#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* Each record starts with its length on a multiple of RECORD_ALIGN, so a length always fits before
 * the end of the bytes. WRAP in its place sends the reader back to the start. */
enum { RECORD_ALIGN = 16, TRIM_OVER = 1 << 20, PAGE = 4096 };
static const uint64_t WRAP = UINT64_MAX;

static uint64_t record_size(uint64_t len)
{
    return (sizeof(uint64_t) + len + RECORD_ALIGN - 1) / RECORD_ALIGN * RECORD_ALIGN;
}

size_t ring_memory(size_t record_max)
{
    size_t bytes = 2 * record_size(record_max) + 2 * (size_t)RING_WRAP_EARLY;

    return (sizeof(struct ring) + bytes + PAGE - 1) / PAGE * PAGE;
}

void ring_reset(struct ring *ring)
{
    atomic_store(&ring->head, 0);
    atomic_store(&ring->tail, 0);
}

struct ring_end ring_end_of(struct ring *ring, size_t memory)
{
    uint64_t size = (memory - sizeof(struct ring)) / RECORD_ALIGN * RECORD_ALIGN;

    return (struct ring_end){.ring = ring, .size = size, .early = RING_WRAP_EARLY};
}

/* Where an end is said to be: the start when that makes no sense. */
static uint64_t position(const struct ring_end *end, const _Atomic uint64_t *said)
{
    uint64_t at = atomic_load(said);

    return at <= end->size - RECORD_ALIGN && at % RECORD_ALIGN == 0 ? at : 0;
}

struct ring_end ring_writer_after(struct ring *ring, size_t memory)
{
    struct ring_end writer = ring_end_of(ring, memory);

    writer.at = writer.high = position(&writer, &ring->head);
    writer.early = writer.size;
    return writer;
}

struct ring_end ring_reader_after(struct ring *ring, size_t memory)
{
    struct ring_end reader = ring_end_of(ring, memory);

    reader.at = position(&reader, &ring->tail);
    return reader;
}

/* Gives back the pages that a burst of large records touched, once nobody reads them. */
static void trim(struct ring_end *w)
{
    uintptr_t from = ((uintptr_t)w->ring->bytes + RING_WRAP_EARLY + PAGE - 1) / PAGE * PAGE;
    uintptr_t to = ((uintptr_t)w->ring->bytes + w->high) / PAGE * PAGE;

    if (to > from)
        madvise((void *)from, to - from, MADV_REMOVE);
    w->high = RING_WRAP_EARLY;
}

/* Where a record of `need` bytes goes, or WRAP when there is no room. head == tail means empty, so
 * a record never ends exactly where the tail is. A tail that makes no sense is taken as no room. */
static uint64_t place(struct ring_end *w, uint64_t need)
{
    uint64_t tail = atomic_load_explicit(&w->ring->tail, memory_order_acquire);

    if (tail > w->size || tail % RECORD_ALIGN != 0)
        return WRAP;
    if (w->at < tail)
        return w->at + need < tail ? w->at : WRAP;
    if (w->at >= w->early && need < tail) {
        if (tail == w->at && w->high > TRIM_OVER)
            trim(w);
        return 0;
    }
    if (w->at + need <= w->size - RECORD_ALIGN)
        return w->at;
    return need < tail ? 0 : WRAP;
}

bool ring_write(struct ring_end *writer, struct str head, const struct str *texts, size_t count)
{
    uint64_t len = head.len;

    for (size_t i = 0; i < count; i++)
        len += texts[i].len;
    uint64_t need = record_size(len), at = place(writer, need);
    if (at == WRAP)
        return false;
    unsigned char *p = writer->ring->bytes + at;
    memcpy(p, &len, sizeof(len));
    p += sizeof(len);
    memcpy(p, head.at, head.len);
    p += head.len;
    for (size_t i = 0; i < count; i++) {
        if (texts[i].len)
            memcpy(p, texts[i].at, texts[i].len);
        p += texts[i].len;
    }
    if (at != writer->at)
        memcpy(writer->ring->bytes + writer->at, &WRAP, sizeof(WRAP));
    writer->at = at + need;
    if (writer->at > writer->high)
        writer->high = writer->at;
    atomic_store(&writer->ring->head, writer->at);
    return true;
}

enum ring_state ring_read(struct ring_end *reader, struct str *record)
{
    uint64_t head = atomic_load(&reader->ring->head), len;

    if (head == reader->at)
        return RING_EMPTY;
    if (head > reader->size || head % RECORD_ALIGN != 0 || reader->at + RECORD_ALIGN > reader->size)
        return RING_CORRUPT;
    memcpy(&len, reader->ring->bytes + reader->at, sizeof(len));
    if (len == WRAP) {
        reader->at = 0;
        memcpy(&len, reader->ring->bytes, sizeof(len));
    }
    uint64_t end = head > reader->at ? head : reader->size;
    if (len > reader->size || record_size(len) > end - reader->at)
        return RING_CORRUPT;
    *record =
        (struct str){(const char *)reader->ring->bytes + reader->at + sizeof(len), (size_t)len};
    return RING_RECORD;
}

void ring_consume(struct ring_end *reader, struct str record)
{
    reader->at += record_size(record.len);
    atomic_store_explicit(&reader->ring->tail, reader->at, memory_order_release);
}

void ring_skip(struct ring_end *reader)
{
    reader->at = position(reader, &reader->ring->head);
    atomic_store_explicit(&reader->ring->tail, reader->at, memory_order_release);
}

void ring_remind(struct ring_end *reader)
{
    if (atomic_load_explicit(&reader->ring->tail, memory_order_relaxed) != reader->at)
        atomic_store_explicit(&reader->ring->tail, reader->at, memory_order_release);
}

bool ring_is_empty(const struct ring_end *reader)
{
    return atomic_load(&reader->ring->head) == reader->at;
}

void bell_arm(struct bell *bell)
{
    atomic_store(&bell->sleeping, 1);
}

void bell_disarm(struct bell *bell)
{
    atomic_store_explicit(&bell->sleeping, 0, memory_order_relaxed);
}

static bool is_due(struct bell *bell)
{
    return atomic_load(&bell->sleeping) && atomic_exchange(&bell->sleeping, 0);
}

void bell_ring(struct bell *bell, int eventfd)
{
    uint64_t one = 1;

    if (!is_due(bell))
        return;
    while (write(eventfd, &one, sizeof(one)) < 0 && errno == EINTR)
        ; /* EAGAIN: the counter is full, so the reader wakes anyway */
}

void bell_wait(struct bell *bell, int timeout_ms)
{
    const struct timespec timeout = {.tv_sec = timeout_ms / 1000,
                                     .tv_nsec = timeout_ms % 1000 * 1000000L};

    syscall(SYS_futex, &bell->sleeping, FUTEX_WAIT, 1, &timeout, NULL, 0);
}

void bell_wake(struct bell *bell)
{
    if (is_due(bell))
        syscall(SYS_futex, &bell->sleeping, FUTEX_WAKE, 1, NULL, NULL, 0);
}
