/* program.h - a Lua pattern, read once: what matcher.h runs. */
/* SPDX-License-Identifier: MIT */
#pragma once

#include "base/str.h"
#include "worker/set.h"

enum { PROGRAM_CAPTURES = 32, PROGRAM_CACHED_MAX = 48 };

/* What a pattern is wrong in is told only when a match comes to the place, as Lua does. */
#define PROGRAM_FAULTS(X)                                                                          \
    X(NONE, "")                                                                                    \
    X(STOPPED, "")                                                                                 \
    X(ENDS_WITH_ESCAPE, "malformed pattern (ends with '%')")                                       \
    X(NO_SET_END, "malformed pattern (missing ']')")                                               \
    X(NO_SET, "missing '[' after '%f' in pattern")                                                 \
    X(UNBALANCED, "unbalanced pattern")                                                            \
    X(CAPTURE, "invalid pattern capture")                                                          \
    X(CAPTURE_INDEX, "invalid capture index")                                                      \
    X(CAPTURES, "too many captures")                                                               \
    X(UNFINISHED, "unfinished capture")                                                            \
    X(COMPLEX, "pattern too complex")

#define PROGRAM_FAULT(name, text) FAULT_##name,
enum program_fault { PROGRAM_FAULTS(PROGRAM_FAULT) FAULT_COUNT };

enum op_code {
    OP_END,
    OP_TEXT,     /* these characters */
    OP_ONE,      /* one of a kind; the next four: as many as there are, and so on */
    OP_STAR,     /* x* */
    OP_PLUS,     /* x+ */
    OP_LAZY,     /* x- */
    OP_MAYBE,    /* x? */
    OP_OPEN,     /* of capture `index` */
    OP_PLACE,    /* () */
    OP_CLOSE,    /* of capture `index` */
    OP_AGAIN,    /* %1 */
    OP_BALANCE,  /* %bxy */
    OP_FRONTIER, /* %f[set] */
    OP_LAST,     /* $ */
    OP_FAIL      /* matches nothing, with the fault `index` */
};

enum op_kind { KIND_ANY, KIND_CHAR, KIND_SET };

struct op {
    uint8_t code, kind;
    uint8_t index; /* or the character of a kind, or the first one of a balance */
    uint8_t close; /* of a balance */
    int16_t lead;  /* what matches from here on begins with this character; -1: with any */
    union {
        const struct set *set;
        const char *text;
    };
    size_t len; /* of the text */
};

struct program {
    struct str pattern;                      /* a copy; what it says ends at its first NUL */
    uint8_t level;                           /* how many captures there are when it ends */
    uint8_t capture_kinds[PROGRAM_CAPTURES]; /* OP_OPEN: never closed; OP_PLACE; OP_CLOSE */
    bool skips;                              /* see matcher.c */
    const struct op *first;                  /* that is no opening of a capture */
    struct op ops[];
};

/* The program of `pattern`, which is at most PROGRAM_CACHED_MAX bytes. It lives in a cache of the
 * process: until the next call. One thread. */
const struct program *program_cached(struct str pattern);

/* How much memory a pattern of `len` bytes needs, and putting its program there; aligned as malloc
 * aligns. */
size_t program_bytes(size_t len);
const struct program *program_init(void *memory, struct str pattern);

const char *program_fault_text(enum program_fault fault);
