/* random.c - identifiers and letters from the kernel's entropy. */
/* SPDX-License-Identifier: MIT */
#include "args.h"
#include "generator.h"

enum {
    LETTERS_MAX = 64 * 1024 * 1024,
    UUIDS_MAX = 1000000,
    UUID_BYTES = 16,
    UUID_CHARS = 36,
    UUIDS_BATCH = 256,
    LETTERS_SLICE = 13 * 4096, /* takes about 100 us */
};

static void uuid_write(char out[UUID_CHARS], unsigned char bytes[UUID_BYTES])
{
    static const char digits[] = "0123456789abcdef";
    bytes[6] = (unsigned char)((bytes[6] & 0x0f) | 0x40); /* version 4 */
    bytes[8] = (unsigned char)((bytes[8] & 0x3f) | 0x80); /* the variant of RFC 9562 */
    for (int i = 0; i < UUID_BYTES; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            *out++ = '-';
        *out++ = digits[bytes[i] >> 4];
        *out++ = digits[bytes[i] & 15];
    }
}

/* 26^13 fits seven times into 64 bits: what is above that is drawn again, so that thirteen digits
 * to base 26 are all equally likely. */
static void letters_write(struct generator *g, char *out, size_t length)
{
    static const uint64_t range = UINT64_C(2481152873203736576); /* 26^13 */
    while (length > 0) {
        uint64_t word = generator_next(g);
        if (word >= 7 * range)
            continue;
        for (int i = 0; i < 13 && length > 0; i++, length--) {
            *out++ = (char)('A' + word % 26);
            word /= 26;
        }
    }
}

static void letters_write_watched(struct generator *g, char *out, size_t length)
{
    for (size_t slice; length > 0 && !native_stopped(); out += slice, length -= slice) {
        slice = length < LETTERS_SLICE ? length : LETTERS_SLICE;
        letters_write(g, out, slice);
    }
}

/* -- Binding ------------------------------------------------------------------------------- */

static void l_entropy(lua_State *L, void *out, size_t length)
{
    if (!entropy_fill(out, length))
        luaL_error(L, "random: the system gave no entropy");
}

static int l_uuid(lua_State *L)
{
    unsigned char bytes[UUID_BYTES];
    char text[UUID_CHARS];
    l_entropy(L, bytes, sizeof(bytes));
    uuid_write(text, bytes);
    lua_pushlstring(L, text, sizeof(text));
    return 1;
}

static int l_uuids(lua_State *L)
{
    int n = (int)l_arg_integer(L, 1, 0, UUIDS_MAX);
    unsigned char bytes[UUIDS_BATCH][UUID_BYTES];
    char text[UUID_CHARS];
    lua_createtable(L, n, 0);
    for (int i = 0; i < n; i++) {
        if (i % UUIDS_BATCH == 0) {
            if (native_stopped())
                break;
            int batch = n - i < UUIDS_BATCH ? n - i : UUIDS_BATCH;
            l_entropy(L, bytes, (size_t)batch * UUID_BYTES);
        }
        uuid_write(text, bytes[i % UUIDS_BATCH]);
        lua_pushlstring(L, text, sizeof(text));
        lua_rawseti(L, -2, i + 1);
    }
    return 1;
}

static int l_letters(lua_State *L)
{
    size_t length = (size_t)l_arg_integer(L, 1, 0, LETTERS_MAX);
    char *letters = lua_newuserdata(L, length);
    struct generator generator;
    if (!generator_init(&generator))
        return luaL_error(L, "random: the system gave no entropy");
    letters_write_watched(&generator, letters, length);
    if (native_stopped())
        return 0;
    lua_pushlstring(L, letters, length);
    return 1;
}

static const struct native_fn fns[] = {
    {"letters", "random.letters(n) -> string of n random capital letters", l_letters},
    {"uuid", "random.uuid() -> a random UUID (version 4)", l_uuid},
    {"uuids", "random.uuids(n) -> list of n random UUIDs", l_uuids},
    {NULL, NULL, NULL},
};

const struct native native_random = {"random", "random identifiers and letters", fns};
