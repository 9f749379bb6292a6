/* peer_dgemm.c - multiplying matrices with OpenBLAS, in one thread. */
/* SPDX-License-Identifier: MIT */
#include "benchmark.h"

#if FAAS_OPENBLAS

#include <cblas.h>
#include <stdio.h>
#include <stdlib.h>

struct product {
    int dim;
    double *factor, *cells;
};

/* The numbers of the native's matrix. */
static void *product_open(lua_State *L)
{
    struct product *product = bench_alloc(sizeof(*product));
    int dim = bench_number(L, "size");
    size_t bytes = (size_t)dim * (size_t)dim * sizeof(double);
    *product = (struct product){dim, bench_alloc(bytes), bench_alloc(bytes)};
    for (int i = 0; i < dim; i++) {
        for (int j = 0; j < dim; j++)
            product->factor[i * dim + j] = ((i + 1) * 7 + (j + 1) * 3) % 11;
    }
    openblas_set_num_threads(1);
    return product;
}

static void product_run(void *self)
{
    struct product *product = self;
    int dim = product->dim;
    cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, dim, dim, dim, 1, product->factor, dim,
                product->factor, dim, 0, product->cells, dim);
}

static void product_result(const void *self, char text[RESULT_BYTES])
{
    const struct product *product = self;
    const double *cells = product->cells;
    ptrdiff_t dim = product->dim;
    snprintf(text, RESULT_BYTES, "%.14g %.14g %.14g", cells[0], cells[dim - 1],
             cells[(dim - 1) * dim + 1]);
}

/* It takes a processor that it does not know for an old one, which is worth knowing. */
static const char *product_variant(void)
{
    return openblas_get_corename();
}

static void product_close(void *self)
{
    struct product *product = self;
    free(product->factor);
    free(product->cells);
    free(product);
}

const struct peer peer_dgemm = {.name = "OpenBLAS dgemm",
                                .variant = product_variant,
                                .open = product_open,
                                .run = product_run,
                                .result = product_result,
                                .close = product_close};

#else

const struct peer peer_dgemm = {.missing = "libopenblas"};

#endif
