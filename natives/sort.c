/* sort.c - sorts lists of strings by their bytes. */
/* SPDX-License-Identifier: MIT */
#include "args.h"

#include <endian.h>
#include <stdbool.h>
#include <string.h>

enum {
    KEY_BYTES = 8,
    SMALL = 16, /* shorter ranges are sorted by insertion */
    RANGES_MAX = 64,
    SLICE = 4096,       /* items that are gone through without a look at native_stopped(), */
    COMPARED = 1 << 20, /* and bytes that are compared */
};

/* A string, and the eight bytes of it that are being compared. */
struct item {
    uint64_t key; /* big-endian and filled up with zeros, so that keys compare as bytes do */
    const char *bytes;
    uint32_t length;
    uint32_t index; /* where in the list it came from, from 0 */
};

/* Items that agree in their first `depth` bytes, and whose keys begin there. */
struct range {
    struct item *items;
    size_t count;
    uint32_t depth;
    uint32_t splits_left; /* a heap sorts what is left after so many splits */
};

struct parts {
    struct range less, equal, greater;
};

/* Whether to stop before item `i`. */
static bool stops_at(size_t i)
{
    return i % SLICE == 0 && native_stopped();
}

static void key_load(struct item *item, uint32_t depth)
{
    uint32_t left = item->length - depth;
    uint64_t key = 0;
    memcpy(&key, item->bytes + depth, left < KEY_BYTES ? left : KEY_BYTES);
    item->key = be64toh(key);
}

/* The bytes left from `depth` on; all that is more than a key holds counts the same. It decides
 * between equal keys, one of which may end where the other has zeros. */
static uint32_t tail(const struct item *item, uint32_t depth)
{
    uint32_t left = item->length - depth;
    return left <= KEY_BYTES ? left : KEY_BYTES + 1;
}

/* As memcmp, which would compare hundreds of megabytes without a look. */
static int bytes_compare(const char *a, const char *b, size_t length)
{
    for (size_t at = 0, slice; at < length && !native_stopped(); at += slice) {
        slice = length - at < COMPARED ? length - at : COMPARED;
        int order = memcmp(a + at, b + at, slice);
        if (order)
            return order;
    }
    return 0;
}

static bool before(const struct item *a, const struct item *b, uint32_t depth)
{
    if (a->key != b->key)
        return a->key < b->key;
    uint32_t shorter = a->length < b->length ? a->length : b->length;
    size_t length = shorter - depth;
    int order = length <= COMPARED ? memcmp(a->bytes + depth, b->bytes + depth, length)
                                   : bytes_compare(a->bytes + depth, b->bytes + depth, length);
    return order < 0 || (order == 0 && a->length < b->length);
}

static void swap(struct item *a, struct item *b)
{
    struct item other = *a;
    *a = *b;
    *b = other;
}

static void sort_by_insertion(const struct range *range)
{
    struct item *items = range->items;
    for (size_t i = 1; i < range->count; i++) {
        struct item moved = items[i];
        size_t at = i;
        for (; at > 0 && before(&moved, &items[at - 1], range->depth); at--)
            items[at] = items[at - 1];
        items[at] = moved;
    }
}

static void sift_down(const struct range *range, size_t parent, size_t count)
{
    struct item *items = range->items;
    for (size_t child; (child = 2 * parent + 1) < count; parent = child) {
        if (child + 1 < count && before(&items[child], &items[child + 1], range->depth))
            child++;
        if (!before(&items[parent], &items[child], range->depth))
            return;
        swap(&items[parent], &items[child]);
    }
}

static void sort_by_heap(const struct range *range)
{
    for (size_t i = range->count / 2; i-- > 0 && !native_stopped();)
        sift_down(range, i, range->count);
    for (size_t i = range->count; i-- > 1 && !native_stopped();) {
        swap(&range->items[0], &range->items[i]);
        sift_down(range, 0, i);
    }
}

static struct range range_make(struct item *items, size_t count, uint32_t depth)
{
    uint32_t splits = 2;
    for (size_t left = count; left > 1; left /= 2)
        splits += 2;
    return (struct range){items, count, depth, splits};
}

static const struct item *median(const struct item *a, const struct item *b, const struct item *c)
{
    if (a->key < b->key)
        return b->key < c->key ? b : (a->key < c->key ? c : a);
    return a->key < c->key ? a : (b->key < c->key ? c : b);
}

static struct item pivot_choose(const struct range *range)
{
    const struct item *items = range->items;
    size_t step = range->count / 9;
    const struct item *low = median(items, items + step, items + 2 * step);
    const struct item *middle = median(items + 3 * step, items + 4 * step, items + 5 * step);
    const struct item *high = median(items + 6 * step, items + 7 * step, items + 8 * step);
    return *median(low, middle, high);
}

/* Splits by key and tail. Items equal in both are one string, or go on for the next key. */
static struct parts split(const struct range *range)
{
    struct item *items = range->items;
    struct item pivot = pivot_choose(range);
    uint32_t pivot_tail = tail(&pivot, range->depth);
    size_t less = 0, greater = range->count, steps = 1;
    for (size_t i = 0; i < greater && !stops_at(steps); steps++) {
        uint32_t item_tail = pivot_tail;
        if (items[i].key == pivot.key)
            item_tail = tail(&items[i], range->depth);
        if (items[i].key < pivot.key || item_tail < pivot_tail)
            swap(&items[less++], &items[i++]);
        else if (items[i].key > pivot.key || item_tail > pivot_tail)
            swap(&items[i], &items[--greater]);
        else
            i++;
    }
    bool goes_on = pivot_tail > KEY_BYTES;
    uint32_t depth = range->depth;
    uint32_t splits = range->splits_left - 1;
    return (struct parts){
        .less = {items, less, depth, splits},
        .equal = range_make(items + less, goes_on ? greater - less : 0, depth + KEY_BYTES),
        .greater = {items + greater, range->count - greater, depth, splits},
    };
}

static void keys_load(const struct range *range)
{
    for (size_t i = 0; i < range->count && !stops_at(i); i++)
        key_load(&range->items[i], range->depth);
}

static void order_two(struct range *small, struct range *large)
{
    if (small->count > large->count) {
        struct range other = *small;
        *small = *large;
        *large = other;
    }
}

/* A multikey quicksort. The smallest part is sorted first, so that at most 2 log3(count) parts
 * wait: RANGES_MAX holds those of any list. */
static void sort_items(struct item *items, size_t count)
{
    struct range waiting[RANGES_MAX] = {range_make(items, count, 0)};
    for (size_t top = 1; top > 0 && !native_stopped();) {
        struct range range = waiting[--top];
        if (range.count < SMALL) {
            sort_by_insertion(&range);
        } else if (range.splits_left == 0) {
            sort_by_heap(&range);
        } else {
            struct parts parts = split(&range);
            keys_load(&parts.equal);
            order_two(&parts.less, &parts.equal);
            order_two(&parts.equal, &parts.greater);
            order_two(&parts.less, &parts.equal);
            waiting[top++] = parts.greater;
            waiting[top++] = parts.equal;
            waiting[top++] = parts.less;
        }
    }
}

/* -- Binding ------------------------------------------------------------------------------- */

/* Puts the strings of the list at index 1 into their order by way of a table at index `scratch`:
 * following the cycles of the permutation would need no table, but waits for memory at each step.
 */
static void l_list_reorder(lua_State *L, int scratch, const struct item *items, size_t count)
{
    for (size_t i = 0; i < count && !stops_at(i); i++) {
        lua_rawgeti(L, 1, (int)items[i].index + 1);
        lua_rawseti(L, scratch, (int)i + 1);
    }
    for (size_t i = 0; i < count && !stops_at(i); i++) {
        lua_rawgeti(L, scratch, (int)i + 1);
        lua_rawseti(L, 1, (int)i + 1);
    }
}

static int l_strings(lua_State *L)
{
    size_t count = l_arg_list(L, 1);
    struct item *items = lua_newuserdata(L, count * sizeof(*items));
    for (size_t i = 0; i < count; i++) {
        size_t length;
        if (stops_at(i))
            return 0;
        items[i].bytes = l_arg_list_string(L, 1, i + 1, &length);
        items[i].length = (uint32_t)length; /* LuaJIT's strings end below 2 GiB */
        items[i].index = (uint32_t)i;
        key_load(&items[i], 0);
    }
    sort_items(items, count);
    lua_createtable(L, (int)count, 0);
    l_list_reorder(L, lua_gettop(L), items, count);
    lua_settop(L, 1);
    return 1;
}

static const struct native_fn fns[] = {
    {"strings", "sort.strings(list) -> the same list, sorted by bytes", l_strings},
    {NULL, NULL, NULL},
};

const struct native native_sort = {"sort", "sorting by bytes", fns};
