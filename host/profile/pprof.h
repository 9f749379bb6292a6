/* pprof.h - one type of a table's samples as a gzip pprof. */
/* SPDX-License-Identifier: MIT */
#pragma once

#include "profile/table.h"

struct err;

/* What Pyroscope takes. Smaller samples past these are merged into one of a function and start,
 * whose stack is "[other]". */
enum { PPROF_SAMPLES_MAX = 16000, PPROF_BYTES_MAX = 4 << 20 };

struct pprof_query {
    enum sample_type type;
    struct str function;      /* "": all */
    enum sample_start start;  /* START_NONE: all */
    const struct buf *before; /* amounts to take off, by table_snapshot; NULL: none */
    uint64_t period;          /* ns or bytes that a sample stands for; 0: as usual */
    uint64_t time_ns;         /* since 1970, when it begins */
    uint64_t duration_ns;
};

/* Puts a profile into the empty `body`. Fails with ERR_INTERNAL; then it stays empty. */
bool pprof_encode(struct table *t, const struct pprof_query *query, struct buf *body,
                  struct err *err);
