/* program_text.h - Lua programs made of any bytes: each byte decides what comes next. */
/* SPDX-License-Identifier: MIT */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum { PROGRAM_BYTES = 64 << 10 };

/* What the generator reads is the input, mixed with numbers that depend on all of it: so that short
 * inputs become whole programs too. */
struct script {
    const uint8_t *at, *end;
    uint64_t random;
    char text[PROGRAM_BYTES];
    size_t len;
    int left; /* parts that may still be made */
};

/* Begins an empty program, to be made of `data`. */
void script_init(struct script *s, const uint8_t *data, size_t size);

/* Appends text; what has no room is left out. */
__attribute__((format(printf, 2, 3))) void put(struct script *s, const char *format, ...);

/* Appends a statement that lies in `depth` others. It uses the variables v1 to v8 and functions
 * that programs_fuzz.c defines in front of it. */
void put_statement(struct script *s, int depth);
