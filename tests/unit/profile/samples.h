/* samples.h - what the tests of profiles share: samples made of texts, and stacks as texts. */
/* SPDX-License-Identifier: MIT */
#pragma once

#include "../base/cases.h"

#include <stdio.h>
#include <stdlib.h>

#include "profile/symbols.h"
#include "profile/table.h"

static struct symbols symbols;
static struct table table;

static inline int open_table(void **state)
{
    (void)state;
    symbols_init(&symbols);
    table_init(&table, &symbols);
    return 0;
}

static inline int close_table(void **state)
{
    (void)state;
    table_fini(&table);
    symbols_fini(&symbols);
    return 0;
}

/* Without addresses. */
static inline struct sample sample_of(const char *function, const char *frames)
{
    return (struct sample){.type = SAMPLE_CPU,
                           .count = 1,
                           .value = 10000000,
                           .function = str_of(function),
                           .frames = str_of(frames)};
}

/* "name;name@file:line", into `text`. */
static inline void stack_text(const struct table *t, uint32_t stack, struct buf *text)
{
    uint32_t count;
    const uint32_t *frames = table_stack(t, stack, &count);

    buf_clear(text);
    for (uint32_t i = 0; i < count; i++) {
        const struct frame *f = table_frame(t, frames[i]);

        buf_format(text, "%s%.*s", i ? ";" : "", STR_ARG(table_text(t, f->name)));
        if (f->file || f->line)
            buf_format(text, "@%.*s:%u", STR_ARG(table_text(t, f->file)), f->line);
    }
    buf_put(text, "", 1);
}

/* Everything in the table of this function; NULL: of all. */
static inline struct amount total(struct table *t, const char *function)
{
    struct amount sum = {0};

    for (size_t i = 0; i < table_entries(t); i++) {
        const struct entry *e = table_entry(t, i);

        if (!function || str_equal(table_text(t, e->function), str_of(function)))
            amount_add(&sum, e->amount);
    }
    return sum;
}
