/* numbers_test.c - the natives that compute: fib, matrix, mutex and sieve. */
/* SPDX-License-Identifier: MIT */
#include "lua_rows.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* -- fib ----------------------------------------------------------------------------------- */

#if defined(__SANITIZE_ADDRESS__)
enum { ADDRESS_SANITIZER = 1 };
#else
enum { ADDRESS_SANITIZER = 0 };
#endif
#if defined(__SANITIZE_THREAD__)
enum { THREAD_SANITIZER = 1 };
#else
enum { THREAD_SANITIZER = 0 };
#endif

static void fib_computes_the_known_numbers(void **state)
{
    static const struct lua_row rows[] = {
        {"fib.recursive(0)", "0"},        {"fib.recursive(1)", "1"},
        {"fib.recursive(2)", "1"},        {"fib.recursive(10)", "55"},
        {"fib.recursive(20)", "6765"},    {"fib.recursive(30)", "832040"},
        {"fib.recursive(35)", "9227465"},
    };
    ASSERT_VALUES(*state, rows);
}

static void fib_takes_its_largest_argument(void **state)
{
    static const struct lua_row rows[] = {{"fib.recursive(45)", "1134903170"}};

    if (THREAD_SANITIZER)
        skip(); /* minutes of calls, each of them noted */
    ASSERT_VALUES(*state, rows);
}

static void fib_refuses_other_arguments(void **state)
{
    static const struct lua_row rows[] = {
        {"fib.recursive(-1)",
         "bad argument #1 to 'recursive' (integer from 0 to 45 expected, got -1)"},
        {"fib.recursive(46)", "integer from 0 to 45 expected, got 46"},
        {"fib.recursive(1.5)", "integer from 0 to 45 expected, got 1.5"},
        {"fib.recursive(0/0)", "integer from 0 to 45 expected, got"},
        {"fib.recursive(1/0)", "integer from 0 to 45 expected, got inf"},
        {"fib.recursive('10')", "number expected, got string"},
        {"fib.recursive()", "number expected, got no value"},
        {"fib.recursive({})", "number expected, got table"},
    };
    ASSERT_ERRORS(*state, rows);
}

/* -- sieve --------------------------------------------------------------------------------- */

static void sieve_counts_as_the_tables_say(void **state)
{
    static const struct lua_row rows[] = {
        {"sieve.count(0)", "0"},
        {"sieve.count(1)", "0"},
        {"sieve.count(2)", "1"},
        {"sieve.count(3)", "2"},
        {"sieve.count(4)", "2"},
        {"sieve.count(10)", "4"},
        {"sieve.count(100)", "25"},
        {"sieve.count(1000)", "168"},
        {"sieve.count(10000)", "1229"},
        {"sieve.count(65536)", "6542"},
        {"sieve.count(65537)", "6543"},
        {"sieve.count(100000)", "9592"},
        {"sieve.count(200000)", "17984"},
        {"sieve.count(1000000)", "78498"},
        {"sieve.count(10000000)", "664579"},
        {"sieve.count(99999988)", "5761454"},
        {"sieve.count(99999989)", "5761455"},
        {"sieve.count(100000000)", "5761455"},
    };
    ASSERT_VALUES(*state, rows);
}

enum { PLAIN_MAX = 4000000 };

/* counts[n] is how many primes there are up to n, by the plainest sieve there is. */
static uint32_t *plain_counts(void)
{
    uint32_t *counts = calloc(PLAIN_MAX + 1, sizeof(*counts));
    assert_non_null(counts);
    uint32_t count = 0;
    for (size_t n = 2; n <= PLAIN_MAX; n++) {
        bool composite = counts[n];
        for (size_t multiple = n * n; !composite && multiple <= PLAIN_MAX; multiple += n)
            counts[multiple] = 1;
        count += !composite;
        counts[n] = count;
    }
    return counts;
}

/* A segment is 32768 bytes of 30 numbers, begun in blocks of 64 bytes. Counts of more than one
 * segment are slow where each access is noted: those are fewer. */
static bool worth_a_count(unsigned n)
{
    enum {
        BLOCK_NUMBERS = 64 * 30,
        SEGMENT_NUMBERS = 32768 * 30,
        AROUND = THREAD_SANITIZER ? 8 : 65,
        ANY = THREAD_SANITIZER ? 99991 : 9973,
    };
    unsigned in_block = n % BLOCK_NUMBERS, in_segment = n % SEGMENT_NUMBERS;
    unsigned root = (unsigned)sqrt(n);
    bool after_square = root % 2 == 1 && n - root * root <= 1 && n < 100000;
    return n < 5000 || in_segment < AROUND || in_segment > SEGMENT_NUMBERS - AROUND ||
           n % ANY == 0 || ((in_block < 2 || in_block == BLOCK_NUMBERS - 1) && n < 100000) ||
           after_square;
}

static void sieve_agrees_with_a_plain_one_where_its_parts_meet(void **state)
{
    lua_State *L = *state;
    uint32_t *counts = plain_counts();
    for (unsigned n = 0; n <= PLAIN_MAX; n++) {
        if (!worth_a_count(n))
            continue;
        lua_getglobal(L, "sieve");
        lua_getfield(L, -1, "count");
        lua_pushnumber(L, n);
        assert_int_equal(lua_pcall(L, 1, 1, 0), 0);
        if (lua_tonumber(L, -1) != counts[n])
            fail_msg("%u: %d is not %u", n, (int)lua_tonumber(L, -1), counts[n]);
        lua_settop(L, 0);
    }
    free(counts);
}

static void sieve_refuses_other_limits(void **state)
{
    static const struct lua_row rows[] = {
        {"sieve.count(-1)", "integer from 0 to 100000000 expected, got -1"},
        {"sieve.count(100000001)", "integer from 0 to 100000000 expected, got 100000001"},
        {"sieve.count(2.5)", "integer from 0 to 100000000 expected, got 2.5"},
        {"sieve.count('7')", "number expected, got string"},
    };
    ASSERT_ERRORS(*state, rows);
}

/* -- matrix -------------------------------------------------------------------------------- */

static void matrix_multiplies_known_matrices(void **state)
{
    static const struct lua_row rows[] = {
        {"matrix.get(matrix.from({{7}}), 1, 1)", "7"},
        {"matrix.get(matrix.from({{1, 2}, {3, 4}}), 1, 2)", "2"},
        {"matrix.get(matrix.from({{1, 2}, {3, 4}}), 2, 1)", "3"},
        {"matrix.get(matrix.multiply(matrix.from({{3}}), matrix.from({{-4}})), 1, 1)", "-12"},
        {"show(matrix.multiply(matrix.from({{1, 2}, {3, 4}}), matrix.from({{5, 6}, {7, 8}})), 2)",
         "19 22 43 50"},
        {"show(matrix.multiply(matrix.from({{1, 0, 0}, {0, 1, 0}, {0, 0, 1}}),"
         " matrix.from({{1, 2, 3}, {4, 5, 6}, {7, 8, 9}})), 3)",
         "1 2 3 4 5 6 7 8 9"},
        {"show(square(square(matrix.from({{1/0}}))), 1)", "inf"},
        {"show(square(square(matrix.from({{1/0, 1}, {1, 1}}))), 2)", "inf inf inf inf"},
    };
    lua_run(*state, "function square(m) return matrix.multiply(m, m) end "
                    "function show(m, dim) local cells = {}"
                    "  for i = 1, dim do for j = 1, dim do"
                    "    cells[#cells + 1] = matrix.get(m, i, j)"
                    "  end end return table.concat(cells, ' ') end");
    ASSERT_VALUES(*state, rows);
}

static void matrix_agrees_with_the_plain_triple_loop(void **state)
{
    lua_State *L = *state;
    lua_run(L,
            "local function rows_of(m, dim) local rows = {}"
            "  for i = 1, dim do rows[i] = {}"
            "    for j = 1, dim do rows[i][j] = matrix.get(m, i, j) end end"
            "  return rows end\n"
            "for _, dim in ipairs({1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 64, 100, 255, 257}) do"
            "  local a, b = matrix.random(dim), matrix.random(dim)"
            "  local product = matrix.multiply(a, b)"
            "  local x, y = rows_of(a, dim), rows_of(b, dim)"
            "  for i = 1, dim do for j = 1, dim do"
            "    local sum = 0"
            "    for k = 1, dim do sum = sum + x[i][k] * y[k][j] end"
            "    local got = matrix.get(product, i, j)"
            "    assert(math.abs(got - sum) <= 1e-12 * sum,"
            "           dim .. ': ' .. i .. ',' .. j .. ': ' .. got .. ' is not ' .. sum)"
            "  end end end");
}

/* Products of whole numbers are exact in whatever order they are summed. */
static void matrix_multiplies_the_largest_exactly(void **state)
{
    lua_State *L = *state;
    lua_run(L, "local rows = {}"
               "for i = 1, 1024 do rows[i] = {}"
               "  for j = 1, 1024 do rows[i][j] = (i * 7 + j * 3) % 11 end end\n"
               "local m = matrix.from(rows)"
               "local product = matrix.multiply(m, m)"
               "for _, i in ipairs({1, 2, 255, 256, 257, 511, 513, 1023, 1024}) do"
               "  for j = 1, 1024, 31 do"
               "    local sum = 0"
               "    for k = 1, 1024 do sum = sum + rows[i][k] * rows[k][j] end"
               "    assert(matrix.get(product, i, j) == sum, i .. ',' .. j)"
               "  end end");
}

static void matrix_random_is_from_0_to_below_1(void **state)
{
    lua_State *L = *state;
    lua_run(L, "local m, sum = matrix.random(100), 0 "
               "for i = 1, 100 do for j = 1, 100 do"
               "  local x = matrix.get(m, i, j)"
               "  assert(x >= 0 and x < 1) sum = sum + x end end "
               "assert(math.abs(sum - 5000) < 300) "
               "assert(matrix.get(m, 1, 1) ~= matrix.get(matrix.random(100), 1, 1))");
}

static void matrix_leaves_its_factors_as_they_are(void **state)
{
    lua_State *L = *state;
    lua_run(L, "local m = matrix.from({{1, 2}, {3, 4}}) matrix.multiply(m, m)"
               "assert(matrix.get(m, 1, 1) == 1 and matrix.get(m, 2, 2) == 4)");
}

static void matrix_refuses_other_arguments(void **state)
{
    static const struct lua_row rows[] = {
        {"matrix.random(0)", "integer from 1 to 1024 expected, got 0"},
        {"matrix.random(1025)", "integer from 1 to 1024 expected, got 1025"},
        {"matrix.random(1.5)", "integer from 1 to 1024 expected, got 1.5"},
        {"matrix.from({})", "1 to 1024 rows expected"},
        {"matrix.from(wide)", "1 to 1024 rows expected"},
        {"matrix.from('x')", "table expected, got string"},
        {"matrix.from({{1, 2}})", "row 1 must be a list of 1 numbers"},
        {"matrix.from({{1, 2}, {3}})", "row 2 must be a list of 2 numbers"},
        {"matrix.from({{1, 2}, 3})", "row 2 must be a list of 2 numbers"},
        {"matrix.from({{1, 2}, {3, 'x'}})", "number expected at row 2, column 2, got string"},
        {"matrix.from({{1, 2}, {'3', 4}})", "number expected at row 2, column 1, got string"},
        {"matrix.multiply(matrix.random(2), matrix.random(3))",
         "both matrices must be of one size"},
        {"matrix.multiply(matrix.random(2), {})", "native.matrix expected, got table"},
        {"matrix.multiply(io.stdout, matrix.random(2))", "native.matrix expected, got userdata"},
        {"matrix.get({}, 1, 1)", "native.matrix expected, got table"},
        {"matrix.get(matrix.random(2), 0, 1)", "integer from 1 to 2 expected, got 0"},
        {"matrix.get(matrix.random(2), 3, 1)", "integer from 1 to 2 expected, got 3"},
        {"matrix.get(matrix.random(2), 1, 0)", "integer from 1 to 2 expected, got 0"},
        {"matrix.get(matrix.random(2), 1, 3)", "integer from 1 to 2 expected, got 3"},
        {"setmetatable(getmetatable(matrix.random(1)), {})", "table expected, got boolean"},
    };
    lua_run(*state, "wide = {} for i = 1, 1025 do wide[i] = {} end");
    ASSERT_ERRORS(*state, rows);
}

/* -- mutex --------------------------------------------------------------------------------- */

static uint64_t expected_sum(unsigned threads, unsigned iterations)
{
    uint64_t sum = 0;
    for (unsigned t = 0; t < threads; t++) {
        for (unsigned i = 0; i < iterations; i++) {
            uint64_t v = (uint64_t)t * 1000 + i;
            for (int step = 0; step < 2000; step++)
                v = v * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
            sum += v;
        }
    }
    return sum;
}

static void mutex_sums_what_one_thread_would(void **state)
{
    static const struct {
        unsigned threads, iterations;
    } cases[] = {{1, 0}, {64, 0}, {1, 1}, {2, 1}, {4, 200}, {64, 3}, {7, 101}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char call[64], sum[32];
        snprintf(call, sizeof(call), "mutex.contend(%u, %u)", cases[i].threads,
                 cases[i].iterations);
        snprintf(sum, sizeof(sum), "%" PRIu64, expected_sum(cases[i].threads, cases[i].iterations));
        const struct lua_row rows[] = {{call, sum}};
        ASSERT_VALUES(*state, rows);
    }
}

static void mutex_gives_large_sums_as_strings(void **state)
{
    static const struct lua_row rows[] = {
        {"type(mutex.contend(1, 0))", "number"},
        {"type(mutex.contend(4, 200))", "string"},
    };
    ASSERT_VALUES(*state, rows);
}

static void mutex_takes_its_largest_arguments(void **state)
{
    char sum[32];
    snprintf(sum, sizeof(sum), "%" PRIu64, expected_sum(1, 100000));
    const struct lua_row rows[] = {{"mutex.contend(1, 100000)", sum}};
    ASSERT_VALUES(*state, rows);
}

static void mutex_refuses_other_arguments(void **state)
{
    static const struct lua_row rows[] = {
        {"mutex.contend(0, 1)",
         "bad argument #1 to 'contend' (integer from 1 to 64 expected, got 0)"},
        {"mutex.contend(65, 1)", "integer from 1 to 64 expected, got 65"},
        {"mutex.contend(1, -1)", "integer from 0 to 100000 expected, got -1"},
        {"mutex.contend(1, 100001)",
         "bad argument #2 to 'contend' (integer from 0 to 100000 expected, got 100001)"},
        {"mutex.contend(1.5, 1)", "integer from 1 to 64 expected, got 1.5"},
        {"mutex.contend(1)", "number expected, got no value"},
    };
    ASSERT_ERRORS(*state, rows);
}

static void limit_address_space(void)
{
    enum { ROOM_BYTES = 3 * 1024 * 1024 };
    unsigned long pages = 0;
    FILE *statm = fopen("/proc/self/statm", "r");
    if (!statm || fscanf(statm, "%lu", &pages) != 1)
        _exit(2);
    fclose(statm);
    rlim_t bytes = pages * (rlim_t)sysconf(_SC_PAGESIZE) + ROOM_BYTES;
    if (setrlimit(RLIMIT_AS, &(struct rlimit){bytes, bytes}) != 0)
        _exit(2);
}

/* The first test of the group: stacks of earlier threads would be used again. */
static void mutex_raises_when_not_all_threads_start(void **state)
{
    if (ADDRESS_SANITIZER || THREAD_SANITIZER)
        skip(); /* they need address space without end */
    static const char code[] =
        "local done, message = pcall(mutex.contend, 64, 2)"
        "assert(not done and message:find('could not start 64 threads', 1, true), message)"
        "assert(mutex.contend(2, 2))";
    lua_State *L = *state;
    pid_t child = fork();
    if (child == 0) {
        limit_address_space();
        _exit(luaL_dostring(L, code) ? 1 : 0);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LUA_TEST(mutex_raises_when_not_all_threads_start),
        LUA_TEST(mutex_sums_what_one_thread_would),
        LUA_TEST(mutex_gives_large_sums_as_strings),
        LUA_TEST(mutex_takes_its_largest_arguments),
        LUA_TEST(mutex_refuses_other_arguments),
        LUA_TEST(fib_computes_the_known_numbers),
        LUA_TEST(fib_takes_its_largest_argument),
        LUA_TEST(fib_refuses_other_arguments),
        LUA_TEST(sieve_counts_as_the_tables_say),
        LUA_TEST(sieve_agrees_with_a_plain_one_where_its_parts_meet),
        LUA_TEST(sieve_refuses_other_limits),
        LUA_TEST(matrix_multiplies_known_matrices),
        LUA_TEST(matrix_agrees_with_the_plain_triple_loop),
        LUA_TEST(matrix_multiplies_the_largest_exactly),
        LUA_TEST(matrix_random_is_from_0_to_below_1),
        LUA_TEST(matrix_leaves_its_factors_as_they_are),
        LUA_TEST(matrix_refuses_other_arguments),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
