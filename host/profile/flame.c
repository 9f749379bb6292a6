/* flame.c - stacks as a tree: what begins alike is one node. */
/* SPDX-License-Identifier: MIT */
#include "profile/flame.h"

#include <stdlib.h>

#include "base/clock.h"
#include "profile/select.h"

const char *const flame_types[SAMPLE_TYPES + 1] = {[SAMPLE_CPU] = "cpu",
                                                   [SAMPLE_WALL] = "wall",
                                                   [SAMPLE_ALLOC] = "alloc",
                                                   [SAMPLE_MUTEX] = "mutex"};

/* Numbered from 0, the root, on: a parent comes before its children. */
struct node {
    uint32_t parent, name;   /* name: a text */
    uint32_t child, sibling; /* 0: none */
    uint64_t self, total;
    uint64_t other; /* of children that are left out */
    bool is_left_out;
};

enum { ROOT = 0, BUILT_MAX = 1 << 16 };

struct flame {
    const struct table *table;
    uint32_t other; /* the text "[other]" */
    struct buf nodes;
    struct index by_place;
    struct buf frame_of; /* uint32_t each, by text: the frame's index; 0: none yet */
    struct buf frames;   /* uint32_t each: texts */
};

static struct node *node_at(const struct flame *f, uint32_t node)
{
    return (struct node *)f->nodes.at + node;
}

static uint32_t node_count(const struct flame *f)
{
    return (uint32_t)(f->nodes.len / sizeof(struct node));
}

/* -- The tree -----------------------------------------------------------------------------------
 */

/* INDEX_NONE when it would be past the bound. */
static uint32_t child_of(struct flame *f, uint32_t parent, uint32_t name)
{
    const struct node new = {.parent = parent, .name = name, .sibling = node_at(f, parent)->child};
    uint32_t hash = index_hash(&new, offsetof(struct node, child)), number;
    size_t at = 0;

    while ((number = index_next(&f->by_place, hash, &at)) != INDEX_NONE)
        if (node_at(f, number)->parent == parent && node_at(f, number)->name == name)
            return number;
    number = node_count(f);
    if (number == BUILT_MAX)
        return INDEX_NONE;
    node_at(f, parent)->child = number;
    buf_put(&f->nodes, &new, sizeof(new));
    index_add(&f->by_place, hash, number);
    return number;
}

static void add_stack(struct flame *f, uint32_t stack, uint64_t value)
{
    uint32_t count, node = ROOT;
    const uint32_t *frames = table_stack(f->table, stack, &count);

    for (uint32_t i = 0; i < count; i++) {
        uint32_t child = child_of(f, node, table_frame(f->table, frames[i])->name);

        if (child == INDEX_NONE) {
            node_at(f, node)->other += value;
            return;
        }
        node = child;
    }
    node_at(f, node)->self += value;
}

static void add_up(struct flame *f)
{
    for (uint32_t i = node_count(f); i-- > 0;) {
        struct node *node = node_at(f, i);

        node->total += node->self + node->other;
        if (i != ROOT)
            node_at(f, node->parent)->total += node->total;
    }
}

static void build(struct flame *f, struct table *t, const struct pprof_query *query,
                  const struct buf *values)
{
    const struct node root = {.parent = ROOT};
    uint32_t function = table_find_text(t, query->function);

    buf_put(&f->nodes, &root, sizeof(root));
    for (size_t i = 0; i < values->len / sizeof(uint64_t); i++) {
        const struct entry *e = table_entry(t, i);
        uint64_t value = ((const uint64_t *)values->at)[i];

        if (value && select_takes(e, query, function))
            add_stack(f, e->stack, value);
    }
    add_up(f);
}

/* -- Leaving out --------------------------------------------------------------------------------
 */

/* The largest first; a parent before its children, which are no larger. */
static int compare(const void *a, const void *b, void *flame)
{
    const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    const uint64_t of_x = node_at(flame, x)->total, of_y = node_at(flame, y)->total;

    if (of_x != of_y)
        return of_x < of_y ? 1 : -1;
    return (x > y) - (x < y);
}

/* Half of the nodes are kept: each of them may need one more for what is left out below it. */
static void leave_out(struct flame *f)
{
    uint32_t count = node_count(f), kept = FLAME_NODES_MAX / 2;
    struct buf numbers = {0};

    if (count <= FLAME_NODES_MAX)
        return;
    for (uint32_t i = 0; i < count; i++)
        buf_put(&numbers, &i, sizeof(i));
    qsort_r(numbers.at, count, sizeof(uint32_t), compare, f);
    for (uint32_t i = kept; i < count; i++) {
        struct node *node = node_at(f, ((const uint32_t *)numbers.at)[i]);

        node->is_left_out = true;
        node_at(f, node->parent)->other += node->total;
    }
    buf_fini(&numbers);
}

/* -- JSON ---------------------------------------------------------------------------------------
 */

static uint32_t frame_of(struct flame *f, uint32_t text)
{
    uint32_t *frame = (uint32_t *)f->frame_of.at + text;

    if (!*frame) {
        buf_put(&f->frames, &text, sizeof(text));
        *frame = (uint32_t)(f->frames.len / sizeof(text)); /* after the root's */
    }
    return *frame;
}

static void put_node(struct buf *b, uint32_t frame, uint64_t self)
{
    buf_format(b, "[%u,%llu,[", frame, (unsigned long long)self);
}

static void close_node(struct buf *b)
{
    if (b->at[b->len - 1] == ',')
        b->len--;
    buf_put_str(b, STR("]],"));
}

/* What is left out beside a child of that name becomes part of it. */
static uint64_t take_other(const struct flame *f, struct node *parent, uint32_t name)
{
    uint64_t other = name == f->other ? parent->other : 0;

    parent->other -= other;
    return other;
}

/* Down to the last children, then on with the next one: nothing is put on the stack, for a tree may
 * be deep. */
static void put_tree(struct flame *f, struct buf *b)
{
    uint32_t number = ROOT, next = node_at(f, ROOT)->child;

    put_node(b, 0, node_at(f, ROOT)->self);
    for (;;) {
        struct node *node = node_at(f, number);

        while (next && node_at(f, next)->is_left_out)
            next = node_at(f, next)->sibling;
        if (next) {
            const struct node *child = node_at(f, next);

            put_node(b, frame_of(f, child->name), child->self + take_other(f, node, child->name));
            number = next;
            next = child->child;
            continue;
        }
        if (node->other) {
            put_node(b, frame_of(f, f->other), node->other);
            close_node(b);
        }
        close_node(b);
        if (number == ROOT)
            break;
        next = node->sibling;
        number = node->parent;
    }
    b->len--; /* the comma */
}

static void put_frames(const struct flame *f, struct buf *b)
{
    buf_put_str(b, STR("[\"all\""));
    for (size_t i = 0; i < f->frames.len / sizeof(uint32_t); i++) {
        buf_put_str(b, STR(","));
        buf_put_json(b, table_text(f->table, ((const uint32_t *)f->frames.at)[i]));
    }
    buf_put_str(b, STR("]"));
}

static void put_head(const struct pprof_query *q, uint64_t calls, uint64_t total, struct buf *b)
{
    uint64_t from_ms = q->time_ns / NS_PER_MS, length_ms = q->duration_ns / NS_PER_MS;
    uint64_t to_ms = from_ms + length_ms;

    buf_format(b, "{\"type\":\"%s\",\"unit\":\"%s\",\"from\":%llu,\"to\":%llu,\"seconds\":",
               flame_types[q->type], q->type == SAMPLE_ALLOC ? "bytes" : "nanoseconds",
               (unsigned long long)from_ms, (unsigned long long)to_ms);
    buf_put_decimal(b, length_ms, 3);
    buf_format(b, ",\"calls\":%llu,\"total\":%llu,\"frames\":", (unsigned long long)calls,
               (unsigned long long)total);
}

void flame_encode(struct table *t, const struct pprof_query *query, const struct buf *values,
                  uint64_t calls, struct buf *body)
{
    uint32_t count;
    const uint32_t *other = table_stack(t, TABLE_OTHER, &count);
    struct flame f = {.table = t, .other = table_frame(t, other[0])->name};
    size_t texts = table_texts(t) * sizeof(uint32_t);
    struct buf tree = {0};

    memset(buf_extend(&f.frame_of, texts), 0, texts);
    build(&f, t, query, values);
    leave_out(&f);
    put_tree(&f, &tree);
    put_head(query, calls, node_at(&f, ROOT)->total, body);
    put_frames(&f, body);
    buf_put_str(body, STR(",\"root\":"));
    buf_put_str(body, buf_str(&tree));
    buf_put_str(body, STR("}"));
    buf_fini(&tree);
    buf_fini(&f.nodes);
    buf_fini(&f.frame_of);
    buf_fini(&f.frames);
    index_fini(&f.by_place);
}
