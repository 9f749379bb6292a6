/* json_fuzz.c - any bytes decoded in a vm, encoded and decoded again: the same comes out. */
/* SPDX-License-Identifier: MIT */
#include "vm_once.h"

enum { OUT_MAX = 1 << 20 };

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
    char *copy = fuzz_copy(data, size);
    struct str text = {copy, size};
    struct err err;

    if (!vm_once(l_fuzz, &text, &err))
        MUST(err.code == ERR_MEMORY_LIMIT);
    free(copy);
    return 0;
}
