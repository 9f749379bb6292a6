/* logs.h - what functions logged last, kept in memory; the oldest lines make room for new ones. */
/* SPDX-License-Identifier: MIT */
#pragma once

#include "base/log.h"

enum {
    LOGS_LINES_MAX = 1000,        /* of a function */
    LOGS_TEXT_MAX = 4096,         /* bytes of a line; what is behind them is left out */
    LOGS_OWN_BYTES_MAX = 1 << 20, /* of memory, for a function */
    LOGS_BYTES_MAX = 4 << 20      /* for all of them */
};

struct logged; /* a line in its list */

/* The lines of one function. Zeroed is empty; valid until logs_clear, which has to be its end. */
struct logs {
    struct logged *oldest, *newest;
    size_t count, bytes;
};

struct log_text {
    uint64_t wall_ms;
    enum log_level level;
    struct str call_id, traceparent, text; /* traceparent: may be empty */
};

/* Copies the line. Aborts without memory. */
void logs_add(struct logs *logs, const struct log_text *line);

/* The newest `most`, oldest first. `visit` may add none. */
void logs_each(const struct logs *logs, size_t most,
               void (*visit)(const struct log_text *line, void *data), void *data);

void logs_clear(struct logs *logs);

struct logs_figures {
    size_t lines, bytes;
};

/* Of all functions. */
struct logs_figures logs_figures(void);
