/* matrix.c - square matrices of doubles and their product. */
/* SPDX-License-Identifier: MIT */
#include "args.h"
#include "generator.h"
#include "matrix_product.h"

#define MATRIX_TYPE "native.matrix"

enum { DIM_MAX = 1024 };

static bool matrix_fill_random(struct matrix *m)
{
    struct generator generator;
    if (!generator_init(&generator))
        return false;
    for (uint32_t row = 0; row < m->dim && !native_stopped(); row++) {
        for (uint32_t column = 0; column < m->dim; column++)
            *matrix_cell(m, row, column) = generator_unit(&generator);
    }
    return true;
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
    matrix_clear(m);
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
        *matrix_cell(m, row, column) = lua_tonumber(L, -1);
        lua_pop(L, 1);
    }
}

static int l_from(lua_State *L)
{
    size_t rows = l_arg_list(L, 1);
    luaL_argcheck(L, rows >= 1 && rows <= DIM_MAX, 1, "1 to 1024 rows expected");
    struct matrix *m = l_matrix_new(L, (uint32_t)rows);
    matrix_clear(m);
    for (uint32_t row = 0; row < m->dim && !native_stopped(); row++) {
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
    matrix_multiply(matrix_kernel_choose(), l_matrix_new(L, a->dim), a, b);
    return 1;
}

static int l_get(lua_State *L)
{
    struct matrix *m = l_matrix_check(L, 1);
    int64_t row = l_arg_integer(L, 2, 1, m->dim);
    int64_t column = l_arg_integer(L, 3, 1, m->dim);
    lua_pushnumber(L, *matrix_cell(m, (size_t)row - 1, (size_t)column - 1));
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
