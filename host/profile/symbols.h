/* symbols.h - names of addresses in the code of this program and of its libraries. */
/* SPDX-License-Identifier: MIT */
#pragma once

#include "profile/index.h"

/* One thread at a time. The program's own names come from its file, opened at once and read when
 * the first address is asked for; where that cannot be, its functions bear its name only. */
struct symbols {
    int file;
    bool is_read;
    uint64_t bias;        /* of the program: where it was loaded */
    struct buf functions; /* sorted by address */
    struct buf names;
    struct index by_address; /* what was asked for before */
    struct buf known, known_names;
};

enum { SYMBOLS_NAME_MAX = 200, SYMBOLS_KNOWN_MAX = 8192 };

void symbols_init(struct symbols *s);
void symbols_fini(struct symbols *s);

/* The function that `address` lies in, cut to SYMBOLS_NAME_MAX bytes: "name" or "[luajit] name" of
 * the program, "name" or "[libname.so.1]" of a library, and "[JIT trace]" where no file's code is.
 * Valid until the next call. */
struct str symbols_name(struct symbols *s, uint64_t address);
