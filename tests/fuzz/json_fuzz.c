/* json_fuzz.c - any bytes decoded in a vm, encoded and decoded again: the same comes out. */
/* SPDX-License-Identifier: MIT */
#include "fuzz.h"

#include <luajit-2.1/lauxlib.h>

#include "worker/json.h"
#include "worker/vm.h"

enum { OUT_MAX = 1 << 20, HEAP_MAX = 8 << 20 };

static struct buf first, second;

/* Decodes the text and encodes the value; false when one of both refuses. */
static bool l_round(lua_State *L, struct str text, struct buf *out, struct err *err)
{
    buf_clear(out);
    lua_settop(L, 0);
    if (l_json_decode(L, text) != 1)
        return false;
    MUST(lua_gettop(L) == 1);
    return l_json_encode(L, 1, OUT_MAX, out, err);
}

static int l_fuzz(lua_State *L)
{
    struct str *text = lua_touserdata(L, 1);
    struct err err;

    if (!l_round(L, *text, &first, &err))
        return 0;
    MUST(str_utf8_prefix(buf_str(&first)) == first.len);
    MUST(l_round(L, buf_str(&first), &second, &err));
    /* the order of members may change, their bytes may not */
    MUST(second.len == first.len);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct loader loader;
    static struct code *code;
    char *copy = fuzz_copy(data, size);
    struct str text = {copy, size};
    struct err err;

    if (!code) {
        json_init();
        MUST(loader_add(&loader, 1, STR("fuzz"), STR("return function() end"), STR("")));
        code = loader_find(&loader, 1);
    }
    struct vm *vm = vm_open(code, HEAP_MAX, &err);
    MUST(vm);
    if (!vm_protect(vm, l_fuzz, &text, &err))
        MUST(err.code == ERR_MEMORY_LIMIT);
    vm_close(vm);
    free(copy);
    return 0;
}
