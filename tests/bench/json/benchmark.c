/* benchmark.c - time and memory of JSON both ways: the worker's, lua-cjson's, and jansson trees'.
 *
 * Prints a line of JSON for each row. */
/* SPDX-License-Identifier: MIT */
#include <dlfcn.h>
#include <luajit-2.1/lauxlib.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "trees.h"
#include "worker/json.h"
#include "worker/vm.h"

enum { ROUNDS = 15, SMALL_TIMES = 5000, HEAP_BYTES = 768 << 20, REPLY_MAX = 64 << 20 };
enum { AT_VALUE = 1, AT_TEXT, AT_STOCK, AT_END };

static const char small[] =
    "return {id = 12345, name = 'item number 5', price = 19.25, ok = true, tags = {'a', 'b', 'c'}, "
    "nested = {x = 1.5, yy = -2}}"; /* 107 bytes of JSON */
static const char large[] =
    "local v = {} for i = 1, 50000 do v[i] = {id = i, name = 'item ' .. i, price = i * 0.25, "
    "tags = {'a', 'b', 'c'}, ok = i % 2 == 0} end return v";

static struct vm *vm;

static void l_ours_decode(lua_State *L)
{
    struct str text;

    text.at = lua_tolstring(L, AT_TEXT, &text.len);
    l_json_decode(L, text);
}

static void l_ours_encode(lua_State *L)
{
    static struct buf out;
    struct err err;

    buf_clear(&out);
    if (!l_json_encode(L, AT_VALUE, REPLY_MAX, &out, &err))
        luaL_error(L, "%s", err.text);
}

static void l_stock(lua_State *L, const char *function, int argument)
{
    lua_getfield(L, AT_STOCK, function);
    lua_pushvalue(L, argument);
    lua_call(L, 1, 1);
}

static void l_stock_decode(lua_State *L)
{
    l_stock(L, "decode", AT_TEXT);
}

static void l_stock_encode(lua_State *L)
{
    l_stock(L, "encode", AT_VALUE);
}

static void l_tree_decode(lua_State *L)
{
    size_t len;
    const char *text = lua_tolstring(L, AT_TEXT, &len);

    l_trees_decode(L, text, len);
}

static void l_tree_encode(lua_State *L)
{
    l_trees_encode(L, AT_VALUE);
}

static const struct way {
    const char *name, *direction;
    void (*run)(lua_State *L);
} ways[] = {
    {"worker", "encode", l_ours_encode},     {"lua-cjson", "encode", l_stock_encode},
    {"trees", "encode", l_tree_encode},      {"worker", "decode", l_ours_decode},
    {"lua-cjson", "decode", l_stock_decode}, {"trees", "decode", l_tree_decode},
};

/* Memory beyond what was there before, of the heap and of trees. */
static size_t l_measure_bytes(lua_State *L, const struct way *way)
{
    lua_settop(L, AT_END - 1);
    lua_gc(L, LUA_GCCOLLECT, 0);
    lua_gc(L, LUA_GCSTOP, 0);
    size_t before = heap_used_bytes(vm->heap);
    vm->heap->peak_pages = vm->heap->used_pages;
    trees_peak_bytes();
    way->run(L);
    lua_gc(L, LUA_GCRESTART, 0);
    return heap_peak_bytes(vm->heap) - before + trees_peak_bytes();
}

static void l_measure(lua_State *L, const struct way *way, int times)
{
    printf("{\"way\":\"%s\",\"direction\":\"%s\",\"bytes\":%zu,\"memory\":%zu,\"us\":[", way->name,
           way->direction, lua_objlen(L, AT_TEXT), l_measure_bytes(L, way));
    for (int round = 0; round < ROUNDS; round++) {
        lua_settop(L, AT_END - 1);
        lua_gc(L, LUA_GCCOLLECT, 0);
        uint64_t began = clock_now_ns();
        for (int i = 0; i < times; i++) {
            lua_settop(L, AT_END - 1);
            way->run(L);
        }
        printf("%s%.4f", round ? "," : "", (double)(clock_now_ns() - began) / times / 1e3);
    }
    puts("]}");
}

/* lua-cjson as Debian has it; its library finds LuaJIT's functions in this program. */
static void l_push_stock(lua_State *L)
{
    void *library = dlopen("liblua5.1-cjson.so.0", RTLD_NOW);
    lua_CFunction open = library ? (lua_CFunction)dlsym(library, "luaopen_cjson") : NULL;

    if (!open)
        luaL_error(L, "%s", dlerror());
    lua_pushcfunction(L, open);
    lua_call(L, 0, 1);
}

struct request {
    const char *source;
    int times;
    const struct way *way;
};

static int l_run(lua_State *L)
{
    const struct request *r = lua_touserdata(L, 1);

    lua_settop(L, 0);
    if (luaL_loadstring(L, r->source) != 0)
        return lua_error(L);
    lua_call(L, 0, 1);
    l_trees_encode(L, AT_VALUE);
    l_push_stock(L);
    l_measure(L, r->way, r->times);
    return 0;
}

/* Each in a vm of its own, for memory that one has freed is there for the next. */
static void measure(struct code *code, struct request request)
{
    struct err err;

    vm = vm_open(code, HEAP_BYTES, &err);
    if (!vm || !vm_protect(vm, l_run, &request, &err)) {
        fprintf(stderr, "%s\n", err.text);
        exit(EXIT_FAILURE);
    }
    vm_close(vm);
}

int main(void)
{
    static struct loader loader;

    json_init();
    loader_add(&loader, 1, STR("benchmark"), STR("return function() end"), STR(""));
    struct code *code = loader_find(&loader, 1);
    for (size_t i = 0; i < sizeof(ways) / sizeof(*ways); i++)
        measure(code, (struct request){small, SMALL_TIMES, &ways[i]});
    for (size_t i = 0; i < sizeof(ways) / sizeof(*ways); i++)
        measure(code, (struct request){large, 1, &ways[i]});
    return EXIT_SUCCESS;
}
