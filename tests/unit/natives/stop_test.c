/* stop_test.c - natives that are told to stop do so, at once, and keep nothing. */
/* SPDX-License-Identifier: MIT */
#include "lua_rows.h"

#include <pthread.h>
#include <stdio.h>
#include <time.h>

/* What takes long, so often that all of it would take minutes: the test's time limit tells natives
 * that do not stop. */
struct row {
    const char *prepare; /* makes `x`, before anything is to stop */
    const char *call;
    unsigned times;
};

static const struct row rows[] = {
    {"", "fib.recursive(45)", 100},
    {"x = ('ab'):rep(2^23)", "gzip.compress(x)", 500},
    {"x = ('ab'):rep(2^23)", "gzip.compress(x, 0)", 2000},
    {"x = gzip.compress(('ab'):rep(2^23), 1)", "gzip.decompress(x, 2^24)", 2000},
    {"x = {} for i = 1, 1024 do x[i] = {} for j = 1, 1024 do x[i][j] = j end end", "matrix.from(x)",
     30},
    {"x = matrix.random(4)", "matrix.get(x, 1, 1)", 1},
    {"x = matrix.random(1024)", "matrix.multiply(x, x)", 1000},
    {"", "matrix.random(1024)", 30},
    {"", "mutex.contend(64, 100000)", 5},
    {"", "random.letters(2^26)", 300},
    {"", "random.uuid()", 1},
    {"", "random.uuids(1000000)", 100},
    {"x = {} for i = 1, 100000 do x[i] = 'user@example.com' end",
     "regex.count('[a-z]+@([a-z]+[.])+com', x)", 10000},
    {"x = ('a'):rep(2^20) .. 'cbx'", "regex.matches('a*?[a]*+[bc]x', x)", 1000},
    {"x = ('a'):rep(2^20) .. 'cbx'", "regex.matches('(*NO_JIT)a*?[a]*+[bc]x', x)", 1000},
    {"", "sha256.iterate('abc', 10000000)", 300},
    {"x = ('ab'):rep(2^23)", "sha256.iterate(x, 1)", 3000},
    {"x = ('ab'):rep(2^23)", "sha256.iterate(x, 0)", 1500},
    {"", "sieve.count(100000000)", 6000},
    {"x = random.uuids(100000)", "sort.strings(x)", 2000},
    {"x = random.uuids(100000) for i = 1, #x do x[i] = 'prefix: ' .. x[i] end", "sort.strings(x)",
     3000},
};

enum { ROWS = sizeof(rows) / sizeof(rows[0]) };

static void set_stop(bool stop)
{
    atomic_store(&native_stop, stop);
}

/* Runs a row; raises nothing, whatever is missing in it. */
static void row_run(lua_State *L, const struct row *row)
{
    char code[256];
    snprintf(code, sizeof(code), "for i = 1, %u do local y = %s end", row->times, row->call);
    lua_run(L, code);
    lua_settop(L, 0);
}

static void row_prepare(lua_State *L, const struct row *row)
{
    set_stop(false);
    lua_run(L, row->prepare);
    lua_settop(L, 0);
}

static void row_end(lua_State *L)
{
    set_stop(false);
    lua_run(L, "x = nil collectgarbage()");
    lua_settop(L, 0);
}

static void every_function_has_a_row(void **state)
{
    (void)state;
    for (size_t i = 0; natives[i]; i++) {
        for (const struct native_fn *fn = natives[i]->fns; fn->name; fn++) {
            char start[128];
            size_t row = 0;
            snprintf(start, sizeof(start), "%s.%s(", natives[i]->name, fn->name);
            while (row < ROWS && strncmp(rows[row].call, start, strlen(start)) != 0)
                row++;
            if (row == ROWS)
                fail_msg("no row calls %s)", start);
        }
    }
}

/* What they return is never seen by a function; here it shows that they did nothing. */
static void none_works_when_it_is_to_stop(void **state)
{
    static const struct lua_row results[] = {
        {"fib.recursive(45)", "0"},
        {"select('#', gzip.compress('text'))", "0"},
        {"select('#', gzip.compress('text', 0))", "0"},
        {"select('#', gzip.decompress(('\\0'):rep(18), 0))", "0"},
        {"matrix.get(matrix.from({{1, 2}, {3, 4}}), 1, 1)", "0"},
        {"matrix.get(matrix.random(100), 50, 50)", "0"},
        {"mutex.contend(64, 100000)", "0"},
        {"select('#', random.letters(2^26))", "0"},
        {"#random.uuids(1000000)", "0"},
        {"regex.count('a', {'a', 'a'})", "0"},
        {"regex.count('a', {5})", "0"},
        {"regex.matches('a', 'a')", "false"},
        {"select('#', sha256.iterate('abc', 0))", "0"},
        {"select('#', sha256.iterate('abc', 10000000))", "0"},
        {"sieve.count(100000000)", "3"},
        {"select('#', sort.strings({'b', 'a', 5}))", "0"},
    };
    set_stop(true);
    ASSERT_VALUES(*state, results);
    set_stop(false);
}

static void *stopper_run(void *delay_ns)
{
    const struct timespec delay = {.tv_nsec = *(const long *)delay_ns};
    nanosleep(&delay, NULL);
    set_stop(true);
    return NULL;
}

/* Wherever they are then: the delays are only to differ. */
static void all_end_when_they_are_to_stop(void **state)
{
    static long delays_ns[] = {100000, 10000000};
    for (size_t i = 0; i < ROWS; i++) {
        for (size_t d = 0; d < sizeof(delays_ns) / sizeof(delays_ns[0]); d++) {
            pthread_t stopper;
            row_prepare(*state, &rows[i]);
            assert_int_equal(pthread_create(&stopper, NULL, stopper_run, &delays_ns[d]), 0);
            row_run(*state, &rows[i]);
            pthread_join(stopper, NULL);
            row_end(*state);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_function_has_a_row),
        LUA_TEST(none_works_when_it_is_to_stop),
        LUA_TEST(all_end_when_they_are_to_stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
