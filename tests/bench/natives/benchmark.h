/* benchmark.h - what the natives are measured against, and on what. */
/* SPDX-License-Identifier: MIT */
#pragma once

#include <luajit-2.1/lauxlib.h>
#include <luajit-2.1/lua.h>
#include <stddef.h>

enum { RESULT_BYTES = 256 };

/* A way to do in plain C what a native does. Functions get what `open` returned. */
struct peer {
    const char *name;
    const char *(*variant)(void); /* which of its ways it takes on this machine; may be NULL */
    const char *missing;          /* nothing else is set: the library that the build is without */
    void *(*open)(lua_State *L);  /* takes its input from the globals that a case set */
    void (*before)(void *self);   /* not timed, before each run; may be NULL */
    void (*run)(void *self);      /* what is timed */
    void (*result)(const void *self, char text[RESULT_BYTES]); /* what the last run came to */
    void (*close)(void *self);
};

/* `setup` is Lua code that sets globals: the input, `run`, which is what is timed, `result`, which
 * says what the last run came to in the peer's words, and maybe `before`. `size` is set already. */
struct bench_case {
    const char *native;
    const char *name; /* what the size is of */
    int size;
    const struct peer *peer;
    const char *setup;
    const char *goal;
    double ratio_max; /* the goal, as time of ours by time of the peer's */
};

extern const struct bench_case bench_cases[]; /* ends with a NULL native */

extern const struct peer peer_dgemm, peer_evp, peer_fib, peer_lock, peer_pcre2_jit_match,
    peer_pcre2_match, peer_primesieve, peer_qsort, peer_sha256, peer_zlib;

/* Memory that is there, or the end of the program. */
void *bench_alloc(size_t bytes);

/* Ends the program with `why`. */
__attribute__((noreturn)) void bench_fail(const char *why);

/* The global number `name`; the global string `name`, which lives as long as it stays there. */
int bench_number(lua_State *L, const char *name);
const char *bench_text(lua_State *L, const char *name, size_t *length);

/* The strings of the global list `name`, which live as long as it. */
struct bench_texts {
    size_t count;
    struct bench_span {
        const char *bytes;
        size_t length;
    } items[];
};
struct bench_texts *bench_texts(lua_State *L, const char *name);
