/* matrix.c - square matrices of doubles and their product. */
/* SPDX-License-Identifier: MIT */
#include "args.h"
#include "generator.h"

#include <string.h>

#define MATRIX_TYPE "native.matrix"

enum {
    DIM_MAX = 1024,
    TILE_ROWS = 2, /* a tile of the product is kept in registers while its sums are formed */
    TILE_COLUMNS = 8,
    LANES = 2, /* doubles in a vector: what x86-64 and arm64 have at the least */
    TILE_LANES = TILE_COLUMNS / LANES,
    BLOCK = 256, /* the part of a column tile of `b` that stays in the first-level cache */
};

/* Rows are `stride` apart: dim rounded up, so that tiles never hang over an edge. What is beyond
 * dim never reaches a cell within it: it may be NaN where a product met an infinity. */
struct matrix {
    uint32_t dim;
    uint32_t stride;
    double cells[];
};

/* Vector types have no other spelling than a typedef. Lua aligns to 8 bytes only. */
typedef double lanes __attribute__((vector_size(LANES * sizeof(double)), aligned(8), may_alias));

static uint32_t stride_of(uint32_t dim)
{
    return (dim + TILE_COLUMNS - 1) / TILE_COLUMNS * TILE_COLUMNS;
}

static size_t matrix_bytes(uint32_t dim)
{
    size_t stride = stride_of(dim);
    return sizeof(struct matrix) + stride * stride * sizeof(double);
}

static void matrix_init(struct matrix *m, uint32_t dim)
{
    memset(m, 0, matrix_bytes(dim));
    m->dim = dim;
    m->stride = stride_of(dim);
}

static double *cell(struct matrix *m, size_t row, size_t column)
{
    return m->cells + row * m->stride + column;
}

static bool matrix_fill_random(struct matrix *m)
{
    struct generator generator;
    if (!generator_init(&generator))
        return false;
    for (uint32_t row = 0; row < m->dim; row++) {
        for (uint32_t column = 0; column < m->dim; column++)
            *cell(m, row, column) = generator_unit(&generator);
    }
    return true;
}

/* Adds the product of two rows of `a`, `depth` long, and the packed `panel` to a tile. Without
 * being told to unroll, gcc -O2 keeps the sums in memory. */
static inline void multiply_tile(double *out, const double *a, const double *panel, size_t stride,
                                 size_t depth)
{
    lanes sum[TILE_ROWS][TILE_LANES] = {0};
    for (size_t k = 0; k < depth; k++) {
#pragma GCC unroll 8
        for (size_t r = 0; r < TILE_ROWS; r++) {
#pragma GCC unroll 8
            for (size_t l = 0; l < TILE_LANES; l++)
                sum[r][l] += a[r * stride + k] * ((const lanes *)panel)[k * TILE_LANES + l];
        }
    }
#pragma GCC unroll 8
    for (size_t r = 0; r < TILE_ROWS; r++) {
#pragma GCC unroll 8
        for (size_t l = 0; l < TILE_LANES; l++)
            ((lanes *)(out + r * stride))[l] += sum[r][l];
    }
}

/* `product` begins as zeros. Columns of `b` are copied together before use: a stride of a power
 * of two would put them all into the same few cache lines. */
static void multiply(struct matrix *product, const struct matrix *a, const struct matrix *b)
{
    double panel[BLOCK * TILE_COLUMNS];
    size_t stride = a->stride;
    for (size_t k = 0; k < a->dim; k += BLOCK) {
        size_t depth = a->dim - k < BLOCK ? a->dim - k : BLOCK;
        for (size_t column = 0; column < stride; column += TILE_COLUMNS) {
            for (size_t i = 0; i < depth; i++) {
                memcpy(panel + i * TILE_COLUMNS, b->cells + (k + i) * stride + column,
                       TILE_COLUMNS * sizeof(double));
            }
            for (size_t row = 0; row < stride; row += TILE_ROWS) {
                multiply_tile(product->cells + row * stride + column, a->cells + row * stride + k,
                              panel, stride, depth);
            }
        }
    }
}

/* -- Binding ------------------------------------------------------------------------------- */

static struct matrix *l_matrix_new(lua_State *L, uint32_t dim)
{
    struct matrix *m = lua_newuserdata(L, matrix_bytes(dim));
    matrix_init(m, dim);
    if (luaL_newmetatable(L, MATRIX_TYPE)) {
        lua_pushboolean(L, false);
        lua_setfield(L, -2, "__metatable");
    }
    lua_setmetatable(L, -2);
    return m;
}

static struct matrix *l_matrix_check(lua_State *L, int arg)
{
    return luaL_checkudata(L, arg, MATRIX_TYPE);
}

static int l_random(lua_State *L)
{
    uint32_t dim = (uint32_t)l_arg_integer(L, 1, 1, DIM_MAX);
    struct matrix *m = l_matrix_new(L, dim);
    if (!matrix_fill_random(m))
        return luaL_error(L, "matrix: the system gave no entropy");
    return 1;
}

/* Reads the list at the top of the stack into row `row` of `m`. */
static void l_row_read(lua_State *L, struct matrix *m, uint32_t row)
{
    if (!lua_istable(L, -1) || lua_objlen(L, -1) != m->dim) {
        luaL_argerror(
            L, 1,
            lua_pushfstring(L, "row %d must be a list of %d numbers", (int)row + 1, (int)m->dim));
    }
    for (uint32_t column = 0; column < m->dim; column++) {
        lua_rawgeti(L, -1, (int)column + 1);
        if (lua_type(L, -1) != LUA_TNUMBER) {
            luaL_argerror(L, 1,
                          lua_pushfstring(L, "number expected at row %d, column %d, got %s",
                                          (int)row + 1, (int)column + 1, luaL_typename(L, -1)));
        }
        *cell(m, row, column) = lua_tonumber(L, -1);
        lua_pop(L, 1);
    }
}

static int l_from(lua_State *L)
{
    size_t rows = l_arg_list(L, 1);
    luaL_argcheck(L, rows >= 1 && rows <= DIM_MAX, 1, "1 to 1024 rows expected");
    struct matrix *m = l_matrix_new(L, (uint32_t)rows);
    for (uint32_t row = 0; row < m->dim; row++) {
        lua_rawgeti(L, 1, (int)row + 1);
        l_row_read(L, m, row);
        lua_pop(L, 1);
    }
    return 1;
}

static int l_multiply(lua_State *L)
{
    const struct matrix *a = l_matrix_check(L, 1);
    const struct matrix *b = l_matrix_check(L, 2);
    luaL_argcheck(L, a->dim == b->dim, 2, "both matrices must be of one size");
    multiply(l_matrix_new(L, a->dim), a, b);
    return 1;
}

static int l_get(lua_State *L)
{
    struct matrix *m = l_matrix_check(L, 1);
    int64_t row = l_arg_integer(L, 2, 1, m->dim);
    int64_t column = l_arg_integer(L, 3, 1, m->dim);
    lua_pushnumber(L, *cell(m, (size_t)row - 1, (size_t)column - 1));
    return 1;
}

static const struct native_fn fns[] = {
    {"from", "matrix.from(rows) -> matrix of a list of equally long lists of numbers", l_from},
    {"get", "matrix.get(m, row, column) -> number; row and column count from 1", l_get},
    {"multiply", "matrix.multiply(a, b) -> product of two matrices of one size", l_multiply},
    {"random", "matrix.random(dim) -> square matrix of numbers from 0 to below 1", l_random},
    {NULL, NULL, NULL},
};

const struct native native_matrix = {"matrix", "square matrices of doubles", fns};
