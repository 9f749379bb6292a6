/* peers_regex.c - matching with the compiled patterns of pcre2. */
/* SPDX-License-Identifier: MIT */
#define PCRE2_CODE_UNIT_WIDTH 8
#include "benchmark.h"

#include <pcre2.h>
#include <stdio.h>
#include <stdlib.h>

struct finder {
    const char *pattern;
    size_t length, matched;
    struct bench_texts *subjects;
};

static void *finder_open(lua_State *L)
{
    struct finder *finder = bench_alloc(sizeof(*finder));
    finder->pattern = bench_text(L, "pattern", &finder->length);
    finder->subjects = bench_texts(L, "subjects");
    return finder;
}

static void finder_close(void *self)
{
    free(((struct finder *)self)->subjects);
    free(self);
}

static void finder_result(const void *self, char text[RESULT_BYTES])
{
    snprintf(text, RESULT_BYTES, "%zu", ((const struct finder *)self)->matched);
}

typedef int (*match_fn)(const pcre2_code *, PCRE2_SPTR, PCRE2_SIZE, PCRE2_SIZE, uint32_t,
                        pcre2_match_data *, pcre2_match_context *);

/* Compiles too, as each call of the native does. */
static inline void finder_run(struct finder *finder, match_fn match)
{
    int error;
    PCRE2_SIZE offset;
    pcre2_code *code = pcre2_compile((PCRE2_SPTR)finder->pattern, finder->length,
                                     PCRE2_ANCHORED | PCRE2_ENDANCHORED, &error, &offset, NULL);
    if (!code || pcre2_jit_compile(code, PCRE2_JIT_COMPLETE) != 0)
        bench_fail("the pattern does not compile");
    pcre2_match_data *data = pcre2_match_data_create_from_pattern(code, NULL);
    finder->matched = 0;
    for (size_t i = 0; i < finder->subjects->count; i++) {
        const struct bench_span *subject = &finder->subjects->items[i];
        finder->matched +=
            match(code, (PCRE2_SPTR)subject->bytes, subject->length, 0, 0, data, NULL) > 0;
    }
    pcre2_match_data_free(data);
    pcre2_code_free(code);
}

static void match_run(void *self)
{
    finder_run(self, pcre2_match);
}

static void jit_match_run(void *self)
{
    finder_run(self, pcre2_jit_match);
}

const struct peer peer_pcre2_match = {.name = "pcre2_match of JIT code",
                                      .open = finder_open,
                                      .run = match_run,
                                      .result = finder_result,
                                      .close = finder_close};

const struct peer peer_pcre2_jit_match = {.name = "pcre2_jit_match",
                                          .open = finder_open,
                                          .run = jit_match_run,
                                          .result = finder_result,
                                          .close = finder_close};
