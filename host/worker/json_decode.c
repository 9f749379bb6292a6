/* json_decode.c - JSON to Lua values, by lua-cjson's decoder. */
/* SPDX-License-Identifier: MIT */
#include <luajit-2.1/lauxlib.h>
#include <stdlib.h>

#include "native.h"
#include "worker/cjson.h"
#include "worker/cjson_archive.h"
#include "worker/cstack.h"
#include "worker/heap.h"
#include "worker/json.h"
#include "worker/numbers.h"
#include "worker/safepoint.h"

static struct {
    struct heap *heap; /* of the vm entered last; NULL: malloc's */
    bool makes_list;   /* the next table is a list */
} decoder;

void json_init(void)
{
    decoder.heap = NULL;
    number_init();
    cjson_init();
}

void json_use(struct heap *heap)
{
    decoder.heap = heap;
}

/* -- Memory ---------------------------------------------------------------------------------- */

/* heap_alloc wants to know a block's size: it lies before the block. */
enum { SIZE_BYTES = 16 };

void *cjson_malloc(size_t size)
{
    return cjson_realloc(NULL, size);
}

void *cjson_realloc(void *block, size_t size)
{
    char *old = block ? (char *)block - SIZE_BYTES : NULL;
    size_t old_size = 0, new_size = size + SIZE_BYTES;

    if (old)
        memcpy(&old_size, old, sizeof(old_size));
    char *at =
        decoder.heap ? heap_alloc(decoder.heap, old, old_size, new_size) : realloc(old, new_size);
    if (!at)
        abort();
    memcpy(at, &new_size, sizeof(new_size));
    return at + SIZE_BYTES;
}

void cjson_free(void *block)
{
    size_t size;

    if (!block)
        return;
    char *at = (char *)block - SIZE_BYTES;
    memcpy(&size, at, sizeof(size));
    if (decoder.heap)
        heap_alloc(decoder.heap, at, size, 0);
    else
        free(at);
}

void cjson_exit(int status)
{
    (void)status;
    if (decoder.heap)
        decoder.heap->on_full(decoder.heap->owner, 0);
    abort();
}

void cjson_assert_fail(const char *assertion, const char *file, unsigned line, const char *function)
{
    (void)assertion;
    (void)file;
    (void)line;
    (void)function;
    cjson_exit(EXIT_FAILURE);
}

/* -- Tables ---------------------------------------------------------------------------------- */

static void look(void)
{
    if (native_stopped())
        safepoint_look();
}

int cjson_checkstack(lua_State *L, int slots)
{
    enum { LIST_SLOTS = 2 };

    look();
    decoder.makes_list = slots == LIST_SLOTS;
    return !cstack_is_full() && lua_checkstack(L, LUA_MINSTACK); /* marking takes some too */
}

void cjson_createtable(lua_State *L, int items, int members)
{
    lua_createtable(L, items, members);
    if (decoder.makes_list)
        l_json_mark_list(L);
    decoder.makes_list = false;
}

void cjson_rawset(lua_State *L, int index)
{
    look();
    lua_rawset(L, index);
}

void cjson_rawseti(lua_State *L, int index, int key)
{
    look();
    lua_rawseti(L, index, key);
}

/* -- Text ------------------------------------------------------------------------------------ */

/* Of bytes that are read, between looks at the deadline. */
enum { LOOK_EVERY = 1 << 14 };

/* No controls and nothing but ASCII, as most text is. */
static bool is_plain(struct str text)
{
    const uint64_t each = 0x0101010101010101;
    uint64_t word, odd = 0;
    size_t i = 0;

    for (; i + sizeof(word) <= text.len; i += sizeof(word)) {
        memcpy(&word, text.at + i, sizeof(word));
        odd |= (word - each * 0x20) | word;
        if (i % LOOK_EVERY == 0)
            look();
    }
    for (; i < text.len; i++)
        odd |= (unsigned char)(text.at[i] - 0x20) & 0x80;
    return (odd & each * 0x80) == 0;
}

/* The decoder takes any bytes in strings, and NUL for the end. Returns where the text stops being
 * JSON that it may see, or its length. */
static size_t find_fault(struct str text, const char **fault)
{
    bool in_string = false;
    size_t i = 0, look_at = 0;

    while (i < text.len) {
        unsigned char c = (unsigned char)text.at[i];
        size_t valid = 1;

        if (i >= look_at) {
            look();
            look_at = i + LOOK_EVERY;
        }
        if (c == '\0' || (in_string && c < 0x20)) {
            *fault = c ? "a control character in a string" : "a NUL character";
            return i;
        }
        if (c >= 0x80) {
            size_t most = text.len - i < 4 ? text.len - i : c < 0xE0 ? 2 : c < 0xF0 ? 3 : 4;
            valid = str_utf8_prefix((struct str){text.at + i, most});
            if (valid != most) {
                *fault = "bytes that are not valid UTF-8";
                return i;
            }
        }
        if (c == '"')
            in_string = !in_string;
        else if (c == '\\' && i + 1 < text.len && strchr("\"\\", text.at[i + 1]))
            valid = 2;
        i += valid;
    }
    return i;
}

const char *cjson_checklstring(lua_State *L, int index, size_t *len)
{
    struct str text;
    const char *fault = NULL;

    text.at = luaL_checklstring(L, index, &text.len);
    size_t at = is_plain(text) ? text.len : find_fault(text, &fault);
    if (fault)
        luaL_error(L, "Expected JSON but found %s at character %d", fault, (int)at + 1);
    *len = text.len;
    return text.at;
}

/* -- Numbers --------------------------------------------------------------------------------- */

void fpconv_init(void)
{
}

/* Infinity, NaN, 0x10 and 010 come here only if decode_invalid_numbers lets them pass. */
static bool is_other_number(const char *text)
{
    text += *text == '-';
    return *text == '0' ? strchr("xX0123456789", text[1]) && text[1]
                        : strchr("iInN", *text) && *text;
}

double fpconv_strtod(const char *text, char **end)
{
    enum { OTHER_MAX = 64 }; /* for strtod cannot be stopped */
    const char *after;
    double number = 0;

    *end = (char *)text;
    if (is_other_number(text)) {
        if (strspn(text, "+-.0123456789abcdefinptxyABCDEFINPTXY") <= OTHER_MAX)
            number = strtod(text, end);
    } else if (number_read(text, &after, &number)) {
        *end = (char *)after;
    }
    return number;
}

int fpconv_g_fmt(char *text, double number, int precision)
{
    (void)precision;
    return (int)number_write(number, text);
}

/* -- Decoding -------------------------------------------------------------------------------- */

/* lua-cjson's names in plain words. */
static const struct {
    const char *name, *words;
} tokens[] = {
    {"T_OBJ_BEGIN", "'{'"},     {"T_OBJ_END", "'}'"},     {"T_ARR_BEGIN", "'['"},
    {"T_ARR_END", "']'"},       {"T_STRING", "a string"}, {"T_NUMBER", "a number"},
    {"T_BOOLEAN", "a boolean"}, {"T_NULL", "null"},       {"T_COLON", "':'"},
    {"T_COMMA", "','"},         {"T_END", "the end"},
};

/* Replaces the message at the top of the stack, "Expected value but found T_COMMA at character 7",
 * by one with line and column. */
static void l_reword(lua_State *L, struct str text)
{
    static const char place[] = " at character ";
    const char *message = lua_tostring(L, -1), *at = message ? strstr(message, place) : NULL;

    if (!at)
        return;
    size_t offset = strtoul(at + sizeof(place) - 1, NULL, 10), line = 1, start = 0;
    offset = offset && offset <= text.len + 1 ? offset - 1 : 0;
    for (size_t i = 0; i < offset; i++) {
        if (i % LOOK_EVERY == 0)
            look();
        if (text.at[i] == '\n') {
            line++;
            start = i + 1;
        }
    }
    lua_pushlstring(L, message, (size_t)(at - message));
    for (size_t i = 0; i < sizeof(tokens) / sizeof(*tokens); i++) {
        luaL_gsub(L, lua_tostring(L, -1), tokens[i].name, tokens[i].words);
        lua_remove(L, -2);
    }
    lua_pushfstring(L, "%s (line %d, column %d)", lua_tostring(L, -1), (int)line,
                    (int)(offset - start) + 1);
    lua_replace(L, -3);
    lua_pop(L, 1);
}

static int l_decode(lua_State *L, struct str text, bool wrapped)
{
    l_cjson_push_decode(L, wrapped);
    lua_pushlstring(L, text.at, text.len);
    if (lua_pcall(L, 1, 1, 0) == 0)
        return 1;
    l_reword(L, text);
    lua_pushnil(L);
    lua_insert(L, -2);
    return 2;
}

int l_json_decode(lua_State *L, struct str text)
{
    return l_decode(L, text, false);
}

int l_json_decode_wrapped(lua_State *L, struct str text)
{
    return l_decode(L, text, true);
}
