/* matcher.c - Lua patterns by backtracking, with what is sure not to match left out. */
/* SPDX-License-Identifier: MIT */
#include "worker/matcher.h"

#include <string.h>

/* A pattern is a row of items, each behind the one before: a call of `run` goes on from one item,
 * and calls itself for what follows an item that may take more or less. LuaJIT's matcher calls
 * itself for captures too, and gives up at a depth of 200: they are counted here.
 *
 * What is left out: where nothing can match, for want of the character that has to come next; and,
 * when a pattern that begins with "x*", "x+" or "x-" has failed, all places up to the end of those
 * x: from there, the rest has been tried at the same places, and fails again (unless "%1" looks at
 * what was captured). */

/* Characters that a loop takes between two looks at the flag. */
enum { SLICE = 1 << 14, LEAD_DEPTH_MAX = MATCHER_DEPTH_MAX - 2 * PROGRAM_CAPTURES - 1 };

static const char *run(struct matcher *m, const char *s, const struct op *op);

static const char *fail(struct matcher *m, enum program_fault fault)
{
    m->fault = fault;
    return NULL;
}

static bool is_stopped(struct matcher *m)
{
    if (atomic_load_explicit(m->stop, memory_order_relaxed))
        m->fault = FAULT_STOPPED;
    return m->fault != FAULT_NONE;
}

/* -- Single characters ----------------------------------------------------------------------- */

static inline bool has(const struct op *op, char c)
{
    switch (op->kind) {
    case KIND_CHAR:
        return (unsigned char)c == op->index;
    case KIND_SET:
        return set_has(op->set, c);
    default:
        return true;
    }
}

static const char *slice_end(const char *s, const char *end)
{
    return end - s > SLICE ? s + SLICE : end;
}

/* The first place from `s` on whose character is not (or is, if `wanted`) of the set. */
static const char *scan_set(struct matcher *m, const struct set *set, const char *s, bool wanted)
{
    while (s < m->end && !is_stopped(m)) {
        const char *limit = slice_end(s, m->end);

        while (s < limit && set_has(set, *s) != wanted)
            s++;
        if (s < limit)
            break;
    }
    return s;
}

/* Past as many characters as are of the kind. */
static const char *pass(struct matcher *m, const struct op *op, const char *s)
{
    if (op->kind == KIND_ANY)
        return m->end;
    if (op->kind == KIND_SET)
        return scan_set(m, op->set, s, false);
    while (s < m->end && !is_stopped(m)) {
        const char *limit = slice_end(s, m->end);

        while (s < limit && (unsigned char)*s == op->index)
            s++;
        if (s < limit)
            break;
    }
    return s;
}

/* -- Items ----------------------------------------------------------------------------------- */

static bool starts(const struct matcher *m, const char *s, const struct op *op)
{
    return (size_t)(m->end - s) >= op->len && *s == *op->text &&
           (op->len == 1 || memcmp(s + 1, op->text + 1, op->len - 1) == 0);
}

/* What comes next, if nothing else can match there; not so deep that captures come to the limit,
 * which is to be told. */
static int lead_of(const struct matcher *m, const struct op *next)
{
    return m->depth <= LEAD_DEPTH_MAX ? next->lead : -1;
}

/* "x*" and "x+": as many as there are, then less and less, down to `least`. */
static const char *take_most(struct matcher *m, const char *least, const struct op *op)
{
    const struct op *next = op + 1;
    const char *at = pass(m, op, least);
    int lead = lead_of(m, next);

    if (op == m->program->first)
        m->skip = at;
    if (next->code == OP_END && m->depth < MATCHER_DEPTH_MAX)
        return at;
    for (;; at--) {
        if (lead >= 0) {
            at = memrchr(least, lead, (size_t)(at - least) + (at < m->end));
            if (!at)
                return NULL;
        }
        const char *found = run(m, at, next);
        if (found || m->fault || at == least)
            return found;
    }
}

/* The next place where `next` may begin, while all before it is of the kind; NULL: there is none,
 * and `*until` is where the last one was. */
static const char *next_lead(struct matcher *m, const char *s, const struct op *op, int lead,
                             const char **until)
{
    if (op->kind == KIND_ANY) {
        *until = m->end;
        return memchr(s, lead, (size_t)(m->end - s));
    }
    for (; s < m->end; s++) {
        if ((unsigned char)*s == lead)
            return s;
        if (!has(op, *s) || ((s - m->begin) % SLICE == 0 && is_stopped(m)))
            break;
    }
    *until = s;
    return NULL;
}

/* "x-": as few as will do. */
static const char *take_least(struct matcher *m, const char *s, const struct op *op)
{
    const struct op *next = op + 1;
    int lead = lead_of(m, next);

    for (;; s++) {
        const char *until = s, *at = lead < 0 ? s : next_lead(m, s, op, lead, &until);
        const char *found = at ? run(m, at, next) : NULL;

        if (found || m->fault)
            return found;
        s = at;
        if (!s || s == m->end || !has(op, *s)) {
            if (op == m->program->first)
                m->skip = s ? s : until;
            return NULL;
        }
    }
}

static const char *take_again(const struct matcher *m, const char *s, const struct op *op)
{
    const struct capture *capture = &m->captures[op->index];
    size_t len = (size_t)(capture->until - capture->at);

    if ((size_t)(m->end - s) < len || memcmp(capture->at, s, len) != 0)
        return NULL;
    return s + len;
}

static const char *take_balanced(struct matcher *m, const char *s, const struct op *op)
{
    char open = (char)op->index, close = (char)op->close;
    size_t depth = 1;

    if (s == m->end || *s++ != open)
        return NULL;
    while (s < m->end && !is_stopped(m)) {
        for (const char *limit = slice_end(s, m->end); s < limit; s++)
            if (*s == close) {
                if (--depth == 0)
                    return s + 1;
            } else if (*s == open) {
                depth++;
            }
    }
    return NULL;
}

/* Before and behind the subject is a NUL. */
static bool is_frontier(const struct matcher *m, const char *s, const struct op *op)
{
    return !set_has(op->set, s == m->begin ? '\0' : s[-1]) &&
           set_has(op->set, s == m->end ? '\0' : *s);
}

/* Notes where a capture begins or ends. What fails further on need not undo it: whatever comes
 * here again notes it anew. */
static bool note(struct matcher *m, const char *s, const struct op *op)
{
    if (m->depth++ == MATCHER_DEPTH_MAX)
        return fail(m, FAULT_COMPLEX);
    if (op->code == OP_CLOSE)
        m->captures[op->index].until = s;
    else
        m->captures[op->index].at = s;
    return true;
}

/* -- Matching -------------------------------------------------------------------------------- */

static const char *walk(struct matcher *m, const char *s, const struct op *op)
{
    const char *found;

    for (;; op++) {
        switch (op->code) {
        case OP_END:
            return s;
        case OP_TEXT:
            if (!starts(m, s, op))
                return NULL;
            s += op->len;
            break;
        case OP_ONE:
            if (s == m->end || !has(op, *s))
                return NULL;
            s++;
            break;
        case OP_STAR:
            return take_most(m, s, op);
        case OP_PLUS:
            if (s == m->end || !has(op, *s))
                return NULL;
            return take_most(m, s + 1, op);
        case OP_LAZY:
            return take_least(m, s, op);
        case OP_MAYBE:
            if (s < m->end && has(op, *s) && ((found = run(m, s + 1, op + 1)) || m->fault))
                return found;
            break;
        case OP_AGAIN:
            if (!(s = take_again(m, s, op)))
                return NULL;
            break;
        case OP_BALANCE:
            if (!(s = take_balanced(m, s, op)))
                return NULL;
            break;
        case OP_FRONTIER:
            if (!is_frontier(m, s, op))
                return NULL;
            break;
        case OP_LAST:
            return s == m->end ? s : NULL;
        case OP_FAIL:
            return fail(m, op->index);
        default:
            if (!note(m, s, op))
                return NULL;
        }
    }
}

static const char *run(struct matcher *m, const char *s, const struct op *op)
{
    int depth = m->depth;

    if (m->depth++ == MATCHER_DEPTH_MAX)
        return fail(m, FAULT_COMPLEX);
    if (is_stopped(m))
        return NULL;
    const char *found = walk(m, s, op);
    m->depth = depth;
    return found;
}

/* The next place where a match can begin, or NULL. */
static const char *next_start(struct matcher *m, const char *s)
{
    const struct op *first = m->program->first;

    if (first->lead >= 0)
        return memchr(s, first->lead, (size_t)(m->end - s));
    if ((first->code == OP_ONE || first->code == OP_PLUS) && first->kind == KIND_SET) {
        s = scan_set(m, first->set, s, true);
        return s < m->end ? s : NULL;
    }
    return s;
}

bool matcher_search(struct matcher *m, const char *from, bool anchored)
{
    m->fault = FAULT_NONE;
    for (const char *s = from;; s++) {
        if (!anchored && !(s = next_start(m, s)))
            return false;
        m->depth = 0;
        m->skip = s;
        m->at = s;
        m->until = run(m, s, m->program->ops);
        if (m->until)
            return true;
        if (m->fault || anchored)
            return false;
        if (m->program->skips)
            s = m->skip;
        if (s == m->end)
            return false;
    }
}

/* -- Plain text ------------------------------------------------------------------------------ */

/* memchr is the quickest for most texts. When it stops too often in vain, memmem takes over. */
const char *matcher_find_text(struct str in, struct str what)
{
    enum { VAIN_MAX = 8 };
    const char *end = in.at + in.len;

    if (what.len == 0)
        return in.at;
    for (int vain = 0; (size_t)(end - in.at) >= what.len; vain++) {
        size_t left = (size_t)(end - in.at);

        if (vain == VAIN_MAX)
            return memmem(in.at, left, what.at, what.len);
        const char *at = memchr(in.at, *what.at, left - what.len + 1);
        if (!at || memcmp(at + 1, what.at + 1, what.len - 1) == 0)
            return at;
        in.at = at + 1;
    }
    return NULL;
}
