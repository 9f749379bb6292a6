/* select.c - the largest samples first, as long as there is room. */
/* SPDX-License-Identifier: MIT */
#include "profile/select.h"

#include <stdlib.h>

/* Bytes in the encoded profile, not less than anything takes: numbers of texts, frames and
 * functions have at most 3 bytes, amounts at most 9. */
enum {
    HEAD_BYTES = 1024,
    SAMPLE_BYTES = 48, /* and the numbers of its frames */
    FRAME_BYTES = 36,  /* a location, its line and its function */
    TEXT_BYTES = 4     /* and the text */
};

bool select_takes(const struct entry *e, const struct pprof_query *q, uint32_t function)
{
    return e->type == q->type && (!q->function.len || e->function == function) &&
           (q->start == START_NONE || e->start == q->start);
}

static struct selected_group *group_at(const struct selection *s, uint32_t group)
{
    return (struct selected_group *)s->groups.at + group;
}

static uint32_t group_of(struct selection *s, const struct entry *e)
{
    const struct selected_group new = {e->function, e->start, {0}};
    uint32_t hash = index_hash(&new, offsetof(struct selected_group, other)), number;
    size_t at = 0;

    while ((number = index_next(&s->by_group, hash, &at)) != INDEX_NONE)
        if (group_at(s, number)->function == e->function && group_at(s, number)->start == e->start)
            return number;
    number = (uint32_t)(s->groups.len / sizeof(new));
    buf_put(&s->groups, &new, sizeof(new));
    index_add(&s->by_group, hash, number);
    return number;
}

static void merge(struct selection *s, const struct selected_row *row)
{
    amount_add(&group_at(s, row->group)->other, row->amount);
}

static void find_rows(struct selection *s, struct table *t, const struct pprof_query *q)
{
    uint32_t function = table_find_text(t, q->function);

    for (size_t i = 0; i < table_entries(t); i++) {
        const struct entry *e = table_entry(t, i);
        struct amount amount = table_since(t, i, q->before);

        if (!select_takes(e, q, function) || (!amount.count && !amount.value))
            continue;
        const struct selected_row row = {e->stack, group_of(s, e), amount};
        if (row.stack == TABLE_OTHER)
            merge(s, &row);
        else
            buf_put(&s->rows, &row, sizeof(row));
    }
}

static int compare_rows(const void *a, const void *b)
{
    const struct selected_row *x = a, *y = b;

    if (x->amount.value != y->amount.value)
        return x->amount.value < y->amount.value ? 1 : -1;
    if (x->amount.count != y->amount.count)
        return x->amount.count < y->amount.count ? 1 : -1;
    return (x->stack > y->stack) - (x->stack < y->stack);
}

static size_t text_cost(const struct selection *s, const struct table *t, uint32_t text)
{
    return s->has_text.at[text] ? 0 : table_text(t, text).len + TEXT_BYTES;
}

static size_t number_cost(uint32_t frame)
{
    return frame + 1 < 1 << 7 ? 1 : frame + 1 < 1 << 14 ? 2 : 3;
}

/* Bytes that a sample of this stack adds. */
static size_t cost(const struct selection *s, const struct table *t, uint32_t stack)
{
    uint32_t count;
    const uint32_t *frames = table_stack(t, stack, &count);
    size_t bytes = SAMPLE_BYTES;

    for (uint32_t i = 0; i < count; i++) {
        const struct frame *f = table_frame(t, frames[i]);

        bytes += number_cost(frames[i]);
        if (!s->has_frame.at[frames[i]])
            bytes += FRAME_BYTES + text_cost(s, t, f->name) + text_cost(s, t, f->file);
    }
    return bytes;
}

static void take_stack(struct selection *s, const struct table *t, uint32_t stack)
{
    uint32_t count;
    const uint32_t *frames = table_stack(t, stack, &count);

    for (uint32_t i = 0; i < count; i++) {
        const struct frame *f = table_frame(t, frames[i]);

        s->has_frame.at[frames[i]] = s->has_text.at[f->name] = s->has_text.at[f->file] = 1;
    }
}

/* Each group may need a sample for what is merged, so its room is taken first. */
static size_t take_groups(struct selection *s, const struct table *t)
{
    size_t bytes = HEAD_BYTES, count = s->groups.len / sizeof(struct selected_group);

    memset(buf_extend(&s->has_frame, table_frames(t)), 0, table_frames(t));
    memset(buf_extend(&s->has_text, table_texts(t)), 0, table_texts(t));
    for (uint32_t i = 0; i < count; i++) {
        uint32_t function = group_at(s, i)->function;

        bytes += cost(s, t, TABLE_OTHER) + text_cost(s, t, function);
        take_stack(s, t, TABLE_OTHER);
        s->has_text.at[function] = 1;
    }
    return bytes;
}

void select_rows(struct selection *s, struct table *t, const struct pprof_query *query)
{
    find_rows(s, t, query);
    size_t count = s->rows.len / sizeof(struct selected_row);
    size_t groups = s->groups.len / sizeof(struct selected_group);
    struct selected_row *rows = (struct selected_row *)s->rows.at;
    if (count)
        qsort(rows, count, sizeof(*rows), compare_rows);
    size_t bytes = take_groups(s, t);
    size_t samples = count + groups > PPROF_SAMPLES_MAX ? PPROF_SAMPLES_MAX - groups : count;
    for (; s->kept < samples; s->kept++) {
        bytes += cost(s, t, rows[s->kept].stack);
        if (bytes > PPROF_BYTES_MAX)
            break;
        take_stack(s, t, rows[s->kept].stack);
    }
    for (size_t i = s->kept; i < count; i++)
        merge(s, &rows[i]);
}

void select_fini(struct selection *s)
{
    buf_fini(&s->groups);
    buf_fini(&s->rows);
    buf_fini(&s->has_frame);
    buf_fini(&s->has_text);
    index_fini(&s->by_group);
}
