/* history.h - what came in the last hour, in windows of some seconds. */
/* SPDX-License-Identifier: MIT */
#pragma once

#include "profile/tallies.h"

/* The oldest windows are forgotten, by their age or for want of room. */
enum { HISTORY_WINDOW_S = 5, HISTORY_S = 3600, HISTORY_BYTES_MAX = 8 << 20 };
enum { HISTORY_WINDOWS_MAX = HISTORY_S / HISTORY_WINDOW_S + 1 };

/* What came in it, packed: of entries their values, of tallies their calls. */
struct history_window {
    uint64_t from_ns, to_ns;
    unsigned char *data;
    size_t len;
};

/* One thread. Times are those of clock_now_ns. */
struct history {
    const struct table *table;
    const struct tallies *tallies;
    struct history_window windows[HISTORY_WINDOWS_MAX]; /* a ring; those where nothing came are
                                                         * left out */
    size_t first, count, bytes;
    uint64_t kept_ns;         /* from here on all is known */
    uint64_t from_ns;         /* of the window that goes on, */
    uint64_t samples;         /* and what there was when it began: samples, */
    struct buf values, ended; /* uint64_t each: of entries; of tallies, by start */
    struct buf packed;
};

/* Both are borrowed, and empty. */
void history_init(struct history *h, const struct table *table, const struct tallies *tallies,
                  uint64_t now_ns);
void history_fini(struct history *h);

/* Ends the window when it is time to. Often. */
void history_turn(struct history *h, uint64_t now_ns);

/* What came in a range: uint64_t each, as above. Zeroed before the first use. */
struct history_sum {
    uint64_t from_ns;
    struct buf values, ended;
};

/* From `since_ns` until now; from the start of the window that it is in, or from later on where no
 * more is known: sum->from_ns. */
void history_add_up(const struct history *h, uint64_t since_ns, struct history_sum *sum);
void history_sum_fini(struct history_sum *sum);

/* Calls of `function` ("": all) that ended, with `start` (START_NONE: any). */
uint64_t history_calls(const struct history *h, const struct history_sum *sum, struct str function,
                       enum sample_start start);

/* Bytes of memory. */
size_t history_bytes(const struct history *h);
