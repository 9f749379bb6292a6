/* benchmark.c - times each native and its peer by turns, and prints a line of JSON for each case.
 */
/* SPDX-License-Identifier: MIT */
#include "benchmark.h"

#include "native.h"
#include "worker/heap.h"

#include <luajit-2.1/lualib.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { SAMPLES_MIN = 3, SAMPLES_MAX = 31 };

static const double sample_ms = 8; /* shorter runs are repeated until a sample is that long */
static const double budget_ms = 2600, budget_quick_ms = 400; /* of a case */

/* Either side of a case. */
struct side {
    lua_State *L; /* NULL: the peer's */
    const struct peer *peer;
    void *self;
    int runs; /* of a sample */
    double ms[SAMPLES_MAX];
};

void bench_fail(const char *why)
{
    fprintf(stderr, "natives_benchmark: %s\n", why);
    exit(1);
}

void *bench_alloc(size_t bytes)
{
    void *memory = malloc(bytes > 0 ? bytes : 1);
    if (!memory)
        bench_fail("no memory");
    return memory;
}

/* -- What peers ask of a state -------------------------------------------------------------- */

int bench_number(lua_State *L, const char *name)
{
    lua_getglobal(L, name);
    int number = (int)lua_tointeger(L, -1);
    lua_pop(L, 1);
    return number;
}

const char *bench_text(lua_State *L, const char *name, size_t *length)
{
    lua_getglobal(L, name);
    const char *text = lua_tolstring(L, -1, length);
    lua_pop(L, 1);
    if (!text)
        bench_fail(name);
    return text;
}

struct bench_texts *bench_texts(lua_State *L, const char *name)
{
    lua_getglobal(L, name);
    size_t count = lua_objlen(L, -1);
    struct bench_texts *texts = bench_alloc(sizeof(*texts) + count * sizeof(texts->items[0]));
    texts->count = count;
    for (size_t i = 0; i < count; i++) {
        lua_rawgeti(L, -1, (int)i + 1);
        texts->items[i].bytes = lua_tolstring(L, -1, &texts->items[i].length);
        lua_pop(L, 1);
    }
    lua_pop(L, 1);
    return texts;
}

/* -- Measuring ------------------------------------------------------------------------------ */

static double now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec * 1e-6;
}

static void lua_call_global(lua_State *L, const char *name)
{
    lua_getglobal(L, name);
    if (lua_pcall(L, 0, 0, 0) != 0)
        bench_fail(lua_tostring(L, -1));
}

static double peer_run_ms(const struct side *side)
{
    if (side->peer->before)
        side->peer->before(side->self);
    double start = now_ms();
    side->peer->run(side->self);
    return now_ms() - start;
}

static double native_run_ms(const struct side *side)
{
    lua_call_global(side->L, "before");
    double start = now_ms();
    lua_call_global(side->L, "run");
    return now_ms() - start;
}

static double sample(const struct side *side)
{
    double sum = 0;
    for (int i = 0; i < side->runs; i++)
        sum += side->L ? native_run_ms(side) : peer_run_ms(side);
    return sum / side->runs;
}

/* Doubles the runs until they fill a sample, which warms up what there is to warm up. */
static void calibrate(struct side *side)
{
    side->runs = 1;
    while (sample(side) * side->runs < sample_ms)
        side->runs *= 2;
}

static int measure(struct side *ours, struct side *theirs, double budget)
{
    calibrate(ours);
    calibrate(theirs);
    double end = now_ms() + budget;
    int count = 0;
    while (count < SAMPLES_MIN || (count < SAMPLES_MAX && now_ms() < end)) {
        struct side *first = count % 2 == 0 ? ours : theirs;
        struct side *second = count % 2 == 0 ? theirs : ours;
        first->ms[count] = sample(first);
        second->ms[count] = sample(second);
        count++;
    }
    return count;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(const double *ms, int count)
{
    double sorted[SAMPLES_MAX];
    memcpy(sorted, ms, (size_t)count * sizeof(*ms));
    qsort(sorted, (size_t)count, sizeof(*sorted), compare);
    return (sorted[(count - 1) / 2] + sorted[count / 2]) / 2;
}

/* -- Cases ---------------------------------------------------------------------------------- */

static void heap_full(void *owner, size_t wanted)
{
    (void)owner;
    (void)wanted;
    bench_fail("a native asked for more memory than a function can have");
}

/* A state as a worker has it: in a heap whose memory has been used before. */
static lua_State *state_open(const struct bench_case *bench, struct heap *heap)
{
    heap_start(heap, heap_limit_max(), heap_full, NULL);
    lua_State *L = lua_newstate(heap_alloc, heap);
    if (!L)
        bench_fail("no memory");
    luaL_openlibs(L);
    for (size_t i = 0; natives[i]; i++) {
        l_native_push(L, natives[i]);
        lua_setglobal(L, natives[i]->name);
    }
    lua_pushinteger(L, bench->size);
    lua_setglobal(L, "size");
    if (luaL_dostring(L, "function before() end") || luaL_dostring(L, bench->setup))
        bench_fail(lua_tostring(L, -1));
    return L;
}

/* Times mean nothing when the two do not come to the same. */
static void results_compare(const struct bench_case *bench, lua_State *L, const struct side *theirs)
{
    char text[RESULT_BYTES];
    bench->peer->result(theirs->self, text);
    lua_getglobal(L, "result");
    if (lua_pcall(L, 0, 1, 0) != 0)
        bench_fail(lua_tostring(L, -1));
    if (!lua_isstring(L, -1) || strcmp(lua_tostring(L, -1), text) != 0) {
        fprintf(stderr, "%s: %s is not %s\n", bench->native, lua_tostring(L, -1), text);
        bench_fail("the native and its peer came to different results");
    }
    lua_pop(L, 1);
}

static void print_samples(const char *key, const double *ms, int count)
{
    printf("\"%s\":[", key);
    for (int i = 0; i < count; i++)
        printf("%s%.5g", i > 0 ? "," : "", ms[i]);
    printf("],");
}

static void print_case(const struct bench_case *bench, const struct side *ours,
                       const struct side *theirs, int count)
{
    double ratio = median(ours->ms, count) / median(theirs->ms, count);
    const struct peer *peer = bench->peer;
    printf("{\"native\":\"%s\",\"case\":\"%s %d\",", bench->native, bench->name, bench->size);
    printf("\"reference\":\"%s%s%s\",", peer->name, peer->variant ? ", " : "",
           peer->variant ? peer->variant() : "");
    print_samples("ours_ms", ours->ms, count);
    print_samples("reference_ms", theirs->ms, count);
    printf("\"goal\":\"%s\",\"ratio\":%.3f,\"met\":%s}\n", bench->goal, ratio,
           ratio <= bench->ratio_max ? "true" : "false");
    fflush(stdout);
}

static void case_run(const struct bench_case *bench, double budget)
{
    struct heap *heap = heap_open();
    if (!heap)
        bench_fail("no memory");
    lua_State *L = state_open(bench, heap);
    struct side ours = {.L = L};
    struct side theirs = {.peer = bench->peer, .self = bench->peer->open(L)};
    int count = measure(&ours, &theirs, budget);
    results_compare(bench, L, &theirs);
    print_case(bench, &ours, &theirs, count);
    bench->peer->close(theirs.self);
    lua_close(L);
    heap_close(heap);
}

/* Once for all cases of a native, which stand together. */
static void print_missing(const struct bench_case *bench)
{
    if (bench != bench_cases && strcmp(bench[-1].native, bench->native) == 0)
        return;
    printf("{\"native\":\"%s\",\"missing\":\"%s\"}\n", bench->native, bench->peer->missing);
    fflush(stdout);
}

static void usage(void)
{
    fputs("usage: natives_benchmark [--quick] [native ...]\n"
          "Times natives against the best that does the same in C: a line of JSON for each case.\n",
          stderr);
    exit(2);
}

static bool wanted(const char *native, char **names)
{
    for (size_t i = 0; names[i]; i++) {
        if (strcmp(names[i], native) == 0)
            return true;
    }
    return !names[0];
}

int main(int argc, char **argv)
{
    (void)argc;
    char **names = argv + 1;
    bool quick = *names && strcmp(*names, "--quick") == 0;
    names += quick;
    if (*names && **names == '-')
        usage();
    for (const struct bench_case *bench = bench_cases; bench->native; bench++) {
        if (!wanted(bench->native, names))
            continue;
        if (bench->peer->missing)
            print_missing(bench);
        else
            case_run(bench, quick ? budget_quick_ms : budget_ms);
    }
    return 0;
}
