/* matrix_test.c - every kernel that this processor runs, against the plain triple loop. */
/* SPDX-License-Identifier: MIT */
#include "matrix_product.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

/* Around the edges of tiles (2 by 8, 6 by 8, 8 by 16), of panels and blocks (192), and of strides
 * that are made uneven (64). */
static const uint32_t dims[] = {1,   2,   3,   5,   6,   7,   8,   9,   11,  12,  13,
                                15,  16,  17,  18,  23,  24,  25,  31,  32,  33,  47,
                                48,  49,  63,  64,  65,  95,  96,  97,  99,  119, 120,
                                121, 127, 128, 129, 191, 192, 193, 199, 257, 385};

static struct matrix *matrix_make(uint32_t dim)
{
    struct matrix *m = malloc(matrix_bytes(dim));
    assert_non_null(m);
    matrix_init(m, dim);
    return m;
}

/* Whole numbers, whose products are exact in whatever order they are summed. */
static struct matrix *factor_make(uint32_t dim)
{
    struct matrix *m = matrix_make(dim);
    matrix_clear(m);
    for (uint32_t row = 0; row < dim; row++) {
        for (uint32_t column = 0; column < dim; column++)
            *matrix_cell(m, row, column) = rand() % 2001 - 1000;
    }
    return m;
}

/* As it may be in a heap that was used: nothing in it may get into the result. */
static struct matrix *product_make(uint32_t dim)
{
    struct matrix *m = matrix_make(dim);
    for (size_t i = 0; i < (matrix_bytes(dim) - sizeof(*m)) / sizeof(double); i++)
        m->cells[i] = NAN;
    return m;
}

static struct matrix *plain_product(struct matrix *a, struct matrix *b)
{
    struct matrix *product = factor_make(a->dim);
    for (uint32_t row = 0; row < a->dim; row++) {
        for (uint32_t column = 0; column < a->dim; column++) {
            double sum = 0;
            for (uint32_t k = 0; k < a->dim; k++)
                sum += *matrix_cell(a, row, k) * *matrix_cell(b, k, column);
            *matrix_cell(product, row, column) = sum;
        }
    }
    return product;
}

static void assert_same(const char *kernel, struct matrix *got, struct matrix *expected)
{
    for (uint32_t row = 0; row < got->dim; row++) {
        for (uint32_t column = 0; column < got->dim; column++) {
            double x = *matrix_cell(got, row, column), y = *matrix_cell(expected, row, column);
            if (x != y)
                fail_msg("%s, dim %u: cell %u, %u is %f, not %f", kernel, got->dim, row, column, x,
                         y);
        }
    }
}

static void all_kernels_agree_with_the_plain_triple_loop(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(dims) / sizeof(dims[0]); i++) {
        struct matrix *a = factor_make(dims[i]), *b = factor_make(dims[i]);
        struct matrix *expected = plain_product(a, b);
        for (size_t k = 0; matrix_kernels[k]; k++) {
            if (!matrix_kernels[k]->runs())
                continue;
            struct matrix *product = product_make(dims[i]);
            matrix_multiply(matrix_kernels[k], product, a, b);
            assert_same(matrix_kernels[k]->name, product, expected);
            free(product);
        }
        free(expected);
        free(b);
        free(a);
    }
}

static void products_are_factors_in_turn(void **state)
{
    (void)state;
    for (size_t k = 0; matrix_kernels[k]; k++) {
        if (!matrix_kernels[k]->runs())
            continue;
        struct matrix *a = factor_make(37), *square = product_make(37), *cube = product_make(37);
        matrix_multiply(matrix_kernels[k], square, a, a);
        matrix_multiply(matrix_kernels[k], cube, square, a);
        struct matrix *plain_square = plain_product(a, a);
        struct matrix *plain_cube = plain_product(plain_square, a);
        assert_same(matrix_kernels[k]->name, cube, plain_cube);
        free(plain_cube);
        free(plain_square);
        free(cube);
        free(square);
        free(a);
    }
}

static void the_first_kernel_that_runs_is_chosen(void **state)
{
    (void)state;
    size_t first = 0;
    while (!matrix_kernels[first]->runs())
        first++;
    assert_ptr_equal(matrix_kernel_choose(), matrix_kernels[first]);
}

static void some_kernel_runs_anywhere(void **state)
{
    (void)state;
    size_t count = 0;
    while (matrix_kernels[count])
        count++;
    assert_string_equal(matrix_kernels[count - 1]->name, "base");
    assert_true(matrix_kernels[count - 1]->runs());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_kernels_agree_with_the_plain_triple_loop),
        cmocka_unit_test(products_are_factors_in_turn),
        cmocka_unit_test(the_first_kernel_that_runs_is_chosen),
        cmocka_unit_test(some_kernel_runs_anywhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
