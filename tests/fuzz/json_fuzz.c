/* json_fuzz.c - any bytes decoded in a vm and encoded again: the same as jansson reads. */
/* SPDX-License-Identifier: MIT */
#include "vm_once.h"

#include <jansson.h>

enum { OUT_MAX = 1 << 20 };

struct round {
    struct str text;
    struct buf out;
    bool decoded, encoded;
    struct err err;
};

static int l_fuzz(lua_State *L)
{
    struct round *r = lua_touserdata(L, 1);

    lua_settop(L, 0);
    r->decoded = l_json_decode(L, r->text) == 1;
    MUST(lua_gettop(L) == (r->decoded ? 1 : 2));
    if (!r->decoded)
        MUST(lua_isnil(L, 1) && lua_objlen(L, 2) > 0);
    else
        r->encoded = l_json_encode(L, 1, OUT_MAX, &r->out, &r->err);
    return 0;
}

static bool run(struct round *r)
{
    struct err err;

    if (vm_once(l_fuzz, r, &err))
        return true;
    MUST(err.code == ERR_MEMORY_LIMIT);
    return false;
}

static bool is_within_depth(const json_t *value, int depth)
{
    const char *key;
    json_t *item;
    size_t i;

    if ((json_is_array(value) || json_is_object(value)) && depth == JSON_DEPTH_MAX)
        return false;
    json_array_foreach(value, i, item) if (!is_within_depth(item, depth + 1)) return false;
    json_object_foreach((json_t *)value, key,
                        item) if (!is_within_depth(item, depth + 1)) return false;
    return true;
}

static json_t *parse(struct str text)
{
    return json_loadb(text.at, text.len, JSON_DECODE_ANY | JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL,
                      NULL);
}

/* Keys with NUL are decoded, but jansson takes none. */
static bool has_nul_key(struct str text)
{
    return memmem(text.at, text.len, "\\u0000", 6) != NULL;
}

static void compare(struct round *r, const json_t *expected)
{
    if (!expected)
        MUST(!r->decoded || has_nul_key(r->text));
    else if (!is_within_depth(expected, 0))
        MUST(!r->decoded);
    else
        MUST(r->decoded && r->encoded);
    if (!r->encoded)
        return;
    json_t *again = parse(buf_str(&r->out));
    MUST(again && (!expected || json_equal(expected, again)));
    json_decref(again);
}

/* What was encoded is decoded and encoded as the same bytes. */
static void repeat(struct round *first)
{
    struct round second = {.text = buf_str(&first->out)};

    if (run(&second)) {
        MUST(second.encoded && second.out.len == first->out.len);
        MUST(memcmp(second.out.at, first->out.at, first->out.len) == 0);
    }
    buf_fini(&second.out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *copy = fuzz_copy(data, size);
    struct round first = {.text = {copy, size}};
    json_t *expected = parse(first.text);

    if (run(&first)) {
        compare(&first, expected);
        if (first.encoded)
            repeat(&first);
    }
    json_decref(expected);
    buf_fini(&first.out);
    free(copy);
    return 0;
}
