/* sample.h - what a process saw of itself, on its way to the collector. */
/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"
#include "wire/ring.h"

/*   type           count         value
 *   SAMPLE_CPU     ticks         ns
 *   SAMPLE_WALL    ticks         ns
 *   SAMPLE_ALLOC   objects       bytes
 *   SAMPLE_MUTEX   contentions   ns waited
 */
enum sample_type { SAMPLE_CPU, SAMPLE_WALL, SAMPLE_ALLOC, SAMPLE_MUTEX, SAMPLE_TYPES };

enum sample_start { START_NONE, START_COLD, START_WARM, SAMPLE_STARTS };

enum { SAMPLE_FRAMES_BYTES = 16 << 10, SAMPLE_PCS = 64, SAMPLE_NAME_MAX = 128 };

/* The stack, root first: `frames`, then `pcs`, then `leaf`. Frames are texts, each ended by a
 * newline: "name", or "name\tfile\tline" of Lua code. `pcs` are addresses in code of this program
 * or of its libraries, the same in all its processes; all but the last are return addresses. */
struct sample {
    enum sample_type type;
    enum sample_start start;
    uint64_t count, value;
    struct str function; /* "": no function's */
    struct str frames;
    uint64_t pcs[SAMPLE_PCS];
    uint32_t pc_count;
    struct str leaf; /* a frame, or "" */
};

/* The largest record. */
size_t sample_record_max(void);

/* False when the ring is full, or the sample is larger than a record may be: it is dropped. */
bool sample_write(struct ring_end *writer, const struct sample *sample);

/* Texts point into the record. False when it is none: nothing in it is trusted. */
bool sample_parse(struct str record, struct sample *sample);
