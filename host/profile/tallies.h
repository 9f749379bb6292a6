/* tallies.h - calls that ended, by function and start: one thread counts, another one reads. */
/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdatomic.h>

#include "profile/table.h"

/* A function's; it stays when the function goes, for one of the same name. */
struct call_tally {
    char name[SAMPLE_NAME_MAX + 1];
    _Atomic uint64_t ended[SAMPLE_STARTS];
};

enum { TALLIES_MAX = TABLE_FUNCTIONS_MAX + 1 };

/* Zeroed is empty and valid. */
struct tallies {
    _Atomic uint32_t count;
    struct call_tally
        all[TALLIES_MAX]; /* the last one: "__other__", of functions past the others */
};

/* The thread that counts; the name has at most SAMPLE_NAME_MAX bytes. */
struct call_tally *tallies_of(struct tallies *tallies, struct str name);
void tallies_count(struct call_tally *tally, enum sample_start start);

/* Any thread. */
uint32_t tallies_used(const struct tallies *tallies);
uint64_t tallies_ended(const struct tallies *tallies, uint32_t tally, enum sample_start start);
