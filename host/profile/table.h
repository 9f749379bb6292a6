/* table.h - samples of all workers, added up by stack, within bounds. */
/* SPDX-License-Identifier: MIT */
#pragma once

#include "profile/index.h"
#include "wire/sample.h"

/* What is past a bound is added to an entry whose stack is the frame "[other]" alone: each type,
 * function and start has one, so no total is wrong. A function past FUNCTIONS is "__other__". Of a
 * stack deeper than DEPTH the middle becomes one frame, "[...]". */
enum {
    TABLE_ENTRIES_MAX = 16384, /* with stacks of their own */
    TABLE_FRAMES_MAX = 65536,
    TABLE_STACK_FRAMES_MAX = 1 << 20, /* of all stacks */
    TABLE_DEPTH_MAX = 256,
    TABLE_FUNCTIONS_MAX = 1024,
    TABLE_TEXT_MAX = 8 << 20 /* bytes of texts, with what each one costs besides */
};

enum { TABLE_OTHER = 0 }; /* the stack "[other]" */

extern const char table_other_function[]; /* "__other__" */

struct symbols;

/* Zeroed by table_init; one thread at a time. All is numbered from 0 and stays until table_fini. */
struct table {
    struct symbols *symbols;
    struct buf text, texts, frames, stack_frames, stacks, entries;
    struct index by_text, by_frame, by_stack, by_entry, by_function;
    size_t functions, own_entries;
    uint64_t samples, folded;
    struct buf clean, seen;
};

struct frame {
    uint32_t name, file, line; /* texts; file "" and line 0: none */
};

/* Cumulative, up to INT64_MAX. */
struct amount {
    uint64_t count, value;
};

void amount_add(struct amount *to, struct amount more);

struct entry {
    uint32_t stack, function; /* function: a text */
    uint32_t type, start;     /* enum sample_type, enum sample_start */
    struct amount amount;
};

/* `symbols`, borrowed, name the addresses of samples. */
void table_init(struct table *t, struct symbols *symbols);
void table_fini(struct table *t);

/* Nothing in the sample is trusted: its texts become valid UTF-8 without control characters. */
void table_add(struct table *t, const struct sample *sample);

size_t table_entries(const struct table *t);
const struct entry *table_entry(const struct table *t, size_t entry);
size_t table_frames(const struct table *t);
const struct frame *table_frame(const struct table *t, uint32_t frame);
size_t table_texts(const struct table *t);
struct str table_text(const struct table *t, uint32_t text); /* ends with a NUL after it */

/* Frames, root first. */
const uint32_t *table_stack(const struct table *t, uint32_t stack, uint32_t *count);

/* The number of a text, INDEX_NONE when it is in no sample. */
uint32_t table_find_text(struct table *t, struct str text);

/* The amounts of all entries as they are now, a struct amount each. */
void table_snapshot(const struct table *t, struct buf *amounts);

/* What an entry has had since that was taken: all of it for NULL, or for one that is newer. */
struct amount table_since(const struct table *t, size_t entry, const struct buf *amounts);

/* Bytes of memory. */
uint64_t table_bytes(const struct table *t);
