/* sample.c - samples as records of a ring. */
/* SPDX-License-Identifier: MIT */
#include "wire/sample.h"

#include <string.h>

enum { TEXTS = 4 };

struct head {
    uint32_t type, start;
    uint64_t count, value;
    uint32_t function_len, frames_len, pc_count, leaf_len;
};

size_t sample_record_max(void)
{
    return sizeof(struct head) + 2 * SAMPLE_NAME_MAX + SAMPLE_FRAMES_BYTES +
           SAMPLE_PCS * sizeof(uint64_t);
}

static bool is_allowed(const struct head *h)
{
    return h->type < SAMPLE_TYPES && h->start < SAMPLE_STARTS &&
           h->function_len <= SAMPLE_NAME_MAX && h->frames_len <= SAMPLE_FRAMES_BYTES &&
           h->pc_count <= SAMPLE_PCS && h->leaf_len <= SAMPLE_NAME_MAX;
}

bool sample_write(struct ring_end *writer, const struct sample *s)
{
    const struct head head = {.type = s->type,
                              .start = s->start,
                              .count = s->count,
                              .value = s->value,
                              .function_len = (uint32_t)s->function.len,
                              .frames_len = (uint32_t)s->frames.len,
                              .pc_count = s->pc_count,
                              .leaf_len = (uint32_t)s->leaf.len};
    const struct str pcs = {(const char *)s->pcs, s->pc_count * sizeof(*s->pcs)};
    const struct str texts[TEXTS] = {pcs, s->function, s->frames, s->leaf};

    return is_allowed(&head) &&
           ring_write(writer, (struct str){(const char *)&head, sizeof(head)}, texts, TEXTS);
}

static struct str take(struct str *rest, size_t len)
{
    struct str taken = {rest->at, len};

    rest->at += len;
    rest->len -= len;
    return taken;
}

bool sample_parse(struct str record, struct sample *s)
{
    struct head h;

    if (record.len < sizeof(h))
        return false;
    memcpy(&h, take(&record, sizeof(h)).at, sizeof(h));
    size_t pcs_len = h.pc_count * sizeof(*s->pcs);
    if (!is_allowed(&h) || record.len != pcs_len + h.function_len + h.frames_len + h.leaf_len)
        return false;
    s->type = (enum sample_type)h.type;
    s->start = (enum sample_start)h.start;
    s->count = h.count;
    s->value = h.value;
    s->pc_count = h.pc_count;
    memcpy(s->pcs, take(&record, pcs_len).at, pcs_len);
    s->function = take(&record, h.function_len);
    s->frames = take(&record, h.frames_len);
    s->leaf = take(&record, h.leaf_len);
    return true;
}
