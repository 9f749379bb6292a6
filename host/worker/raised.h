/* raised.h - error values: from what a function raises or returns to what its caller gets. */
/* SPDX-License-Identifier: MIT */
#pragma once

#include <luajit-2.1/lua.h>

#include "base/buf.h"
#include "base/err.h"

enum { RAISED_CHILD_MAX = 64 };

/* The parts of a failed call beside its err. */
struct raised {
    int status;                       /* that the function chose; 0: none */
    char code[ERR_WORD_MAX + 1];      /* that it chose; "": none */
    char child[RAISED_CHILD_MAX + 1]; /* the function whose error it passes on; "": its own */
    struct buf details;               /* that it gave, JSON; empty: none */
};

void raised_clear(struct raised *raised);

/* Reads the error value at `index`, of any type, into `raised` and `err`. Of a table these count:
 * `message` (else `error`, else what __tostring gives), `code`, `status`, and `details` of at most
 * `details_max` bytes of JSON. A field that may not be as it is is left out, and the log says so.
 * Runs Lua code. May raise for want of stack. */
void l_raised_read(lua_State *L, int index, size_t details_max, struct raised *raised,
                   struct err *err);

/* Makes the front's error object at the top of the stack one that ctx gives to a function: it has
 * `message` too, and is known again when the function raises or returns it. May raise. */
void l_raised_mark(lua_State *L);
