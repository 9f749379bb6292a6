/* cases.c - each native's input, and the goal it is held to. */
/* SPDX-License-Identifier: MIT */
#include "benchmark.h"

static const char fib_setup[] = "function run() sum = fib.recursive(size) end "
                                "function result() return sum end";

static const char gzip_setup[] = "data = random.letters(size) "
                                 "function run() packed = gzip.compress(data, 6) end "
                                 "function result() return #packed end";

/* Products of whole numbers are exact in whatever order they are summed. */
static const char matrix_setup[] =
    "local rows = {} "
    "for i = 1, size do rows[i] = {}"
    "  for j = 1, size do rows[i][j] = (i * 7 + j * 3) % 11 end end "
    "local m = matrix.from(rows) "
    "rows = nil "
    "function run() product = matrix.multiply(m, m) end "
    "function result() local get = matrix.get "
    "  return get(product, 1, 1) .. ' ' .. get(product, 1, size) .. ' ' .. get(product, size, 2)"
    " end";

static const char mutex_setup[] = "iterations = 300 "
                                  "function run() sum = mutex.contend(size, iterations) end "
                                  "function result() return sum end";

/* The pattern and the subjects of the built-in function. */
static const char regex_setup[] =
    "pattern = [[[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\\.[A-Za-z]{2,}|\\d{1,3}(?:\\.\\d{1,3}){3}]] "
    "subjects = {} "
    "for i = 0, size - 1 do"
    "  subjects[i + 1] = i % 3 == 0 and 'user' .. i .. '@example.com'"
    "    or 'not-an-email-' .. math.random(0, 999999999) end "
    "function run() matched = regex.count(pattern, subjects) end "
    "function result() return matched end";

static const char sha256_setup[] = "input = '6f1c1b1e-3f0a-4f5c-9d57-0a6c3b1d2e4f' "
                                   "function run() digest = sha256.iterate(input, size) end "
                                   "function result() return digest end";

static const char sieve_setup[] = "function run() count = sieve.count(size) end "
                                  "function result() return count end";

static const char sort_setup[] =
    "texts = {} "
    "for i = 1, size do texts[i] = 'item-' .. math.random(0, size * 10 - 1) end "
    "local list = {} "
    "function before() for i = 1, size do list[i] = texts[i] end end "
    "function run() sort.strings(list) end "
    "function result()"
    "  return list[1] .. ' ' .. list[math.floor(size / 2) + 1] .. ' ' .. list[size] end";

#define SHA256 "at least 0.95 of its speed", 1 / 0.95
#define SIEVE  "at most 3 times its time", 3
#define MATRIX "at least 0.7 of its speed", 1 / 0.7
#define GZIP   "at most 1.05 times its time", 1.05
#define REGEX  "at most 1.1 times its time", 1.1
#define SORT   "at most 1.2 times its time", 1.2
#define MUTEX  "at most 1.1 times its time", 1.1
#define FIB    "at most 1.05 times its time", 1.05

const struct bench_case bench_cases[] = {
    {"sha256", "rounds", 20000, &peer_sha256, sha256_setup, SHA256},
    {"sha256", "rounds", 20000, &peer_evp, sha256_setup, SHA256},
    {"sieve", "limit", 200000, &peer_primesieve, sieve_setup, SIEVE},
    {"sieve", "limit", 1000000, &peer_primesieve, sieve_setup, SIEVE},
    {"sieve", "limit", 10000000, &peer_primesieve, sieve_setup, SIEVE},
    {"sieve", "limit", 100000000, &peer_primesieve, sieve_setup, SIEVE},
    {"matrix", "dim", 64, &peer_dgemm, matrix_setup, MATRIX},
    {"matrix", "dim", 120, &peer_dgemm, matrix_setup, MATRIX},
    {"matrix", "dim", 128, &peer_dgemm, matrix_setup, MATRIX},
    {"matrix", "dim", 256, &peer_dgemm, matrix_setup, MATRIX},
    {"matrix", "dim", 512, &peer_dgemm, matrix_setup, MATRIX},
    {"matrix", "dim", 1024, &peer_dgemm, matrix_setup, MATRIX},
    {"gzip", "letters", 50000, &peer_zlib, gzip_setup, GZIP},
    {"gzip", "letters", 1000000, &peer_zlib, gzip_setup, GZIP},
    {"regex", "subjects", 5000, &peer_pcre2_jit_match, regex_setup, REGEX},
    {"regex", "subjects", 5000, &peer_pcre2_match, regex_setup, REGEX},
    {"regex", "subjects", 100000, &peer_pcre2_jit_match, regex_setup, REGEX},
    {"sort", "strings", 1000, &peer_qsort, sort_setup, SORT},
    {"sort", "strings", 100000, &peer_qsort, sort_setup, SORT},
    {"mutex", "threads", 1, &peer_lock, mutex_setup, MUTEX},
    {"mutex", "threads", 4, &peer_lock, mutex_setup, MUTEX},
    {"fib", "n", 30, &peer_fib, fib_setup, FIB},
    {"fib", "n", 35, &peer_fib, fib_setup, FIB},
    {NULL, NULL, 0, NULL, NULL, NULL, 0},
};
