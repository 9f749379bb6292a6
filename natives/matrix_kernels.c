/* matrix_kernels.c - the tiles of a product, for each width that vectors have. */
/* SPDX-License-Identifier: MIT */
#include "matrix_product.h"

/* All kernels go the same way: the sums of a tile stay in registers while a row of the panel at a
 * time is multiplied by a number of each row of the factor. They are written out, as nothing but a
 * macro could make one of them. Without being told to unroll, gcc -O2 keeps the sums in memory.
 *
 * Vector types have no other spelling than a typedef. Lua aligns to 8 bytes only. */

/* -- Any processor ------------------------------------------------------------------------- */

/* What x86-64 and arm64 have at the least. */
typedef double lanes2 __attribute__((vector_size(16), aligned(8), may_alias));

enum { BASE_ROWS = 2, BASE_VECTORS = 4, BASE_COLUMNS = BASE_VECTORS * 2 };

static void base_tile(double *out, const double *a, const double *panel, size_t stride,
                      size_t depth, bool adds)
{
    lanes2 sum[BASE_ROWS][BASE_VECTORS] = {0};
    for (size_t k = 0; k < depth; k++) {
        const lanes2 *b = (const lanes2 *)(panel + k * BASE_COLUMNS);
#pragma GCC unroll 8
        for (size_t r = 0; r < BASE_ROWS; r++) {
#pragma GCC unroll 8
            for (size_t v = 0; v < BASE_VECTORS; v++)
                sum[r][v] += a[r * stride + k] * b[v];
        }
    }
#pragma GCC unroll 8
    for (size_t r = 0; r < BASE_ROWS; r++) {
        lanes2 *row = (lanes2 *)(out + r * stride);
#pragma GCC unroll 8
        for (size_t v = 0; v < BASE_VECTORS; v++) {
            if (adds)
                sum[r][v] += row[v];
            row[v] = sum[r][v];
        }
    }
}

static bool base_runs(void)
{
    return true;
}

static const struct matrix_kernel base = {"base", BASE_ROWS, BASE_COLUMNS, base_tile, base_runs};

/* -- x86-64 -------------------------------------------------------------------------------- */

#if defined(__x86_64__)

typedef double lanes4 __attribute__((vector_size(32), aligned(8), may_alias));
typedef double lanes8 __attribute__((vector_size(64), aligned(8), may_alias));

enum { AVX2_ROWS = 6, AVX2_VECTORS = 2, AVX2_COLUMNS = AVX2_VECTORS * 4 };

__attribute__((target("avx2,fma"))) static void
avx2_tile(double *out, const double *a, const double *panel, size_t stride, size_t depth, bool adds)
{
    lanes4 sum[AVX2_ROWS][AVX2_VECTORS] = {0};
    for (size_t k = 0; k < depth; k++) {
        const lanes4 *b = (const lanes4 *)(panel + k * AVX2_COLUMNS);
#pragma GCC unroll 8
        for (size_t r = 0; r < AVX2_ROWS; r++) {
#pragma GCC unroll 8
            for (size_t v = 0; v < AVX2_VECTORS; v++)
                sum[r][v] += a[r * stride + k] * b[v];
        }
    }
#pragma GCC unroll 8
    for (size_t r = 0; r < AVX2_ROWS; r++) {
        lanes4 *row = (lanes4 *)(out + r * stride);
#pragma GCC unroll 8
        for (size_t v = 0; v < AVX2_VECTORS; v++) {
            if (adds)
                sum[r][v] += row[v];
            row[v] = sum[r][v];
        }
    }
}

static bool avx2_runs(void)
{
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}

static const struct matrix_kernel avx2 = {"avx2", AVX2_ROWS, AVX2_COLUMNS, avx2_tile, avx2_runs};

enum { AVX512_ROWS = 8, AVX512_VECTORS = 2, AVX512_COLUMNS = AVX512_VECTORS * 8 };

__attribute__((target("avx512f"))) static void avx512_tile(double *out, const double *a,
                                                           const double *panel, size_t stride,
                                                           size_t depth, bool adds)
{
    lanes8 sum[AVX512_ROWS][AVX512_VECTORS] = {0};
    for (size_t k = 0; k < depth; k++) {
        const lanes8 *b = (const lanes8 *)(panel + k * AVX512_COLUMNS);
#pragma GCC unroll 8
        for (size_t r = 0; r < AVX512_ROWS; r++) {
#pragma GCC unroll 8
            for (size_t v = 0; v < AVX512_VECTORS; v++)
                sum[r][v] += a[r * stride + k] * b[v];
        }
    }
#pragma GCC unroll 8
    for (size_t r = 0; r < AVX512_ROWS; r++) {
        lanes8 *row = (lanes8 *)(out + r * stride);
#pragma GCC unroll 8
        for (size_t v = 0; v < AVX512_VECTORS; v++) {
            if (adds)
                sum[r][v] += row[v];
            row[v] = sum[r][v];
        }
    }
}

static bool avx512_runs(void)
{
    return __builtin_cpu_supports("avx512f");
}

static const struct matrix_kernel avx512 = {"avx512", AVX512_ROWS, AVX512_COLUMNS, avx512_tile,
                                            avx512_runs};

#endif

/* -- All of them --------------------------------------------------------------------------- */

const struct matrix_kernel *const matrix_kernels[] = {
#if defined(__x86_64__)
    &avx512,
    &avx2,
#endif
    &base,
    NULL,
};
