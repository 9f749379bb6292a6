/* program.c - reading Lua patterns. */
/* SPDX-License-Identifier: MIT */
#include "worker/program.h"

#include <stdalign.h>
#include <string.h>

/* What is known of a match at each place of a pattern is known when it is read, for a pattern has
 * no branches: which captures are open, which one a ")" closes, which ones "%1" may name. */
struct reader {
    struct program *program;
    const char *at, *end;
    struct op *op; /* the one to fill next */
    struct set *set;
    char *text;
};

/* -- Sets ------------------------------------------------------------------------------------ */

/* What follows the set at `p`, or NULL when it does not end. */
static const char *set_end(const char *p, const char *end)
{
    p++;
    if (p < end && *p == '^')
        p++;
    do {
        if (p == end)
            return NULL;
        if (*p++ == '%' && p < end)
            p++;
    } while (p == end || *p != ']');
    return p + 1;
}

/* Reads "[...]" at the reader. As in Lua, "%" at the end of a range stands for itself, and what
 * follows it is read anew. NULL: it does not end. */
static const struct set *read_set(struct reader *r)
{
    const char *p = r->at, *end = set_end(p, r->end);

    if (!end)
        return NULL;
    struct set *set = r->set++;
    const char *last = end - 1;
    bool inverted = p[1] == '^';
    *set = (struct set){{0}};
    for (p += inverted ? 2 : 1; p < last; p++) {
        if (*p == '%') {
            set_add_class(set, *++p);
        } else if (p[1] == '-' && p + 2 < last) {
            set_add(set, (unsigned char)p[0], (unsigned char)p[2]);
            p += 2;
        } else {
            set_add(set, (unsigned char)*p, (unsigned char)*p);
        }
    }
    if (inverted)
        set_invert(set);
    r->at = end;
    return set;
}

/* -- Operations ------------------------------------------------------------------------------ */

static struct op *add(struct reader *r, enum op_code code)
{
    *r->op = (struct op){.code = (uint8_t)code};
    return r->op++;
}

/* Nothing behind it is ever come to. */
static void add_fault(struct reader *r, enum program_fault fault)
{
    add(r, OP_FAIL)->index = (uint8_t)fault;
    r->at = r->end;
}

static void read_open(struct reader *r)
{
    struct program *p = r->program;
    bool is_place = r->at + 1 < r->end && r->at[1] == ')';

    if (p->level == PROGRAM_CAPTURES) {
        add_fault(r, FAULT_CAPTURES);
        return;
    }
    p->capture_kinds[p->level] = is_place ? OP_PLACE : OP_OPEN;
    add(r, is_place ? OP_PLACE : OP_OPEN)->index = p->level++;
    r->at += is_place ? 2 : 1;
}

static void read_close(struct reader *r)
{
    struct program *p = r->program;
    int i = p->level - 1;

    while (i >= 0 && p->capture_kinds[i] != OP_OPEN)
        i--;
    if (i < 0) {
        add_fault(r, FAULT_CAPTURE);
        return;
    }
    p->capture_kinds[i] = OP_CLOSE;
    add(r, OP_CLOSE)->index = (uint8_t)i;
    r->at++;
}

/* "%1": what a place captured is never found again, but that is no fault. */
static void read_again(struct reader *r)
{
    const struct program *p = r->program;
    int i = r->at[1] - '1';

    if (i < 0 || i >= p->level || p->capture_kinds[i] == OP_OPEN)
        add_fault(r, FAULT_CAPTURE_INDEX);
    else if (p->capture_kinds[i] == OP_PLACE)
        add_fault(r, FAULT_NONE);
    else
        add(r, OP_AGAIN)->index = (uint8_t)i;
    r->at += r->at < r->end ? 2 : 0;
}

static void read_balance(struct reader *r)
{
    if (r->end - r->at < 4) {
        add_fault(r, FAULT_UNBALANCED);
        return;
    }
    struct op *op = add(r, OP_BALANCE);
    op->index = (uint8_t)r->at[2];
    op->close = (uint8_t)r->at[3];
    r->at += 4;
}

static void read_frontier(struct reader *r)
{
    const struct set *set;

    r->at += 2;
    if (r->at == r->end || *r->at != '[')
        add_fault(r, FAULT_NO_SET);
    else if (!(set = read_set(r)))
        add_fault(r, FAULT_NO_SET_END);
    else
        add(r, OP_FRONTIER)->set = set;
}

/* A character of its own joins the text before it. */
static void add_text(struct reader *r, char c)
{
    struct op *before = r->op - 1;

    if (r->op == r->program->ops || before->code != OP_TEXT) {
        before = add(r, OP_TEXT);
        before->text = r->text;
    }
    before->len++;
    *r->text++ = c;
}

static void add_kind(struct reader *r, enum op_code code, const struct op *kind)
{
    struct op *op = add(r, code);

    op->kind = kind->kind;
    op->index = kind->index;
    op->set = kind->set;
}

/* One character, of whatever kind. False: a fault was added. */
static bool read_kind(struct reader *r, struct op *kind)
{
    const struct set *set = NULL;
    char c = *r->at;

    *kind = (struct op){.kind = KIND_CHAR};
    if (c == '[') {
        if (!(set = read_set(r))) {
            add_fault(r, FAULT_NO_SET_END);
            return false;
        }
    } else if (c == '%') {
        if (r->at + 1 == r->end) {
            add_fault(r, FAULT_ENDS_WITH_ESCAPE);
            return false;
        }
        c = r->at[1];
        set = set_of_class(c);
        r->at += 2;
    } else {
        kind->kind = c == '.' ? KIND_ANY : KIND_CHAR;
        r->at++;
    }
    kind->index = (uint8_t)c;
    if (set) {
        kind->kind = KIND_SET;
        kind->set = set;
    }
    return true;
}

static void read_single(struct reader *r)
{
    struct op kind;

    if (!read_kind(r, &kind))
        return;
    switch (r->at < r->end ? *r->at : '\0') {
    case '*':
        add_kind(r, OP_STAR, &kind);
        break;
    case '+':
        add_kind(r, OP_PLUS, &kind);
        break;
    case '-':
        add_kind(r, OP_LAZY, &kind);
        break;
    case '?':
        add_kind(r, OP_MAYBE, &kind);
        break;
    default:
        if (kind.kind == KIND_CHAR)
            add_text(r, (char)kind.index);
        else
            add_kind(r, OP_ONE, &kind);
        return;
    }
    r->at++;
}

static void read_escape(struct reader *r)
{
    char c = r->at + 1 < r->end ? r->at[1] : '\0';

    if (c == 'b')
        read_balance(r);
    else if (c == 'f')
        read_frontier(r);
    else if (c >= '0' && c <= '9')
        read_again(r);
    else
        read_single(r);
}

static void read_next(struct reader *r)
{
    switch (*r->at) {
    case '(':
        read_open(r);
        break;
    case ')':
        read_close(r);
        break;
    case '%':
        read_escape(r);
        break;
    case '$':
        if (r->at + 1 == r->end) {
            add(r, OP_LAST);
            r->at++;
            break;
        }
        read_single(r);
        break;
    default:
        read_single(r);
    }
}

/* -- Programs -------------------------------------------------------------------------------- */

static bool is_capture(const struct op *op)
{
    return op->code == OP_OPEN || op->code == OP_PLACE || op->code == OP_CLOSE;
}

static int16_t lead_of(const struct op *op)
{
    if (op->code == OP_TEXT)
        return (unsigned char)*op->text;
    if (op->code == OP_PLUS && op->kind == KIND_CHAR)
        return op->index;
    return is_capture(op) ? op[1].lead : -1;
}

/* From the end: what captures lead to comes after them. */
static void find_leads(struct program *p, struct op *end)
{
    bool again = false;

    for (struct op *op = end; op >= p->ops; op--) {
        op->lead = lead_of(op);
        again |= op->code == OP_AGAIN;
    }
    p->first = p->ops;
    while (p->first->code == OP_OPEN || p->first->code == OP_PLACE)
        p->first++;
    p->skips = !again && (p->first->code == OP_STAR || p->first->code == OP_PLUS ||
                          p->first->code == OP_LAZY);
}

/* The parts lie one behind the other: operations, sets ("[x]" is three bytes), the pattern, and
 * the characters of its texts. */
size_t program_bytes(size_t len)
{
    return sizeof(struct program) + (len + 1) * sizeof(struct op) + len / 3 * sizeof(struct set) +
           2 * len;
}

const struct program *program_init(void *memory, struct str pattern)
{
    struct program *p = memory;
    struct set *sets = (struct set *)(p->ops + pattern.len + 1);
    char *copy = (char *)(sets + pattern.len / 3);
    struct reader r = {.program = p,
                       .at = copy,
                       .end = copy + strnlen(pattern.at, pattern.len),
                       .op = p->ops,
                       .set = sets,
                       .text = copy + pattern.len};

    if (pattern.len)
        memcpy(copy, pattern.at, pattern.len);
    p->pattern = (struct str){copy, pattern.len};
    p->level = 0;
    while (r.at < r.end)
        read_next(&r);
    find_leads(p, add(&r, OP_END));
    return p;
}

/* -- Cache ----------------------------------------------------------------------------------- */

/* Both ends of a pattern, which are all of one of up to 16 bytes. */
struct key {
    uint64_t head, tail;
};

static struct key key_of(struct str pattern)
{
    struct key key = {0, 0};
    const char *at = pattern.at;

    if (pattern.len >= 8) {
        memcpy(&key.head, at, 8);
        memcpy(&key.tail, at + pattern.len - 8, 8);
    } else if (pattern.len >= 4) {
        memcpy(&key.head, at, 4);
        memcpy(&key.tail, at + pattern.len - 4, 4);
    } else if (pattern.len) {
        key.head = (uint64_t)(unsigned char)at[0] << 8 | (unsigned char)at[pattern.len / 2];
        key.tail = (unsigned char)at[pattern.len - 1];
    }
    return key;
}

static size_t slot_of(struct key key, size_t len, size_t slots)
{
    uint64_t mixed = (key.head ^ (key.tail << 29 | key.tail >> 35) ^ len) * 0x9E3779B97F4A7C15ULL;

    return (mixed >> 32) % slots;
}

const struct program *program_cached(struct str pattern)
{
    enum {
        SLOTS = 64,
        SLOT_BYTES = sizeof(struct program) + (PROGRAM_CACHED_MAX + 1) * sizeof(struct op) +
                     PROGRAM_CACHED_MAX / 3 * sizeof(struct set) + 2 * PROGRAM_CACHED_MAX
    };
    static struct {
        struct key key;
        alignas(max_align_t) char memory[SLOT_BYTES];
    } cache[SLOTS];
    struct key key = key_of(pattern);
    size_t slot = slot_of(key, pattern.len, SLOTS);
    const struct program *p = (const struct program *)cache[slot].memory;

    if (p->first && p->pattern.len == pattern.len && cache[slot].key.head == key.head &&
        cache[slot].key.tail == key.tail &&
        (pattern.len <= sizeof(key) || memcmp(p->pattern.at, pattern.at, pattern.len) == 0))
        return p;
    cache[slot].key = key;
    return program_init(cache[slot].memory, pattern);
}

const char *program_fault_text(enum program_fault fault)
{
#define FAULT_TEXT(name, text) text,
    static const char *const texts[] = {PROGRAM_FAULTS(FAULT_TEXT)};

    return texts[fault];
}
