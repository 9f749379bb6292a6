/* matcher.h - matching Lua patterns, so that a deadline can end it. */
/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdatomic.h>

#include "worker/program.h"

/* Finds what LuaJIT's own string library finds, with the same faults. There is no budget of steps,
 * so that results never differ from that: what takes long looks at a flag, at least once in some
 * ten microseconds, and gives up when it is set, so that a call's deadline decides. The C stack it
 * takes is bounded by MATCHER_DEPTH_MAX.
 */
enum { MATCHER_DEPTH_MAX = 200 };

struct capture {
    const char *at, *until;
};

struct matcher {
    const struct program *program;
    const char *begin, *end; /* the subject; what is at `end` may not be readable */
    const _Atomic bool *stop;
    enum program_fault fault;
    const char *at, *until; /* what matched */
    const char *skip;
    int depth;
    struct capture captures[PROGRAM_CAPTURES]; /* program->level of them are set */
};

/* The first match at or after `from`, or the one at `from` if `anchored`. False: there is none,
 * or, if m->fault is set, the pattern is wrong, or it was told to stop. */
bool matcher_search(struct matcher *m, const char *from, bool anchored);

/* Where `what` first lies in `in`, or NULL. The time it takes grows with the length of `in`. */
const char *matcher_find_text(struct str in, struct str what);
