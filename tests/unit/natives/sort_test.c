/* sort_test.c - sorting strings: against qsort, and each way of sorting by itself. */
/* SPDX-License-Identifier: MIT */
#include "lua_rows.h"

/* The kernel is static: its fallbacks are reached by lists that no test should have to find. */
#include "sort.c" /* NOLINT(bugprone-suspicious-include) */

#include <stdio.h>
#include <stdlib.h>

enum { TEXT_MAX = 64, COUNT_MAX = 60000 };

struct sample {
    char bytes[TEXT_MAX];
    uint32_t length;
};

/* How strings are made: few letters and long prefixes make many of them nearly equal. */
struct recipe {
    const char *name;
    uint32_t prefix, length_max;
    unsigned letters; /* counted from byte `first` */
    unsigned char first;
};

static const struct recipe recipes[] = {
    {"any bytes", 0, 20, 256, 0},
    {"zeros and ones", 0, 20, 2, 0},
    {"two letters", 0, 30, 2, 'a'},
    {"one letter", 0, 40, 1, 'a'},
    {"only zeros", 0, 40, 1, 0},
    {"high bytes", 0, 12, 10, 246},
    {"prefix of 8", 8, 20, 3, 'x'},
    {"prefix of 24", 24, 40, 4, 0},
    {"short", 0, 3, 200, 30},
    {"empty or one", 0, 1, 256, 0},
    {"prefix of 7, digits", 7, 16, 10, '0'},
};

static const size_t counts[] = {0, 1, 2, 3, 14, 15, 16, 17, 18, 100, 1000, COUNT_MAX};

static struct sample *samples_make(const struct recipe *recipe, size_t count)
{
    struct sample *samples = calloc(count + 1, sizeof(*samples));
    assert_non_null(samples);
    for (size_t i = 0; i < count; i++) {
        uint32_t room = recipe->length_max - recipe->prefix + 1;
        samples[i].length = recipe->prefix + (uint32_t)rand() % room;
        memset(samples[i].bytes, recipe->first, recipe->prefix);
        for (uint32_t at = recipe->prefix; at < samples[i].length; at++)
            samples[i].bytes[at] = (char)(recipe->first + (unsigned)rand() % recipe->letters);
    }
    return samples;
}

static int compare_samples(const void *a, const void *b)
{
    const struct sample *x = a, *y = b;
    int order = memcmp(x->bytes, y->bytes, x->length < y->length ? x->length : y->length);
    if (order != 0)
        return order;
    return (x->length > y->length) - (x->length < y->length);
}

static void list_push(lua_State *L, const struct sample *samples, size_t count)
{
    lua_newtable(L);
    for (size_t i = 0; i < count; i++) {
        lua_pushlstring(L, samples[i].bytes, samples[i].length);
        lua_rawseti(L, -2, (int)i + 1);
    }
}

static void assert_list(lua_State *L, const struct sample *samples, size_t count,
                        const struct recipe *recipe)
{
    assert_int_equal(lua_objlen(L, -1), count);
    for (size_t i = 0; i < count; i++) {
        size_t length;
        lua_rawgeti(L, -1, (int)i + 1);
        const char *bytes = lua_tolstring(L, -1, &length);
        if (length != samples[i].length || memcmp(bytes, samples[i].bytes, length) != 0)
            fail_msg("%s: %zu strings: number %zu is another", recipe->name, count, i);
        lua_pop(L, 1);
    }
}

static void lists_come_out_as_qsort_orders_them(void **state)
{
    lua_State *L = *state;
    for (size_t r = 0; r < sizeof(recipes) / sizeof(recipes[0]); r++) {
        for (size_t c = 0; c < sizeof(counts) / sizeof(counts[0]); c++) {
            struct sample *samples = samples_make(&recipes[r], counts[c]);
            lua_pushcfunction(L, l_strings);
            list_push(L, samples, counts[c]);
            qsort(samples, counts[c], sizeof(*samples), compare_samples);
            assert_int_equal(lua_pcall(L, 1, 1, 0), 0);
            assert_list(L, samples, counts[c], &recipes[r]);
            /* Once more, as it is sorted now. */
            lua_pushcfunction(L, l_strings);
            lua_insert(L, -2);
            assert_int_equal(lua_pcall(L, 1, 1, 0), 0);
            assert_list(L, samples, counts[c], &recipes[r]);
            lua_settop(L, 0);
            free(samples);
        }
    }
}

/* -- The kernel ---------------------------------------------------------------------------- */

static struct item *items_make(const struct sample *samples, size_t count, uint32_t depth)
{
    struct item *items = calloc(count + 1, sizeof(*items));
    assert_non_null(items);
    for (size_t i = 0; i < count; i++) {
        items[i] = (struct item){
            .bytes = samples[i].bytes, .length = samples[i].length, .index = (uint32_t)i};
        key_load(&items[i], depth);
    }
    return items;
}

static void assert_items_sorted(const struct item *items, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        struct sample a = {.length = items[i - 1].length}, b = {.length = items[i].length};
        memcpy(a.bytes, items[i - 1].bytes, a.length);
        memcpy(b.bytes, items[i].bytes, b.length);
        assert_true(compare_samples(&a, &b) <= 0);
    }
}

static void insertion_and_heap_sort_any_range(void **state)
{
    (void)state;
    static void (*const ways[])(const struct range *) = {sort_by_insertion, sort_by_heap};
    for (size_t r = 0; r < sizeof(recipes) / sizeof(recipes[0]); r++) {
        for (size_t count = 0; count < 200; count += 1 + count / 8) {
            struct sample *samples = samples_make(&recipes[r], count);
            for (size_t way = 0; way < 2; way++) {
                uint32_t depth = recipes[r].prefix;
                struct item *items = items_make(samples, count, depth);
                struct range range = range_make(items, count, depth);
                ways[way](&range);
                assert_items_sorted(items, count);
                free(items);
            }
            free(samples);
        }
    }
}

static void a_split_divides_all_items(void **state)
{
    (void)state;
    enum { COUNT = 500 };
    for (size_t r = 0; r < sizeof(recipes) / sizeof(recipes[0]); r++) {
        struct sample *samples = samples_make(&recipes[r], COUNT);
        struct item *items = items_make(samples, COUNT, 0);
        struct range range = range_make(items, COUNT, 0);
        struct parts parts = split(&range);
        assert_ptr_equal(parts.less.items, items);
        assert_ptr_equal(parts.equal.items, items + parts.less.count);
        assert_ptr_equal(parts.greater.items + parts.greater.count, items + COUNT);
        assert_int_equal(parts.less.splits_left, range.splits_left - 1);
        for (size_t i = 0; i < parts.less.count; i++)
            assert_true(before(&items[i], parts.equal.items, 0));
        for (size_t i = 0; i < parts.greater.count; i++)
            assert_true(before(parts.equal.items, &parts.greater.items[i], 0));
        free(items);
        free(samples);
    }
}

/* -- The function -------------------------------------------------------------------------- */

static void the_list_is_sorted_in_place(void **state)
{
    static const struct lua_row rows[] = {
        {"sort.strings(list) == list and table.concat(list, ' ')", "A B a aa b"},
        {"table.concat(sort.strings({}), ' ')", ""},
        {"table.concat(sort.strings({'z'}), ' ')", "z"},
        {"table.concat(sort.strings({'item-9', 'item-10', 'item-1'}), ' ')",
         "item-1 item-10 item-9"},
        {"#sort.strings({'a\\0', 'a', 'a\\0\\0'})[1]", "1"},
    };
    lua_run(*state, "list = {'b', 'a', 'aa', 'B', 'A'}");
    ASSERT_VALUES(*state, rows);
}

static void long_common_prefixes_take_no_stack(void **state)
{
    lua_run(*state, "local prefix, list = ('p'):rep(1000000), {}"
                    "for i = 1, 20 do list[i] = prefix .. 100 - i end "
                    "sort.strings(list)"
                    "for i = 1, 20 do assert(list[i] == prefix .. 79 + i) end");
}

static void a_million_strings_are_sorted(void **state)
{
    lua_run(*state, "local list = {}"
                    "for i = 1, 1000000 do list[i] = 'item-' .. math.random(0, 9999999) end "
                    "sort.strings(list)"
                    "assert(#list == 1000000)"
                    "for i = 2, #list do assert(list[i - 1] <= list[i]) end");
}

static void other_arguments_are_refused(void **state)
{
    static const struct lua_row rows[] = {
        {"sort.strings()", "table expected, got no value"},
        {"sort.strings('x')", "table expected, got string"},
        {"sort.strings({'b', 2, 'a'})", "string expected at index 2, got number"},
        {"sort.strings({{}})", "string expected at index 1, got table"},
    };
    ASSERT_ERRORS(*state, rows);
}

static void a_refused_list_stays_as_it_was(void **state)
{
    lua_run(*state, "local list = {'b', 'a', 3}"
                    "assert(not pcall(sort.strings, list))"
                    "assert(list[1] == 'b' and list[2] == 'a' and list[3] == 3)");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LUA_TEST(lists_come_out_as_qsort_orders_them),
        cmocka_unit_test(insertion_and_heap_sort_any_range),
        cmocka_unit_test(a_split_divides_all_items),
        LUA_TEST(the_list_is_sorted_in_place),
        LUA_TEST(long_common_prefixes_take_no_stack),
        LUA_TEST(a_million_strings_are_sorted),
        LUA_TEST(other_arguments_are_refused),
        LUA_TEST(a_refused_list_stays_as_it_was),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
