/* matrix_product.c - walks over a product in blocks that the caches hold. */
/* SPDX-License-Identifier: MIT */
#include "matrix_product.h"

#include <assert.h>
#include <string.h>

#include "native.h"

enum {
    ROWS_ROUND = 24, /* what the rows and columns of every kernel's tile divide */
    COLUMNS_ROUND = 16,
    DEPTH = 192,      /* of a panel, which stays in the first-level cache with a tile's rows */
    BLOCK_ROWS = 192, /* of the left factor, which stay in the second */
    COPIED = 8,       /* cells at once, which makes that a few instructions; divides any columns */
    UNEVEN = 64,      /* rows so far apart fall into a few cache lines, and push each other out */
    UNEVEN_BY = 8,
};

static uint32_t round_up(uint32_t n, uint32_t to)
{
    return (n + to - 1) / to * to;
}

static uint32_t stride_of(uint32_t dim)
{
    uint32_t stride = round_up(dim, COLUMNS_ROUND);
    return stride % UNEVEN == 0 ? stride + UNEVEN_BY : stride;
}

size_t matrix_bytes(uint32_t dim)
{
    size_t rows = round_up(dim, ROWS_ROUND);
    return sizeof(struct matrix) + rows * stride_of(dim) * sizeof(double);
}

void matrix_init(struct matrix *m, uint32_t dim)
{
    m->dim = dim;
    m->stride = stride_of(dim);
}

void matrix_clear(struct matrix *m)
{
    memset(m->cells, 0, matrix_bytes(m->dim) - sizeof(*m));
}

/* Some rows of the product, and of the left factor, whose part from `at` on is multiplied. */
struct block {
    const struct matrix_kernel *kernel;
    struct matrix *product;
    const struct matrix *a, *b;
    uint32_t row, rows; /* past dim, up to a whole tile */
    uint32_t at, depth;
};

/* The cells of a panel lie far apart in the factor, and are used once for each tile of a block. */
static void panel_copy(double *panel, const struct block *block, uint32_t column)
{
    size_t columns = block->kernel->columns, stride = block->b->stride;
    const double *from = block->b->cells + block->at * stride + column;
    for (uint32_t i = 0; i < block->depth; i++) {
        for (size_t c = 0; c < columns; c += COPIED)
            memcpy(panel + i * columns + c, from + i * stride + c, COPIED * sizeof(double));
    }
}

static void block_multiply(const struct block *block)
{
    double panel[DEPTH * COLUMNS_ROUND];
    const struct matrix_kernel *kernel = block->kernel;
    size_t stride = block->a->stride;
    for (uint32_t column = 0; column < block->a->dim && !native_stopped();
         column += kernel->columns) {
        panel_copy(panel, block, column);
        for (uint32_t row = block->row; row < block->row + block->rows; row += kernel->rows) {
            kernel->tile(block->product->cells + row * stride + column,
                         block->a->cells + row * stride + block->at, panel, stride, block->depth,
                         block->at > 0);
        }
    }
}

static uint32_t at_most(uint32_t n, uint32_t most)
{
    return n < most ? n : most;
}

void matrix_multiply(const struct matrix_kernel *kernel, struct matrix *product,
                     const struct matrix *a, const struct matrix *b)
{
    assert(ROWS_ROUND % kernel->rows == 0 && BLOCK_ROWS % kernel->rows == 0);
    assert(COLUMNS_ROUND % kernel->columns == 0 && kernel->columns % COPIED == 0);
    uint32_t rows = round_up(a->dim, kernel->rows);
    struct block block = {.kernel = kernel, .product = product, .a = a, .b = b};
    for (block.at = 0; block.at < a->dim; block.at += DEPTH) {
        block.depth = at_most(a->dim - block.at, DEPTH);
        for (block.row = 0; block.row < rows; block.row += BLOCK_ROWS) {
            block.rows = at_most(rows - block.row, BLOCK_ROWS);
            block_multiply(&block);
        }
    }
}

const struct matrix_kernel *matrix_kernel_choose(void)
{
    const struct matrix_kernel *const *kernel = matrix_kernels;
    while (!(*kernel)->runs())
        kernel++;
    return *kernel;
}
