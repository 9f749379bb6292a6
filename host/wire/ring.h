/* ring.h - records from one process to another through shared memory: one writer, one reader. */
/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

/* Lies in shared memory, followed by its bytes. Positions are offsets into the bytes. Records are
 * contiguous; the writer goes back to the start as soon as it can do so past RING_WRAP_EARLY, so
 * that a ring with little in it touches little memory however large it is. */
struct ring {
    _Alignas(64) _Atomic uint64_t head; /* stored by the writer */
    _Alignas(64) _Atomic uint64_t tail; /* stored by the reader */
    _Alignas(64) unsigned char bytes[];
};

enum { RING_WRAP_EARLY = 32 << 10 };

/* One end of a ring, private to its process: the other side may write anything into shared memory,
 * so the size and an end's own position are kept here and what is read there is checked. */
struct ring_end {
    struct ring *ring;
    uint64_t size;  /* of the bytes */
    uint64_t at;    /* own position */
    uint64_t high;  /* writer: how far the bytes have been touched, */
    uint64_t early; /* and past where it goes back to the start when it can */
};

/* Bytes of shared memory for a ring whose largest record is `record_max`. */
size_t ring_memory(size_t record_max);

/* `ring` becomes empty; nobody may be using it. `memory` is what ring_memory gave. */
void ring_reset(struct ring *ring);

/* An end of a ring that was reset. */
struct ring_end ring_end_of(struct ring *ring, size_t memory);

/* The writer's end of a ring that another one may have written to and left: goes on after the last
 * record that was whole; and fills the ring before it goes back to the start, as its reader comes
 * by now and then. */
struct ring_end ring_writer_after(struct ring *ring, size_t memory);

/* The reader's end of a ring that another one may have read from and left: goes on where it was. */
struct ring_end ring_reader_after(struct ring *ring, size_t memory);

/* Puts `head` and the `count` texts after it in as one record. False when it does not fit now. */
bool ring_write(struct ring_end *writer, struct str head, const struct str *texts, size_t count);

enum ring_state { RING_EMPTY, RING_RECORD, RING_CORRUPT };

/* The next record, in place; it stays until ring_consume. */
enum ring_state ring_read(struct ring_end *reader, struct str *record);
void ring_consume(struct ring_end *reader, struct str record);

/* Leaves out what is there, sense or not: to where ring_writer_after goes on. */
void ring_skip(struct ring_end *reader);

/* Says again how far it was read, should the writer have written to that too: else it could take
 * the ring for full, and nothing would come any more. */
void ring_remind(struct ring_end *reader);

bool ring_is_empty(const struct ring_end *reader);

/* How a reader that waits is woken: a flag in shared memory. The reader raises it with bell_arm,
 * looks at its rings once more, and waits. The writer makes a system call only when it is up. */
struct bell {
    _Alignas(64) _Atomic uint32_t sleeping;
};

void bell_arm(struct bell *bell);
void bell_disarm(struct bell *bell);

/* A reader that waits on an eventfd, among other descriptors. */
void bell_ring(struct bell *bell, int eventfd);

/* A reader that waits on the flag itself, for `timeout_ms` at most. */
void bell_wait(struct bell *bell, int timeout_ms);
void bell_wake(struct bell *bell);
