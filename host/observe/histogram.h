/* histogram.h - how long things took: counts by size, exact to about 3 per cent. */
/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdint.h>

/* Log-linear: each doubling is divided into HISTOGRAM_STEPS equal parts, from 1 us on. */
enum { HISTOGRAM_STEPS = 16, HISTOGRAM_DOUBLINGS = 30 };

struct histogram {
    uint64_t count, sum_ns, max_ns;
    uint32_t cell[HISTOGRAM_STEPS * HISTOGRAM_DOUBLINGS];
};

void histogram_add(struct histogram *h, uint64_t ns);

/* The value below which `share` (0..1) of the values lie; 0 without values. */
uint64_t histogram_quantile(const struct histogram *h, double share);
