/* select.h - which samples a profile is made of, and which are merged. */
/* SPDX-License-Identifier: MIT */
#pragma once

#include "profile/pprof.h"

/* Samples with the same labels: a function and a start. */
struct selected_group {
    uint32_t function, start;
    struct amount other; /* merged */
};

struct selected_row {
    uint32_t stack, group;
    struct amount amount;
};

/* Zeroed before the first use. */
struct selection {
    struct buf groups, rows; /* rows: largest first; those after `kept` are in their groups */
    size_t kept;
    struct buf has_frame, has_text; /* by number: does the profile need it? */
    struct index by_group;
};

/* Is the entry of what `query` asks for? `function`: the text of its function. */
bool select_takes(const struct entry *e, const struct pprof_query *q, uint32_t function);

/* What `query` asks for, within the bounds of pprof.h. */
void select_rows(struct selection *s, struct table *t, const struct pprof_query *query);
void select_fini(struct selection *s);
