/* matrix_product.h - products of square matrices, in tiles as large as registers allow. */
/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Cells lie in rows, `stride` apart. There are some more rows and columns than `dim`, so that tiles
 * never hang over an edge. What they hold never reaches a cell within, but slows a product down
 * when it is no usual number: they are zero in factors. */
struct matrix {
    uint32_t dim;
    uint32_t stride;
    double cells[];
};

size_t matrix_bytes(uint32_t dim);
void matrix_init(struct matrix *m, uint32_t dim); /* sets no cells */
void matrix_clear(struct matrix *m);              /* sets all to zero */

static inline double *matrix_cell(struct matrix *m, size_t row, size_t column)
{
    return m->cells + row * m->stride + column;
}

/* Forms a tile of a product from `rows` rows of the left factor, `stride` apart, and a panel of the
 * right one: `depth` rows of `columns` cells, one after the other. Adds to what is in `out`, or
 * replaces it. */
typedef void (*tile_fn)(double *out, const double *a, const double *panel, size_t stride,
                        size_t depth, bool adds);

struct matrix_kernel {
    const char *name;
    uint32_t rows, columns;
    tile_fn tile;
    bool (*runs)(void); /* whether this processor can */
};

/* The fastest first; the last runs anywhere. Ends with NULL. */
extern const struct matrix_kernel *const matrix_kernels[];

/* The fastest that runs here. */
const struct matrix_kernel *matrix_kernel_choose(void);

/* `product` is neither of the factors; all three have one size. When natives are to stop, the
 * product is not finished. */
void matrix_multiply(const struct matrix_kernel *kernel, struct matrix *product,
                     const struct matrix *a, const struct matrix *b);
