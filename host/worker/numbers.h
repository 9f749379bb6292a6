/* numbers.h - doubles as JSON writes them: shortest text, and text read exactly. */
/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum { NUMBER_TEXT_MAX = 32 };

/* Before the others: computes a table of powers of ten, the first time. */
void number_init(void);

/* Writes the shortest text that reads back as `number`, which is finite, to `text`, which has
 * NUMBER_TEXT_MAX bytes. Whole numbers up to 2^53 have neither point nor exponent. Returns the
 * length; no NUL follows. */
size_t number_write(double number, char *text);

/* Reads the JSON number at the start of `text`, which ends with a NUL, as the nearest double.
 *
 *   fails   false: it is no JSON number, or too large for a double
 */
bool number_read(const char *text, const char **end, double *number);
