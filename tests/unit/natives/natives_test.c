/* natives_test.c - the list of natives, their usage texts, and their manners at the heap limit. */
/* SPDX-License-Identifier: MIT */
#include "lua_rows.h"

#include <luajit-2.1/luajit.h>
#include <stdio.h>
#include <stdlib.h>

static void every_native_is_found_by_its_name(void **state)
{
    (void)state;
    static const char *const names[] = {"fib",   "gzip",   "matrix", "mutex", "random",
                                        "regex", "sha256", "sieve",  "sort"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        const struct native *native = native_find(names[i]);
        assert_non_null(native);
        assert_string_equal(native->name, names[i]);
        assert_true(strlen(native->summary) > 0);
    }
    assert_null(natives[sizeof(names) / sizeof(names[0])]);
}

static void other_names_are_not_found(void **state)
{
    (void)state;
    static const char *const names[] = {"", "fi", "fibo", "FIB", "string", "fib "};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        assert_null(native_find(names[i]));
}

static void every_function_says_how_it_is_used(void **state)
{
    (void)state;
    for (size_t i = 0; natives[i]; i++) {
        assert_non_null(natives[i]->fns[0].name);
        for (const struct native_fn *fn = natives[i]->fns; fn->name; fn++) {
            char start[128];
            snprintf(start, sizeof(start), "%s.%s(", natives[i]->name, fn->name);
            const char *usage = fn->usage ? fn->usage : "";
            if (strncmp(usage, start, strlen(start)) != 0)
                fail_msg("the usage of %s...) does not start so", start);
            if (!strstr(usage, ") -> "))
                fail_msg("the usage of %s...) does not say what comes back", start);
        }
    }
}

static void push_makes_a_new_table_of_all_functions(void **state)
{
    lua_State *L = *state;
    for (size_t i = 0; natives[i]; i++) {
        l_native_push(L, natives[i]);
        l_native_push(L, natives[i]);
        assert_false(lua_rawequal(L, -1, -2));
        for (const struct native_fn *fn = natives[i]->fns; fn->name; fn++) {
            lua_getfield(L, 1, fn->name);
            assert_non_null(lua_getupvalue(L, -1, 1));
            assert_ptr_equal(lua_touserdata(L, -1), (void *)fn->fn);
            lua_pop(L, 2);
        }
        lua_settop(L, 0);
    }
}

/* -- The heap limit ------------------------------------------------------------------------ */

/* A heap as a worker has it: over the limit it does not return, and is then dropped as a whole.
 * What a native holds at that moment is a leak, which the leak sanitizer reports. */
struct heap {
    struct block *blocks;
    long allocations_left; /* below 0: without limit */
    sigjmp_buf over_limit;
};

struct block {
    struct block *next, *previous;
    _Alignas(16) char bytes[];
};

static void block_release(struct heap *heap, void *bytes)
{
    struct block *block = (struct block *)((char *)bytes - offsetof(struct block, bytes));
    if (block->previous)
        block->previous->next = block->next;
    else
        heap->blocks = block->next;
    if (block->next)
        block->next->previous = block->previous;
    free(block);
}

static void *block_take(struct heap *heap, size_t size)
{
    if (heap->allocations_left == 0)
        siglongjmp(heap->over_limit, 1);
    heap->allocations_left--;
    struct block *block = malloc(sizeof(*block) + size);
    assert_non_null(block);
    block->previous = NULL;
    block->next = heap->blocks;
    if (heap->blocks)
        heap->blocks->previous = block;
    heap->blocks = block;
    return block->bytes;
}

static void *heap_allocate(void *heap, void *old, size_t old_size, size_t size)
{
    void *bytes = size > 0 ? block_take(heap, size) : NULL;
    if (old) {
        if (bytes)
            memcpy(bytes, old, old_size < size ? old_size : size);
        block_release(heap, old);
    }
    return bytes;
}

static void heap_drop(struct heap *heap)
{
    for (struct block *block = heap->blocks, *next; block; block = next) {
        next = block->next;
        free(block);
    }
}

/* Whether `code` ran to its end with so many allocations. */
static bool runs_within(const char *code, long allocations)
{
    struct heap heap = {.allocations_left = -1};
    lua_State *L = lua_newstate(heap_allocate, &heap);
    assert_non_null(L);
    /* Machine code of traces lies outside of the heap, and would stay. */
    luaJIT_setmode(L, 0, LUAJIT_MODE_ENGINE | LUAJIT_MODE_OFF);
    lua_rows_prepare(L);
    assert_int_equal(luaL_loadstring(L, code), 0);
    volatile bool done = false;
    if (sigsetjmp(heap.over_limit, 0) == 0) {
        heap.allocations_left = allocations;
        if (lua_pcall(L, 0, 0, 0) != 0)
            fail_msg("%s", lua_tostring(L, -1));
        done = true;
    }
    heap_drop(&heap);
    return done;
}

static void natives_hold_nothing_when_the_heap_limit_strikes(void **state)
{
    (void)state;
    static const char *const calls[] = {
        "fib.recursive(5)",
        "gzip.decompress(gzip.compress('hello'), 100)",
        "pcall(gzip.decompress, 'x' .. gzip.compress('hello'), 100)",
        "matrix.get(matrix.multiply(matrix.from({{1}}), matrix.random(1)), 1, 1)",
        "pcall(matrix.from, {{1, 2}, {3, 'x'}})",
        "mutex.contend(2, 2)",
        "random.uuid() random.uuids(5) random.letters(50)",
        "regex.count('a+', {'a', 'aa', 'b'}) regex.matches('a+', 'a')",
        "pcall(regex.count, 'a', {'a', 5})",
        "pcall(regex.count, '(', {'a'}) pcall(regex.matches, '(a+)+[bc]', ('a'):rep(40))",
        "sha256.iterate('abc', 0) sha256.iterate('abc', 5)",
        "sieve.count(100)",
        "sort.strings({'b', 'a', 'c'}) pcall(sort.strings, {'b', 1})",
    };
    for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
        long allocations = 0;
        while (!runs_within(calls[i], allocations))
            assert_true(++allocations < 1000);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_native_is_found_by_its_name),
        cmocka_unit_test(other_names_are_not_found),
        cmocka_unit_test(every_function_says_how_it_is_used),
        LUA_TEST(push_makes_a_new_table_of_all_functions),
        cmocka_unit_test(natives_hold_nothing_when_the_heap_limit_strikes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
