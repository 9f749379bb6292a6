/* gzip.c - compression and decompression in the gzip format. */
/* SPDX-License-Identifier: MIT */
#define ZLIB_CONST
#include "args.h"

#include <limits.h>
#include <stdbool.h>
#include <string.h>
#include <zlib.h>

enum {
    LEVEL_DEFAULT = 6,
    MEMORY_LEVEL = 8,
    WINDOW_BITS_GZIP = 15 + 16,
    ARENA_BYTES = 384 * 1024, /* deflate takes about 270 KiB at this window and memory level */
    GZIP_BYTES_MIN = 18,      /* header and trailer */
    OUTPUT_MAX = 1024 * 1024 * 1024,
};

/* zlib is given its input, and room for what it inflates, in slices that take some milliseconds at
 * most. deflate writes what it would write in one call: slices divide its window, or, for level 0,
 * are whole stored blocks. inflate copies its window at the end of each call, so its are larger. */
enum {
    DEFLATE_SLICE = 16 * 1024,
    STORED_SLICE = 8 * 65535,
    INFLATE_SLICE = 256 * 1024,
    INFLATED_SLICE = 512 * 1024,
};

/* All that zlib asks for. It lies in the Lua heap, so a stream needs no end: it may be dropped
 * wherever the heap limit strikes. */
struct arena {
    size_t used;
    _Alignas(16) unsigned char bytes[ARENA_BYTES];
};

static voidpf arena_take(voidpf opaque, uInt items, uInt size)
{
    struct arena *arena = opaque;
    size_t wanted = ((size_t)items * size + 15) & ~(size_t)15;
    if (wanted > ARENA_BYTES - arena->used)
        return Z_NULL;
    void *taken = arena->bytes + arena->used;
    arena->used += wanted;
    return taken;
}

static void arena_release(voidpf opaque, voidpf address)
{
    (void)opaque;
    (void)address;
}

static void stream_init(z_stream *stream, struct arena *arena, const char *data)
{
    arena->used = 0;
    memset(stream, 0, sizeof(*stream));
    stream->zalloc = arena_take;
    stream->zfree = arena_release;
    stream->opaque = arena;
    stream->next_in = (const Bytef *)data;
}

static uInt at_most(size_t n, uInt most)
{
    return n < most ? (uInt)n : most;
}

/* The stream has room for all that comes of `length` bytes. */
static bool deflate_whole(z_stream *stream, size_t length, uInt slice)
{
    int status;
    do {
        if (native_stopped())
            return false;
        size_t left = length - stream->total_in;
        stream->avail_in = at_most(left, slice);
        status = deflate(stream, left <= slice ? Z_FINISH : Z_NO_FLUSH);
    } while (status == Z_OK && stream->total_in < length);
    return status == Z_STREAM_END;
}

/* The length that the trailer of a gzip member states for its content, modulo 2^32. */
static uint32_t stated_length(const char *data, size_t length)
{
    const unsigned char *end = (const unsigned char *)data + length;
    return (uint32_t)end[-4] | (uint32_t)end[-3] << 8 | (uint32_t)end[-2] << 16 |
           (uint32_t)end[-1] << 24;
}

/* `out` has room for one byte more than `expected`: without it zlib could not tell the end of an
 * empty stream from a full buffer. */
static bool inflate_whole(struct arena *arena, const char *data, size_t length, char *out,
                          uint32_t expected)
{
    z_stream stream;
    stream_init(&stream, arena, data);
    stream.next_out = (Bytef *)out;
    int status = inflateInit2(&stream, WINDOW_BITS_GZIP);
    while (status == Z_OK && !native_stopped()) {
        stream.avail_in = at_most(length - stream.total_in, INFLATE_SLICE);
        stream.avail_out = at_most((size_t)expected + 1 - stream.total_out, INFLATED_SLICE);
        status = inflate(&stream, Z_NO_FLUSH); /* Z_BUF_ERROR when there is no more of either */
    }
    return status == Z_STREAM_END && stream.total_in == length && stream.total_out == expected;
}

/* -- Binding ------------------------------------------------------------------------------- */

static const char *l_data(lua_State *L, size_t *length)
{
    const char *data = luaL_checklstring(L, 1, length);
    luaL_argcheck(L, *length <= INT_MAX, 1, "too long");
    return data;
}

static int l_compress(lua_State *L)
{
    size_t length;
    const char *data = l_data(L, &length);
    int level = lua_isnoneornil(L, 2) ? LEVEL_DEFAULT : (int)l_arg_integer(L, 2, 0, 9);
    struct arena *arena = lua_newuserdata(L, sizeof(*arena));
    z_stream stream;
    stream_init(&stream, arena, data);
    if (deflateInit2(&stream, level, Z_DEFLATED, WINDOW_BITS_GZIP, MEMORY_LEVEL,
                     Z_DEFAULT_STRATEGY) != Z_OK)
        return luaL_error(L, "gzip: compression could not start");
    size_t bound = deflateBound(&stream, length);
    char *out = lua_newuserdata(L, bound);
    stream.next_out = (Bytef *)out;
    stream.avail_out = (uInt)bound;
    if (!deflate_whole(&stream, length, level == 0 ? STORED_SLICE : DEFLATE_SLICE))
        return native_stopped() ? 0 : luaL_error(L, "gzip: compression failed");
    lua_pushlstring(L, out, stream.total_out);
    return 1;
}

static int l_decompress(lua_State *L)
{
    size_t length;
    const char *data = l_data(L, &length);
    int64_t max = l_arg_integer(L, 2, 0, OUTPUT_MAX);
    if (length < GZIP_BYTES_MIN)
        return luaL_error(L, "gzip: the data is no gzip, or is corrupt");
    uint32_t expected = stated_length(data, length);
    if (expected > max)
        return luaL_error(L, "gzip: the content is larger than %d bytes", (int)max);
    struct arena *arena = lua_newuserdata(L, sizeof(*arena));
    char *out = lua_newuserdata(L, (size_t)expected + 1);
    if (!inflate_whole(arena, data, length, out, expected))
        return native_stopped() ? 0 : luaL_error(L, "gzip: the data is no gzip, or is corrupt");
    lua_pushlstring(L, out, expected);
    return 1;
}

static const struct native_fn fns[] = {
    {"compress", "gzip.compress(data[, level]) -> gzip data; level from 0 to 9, 6 if not given",
     l_compress},
    {"decompress",
     "gzip.decompress(data, max_bytes) -> content; raises when it is larger, or data is corrupt",
     l_decompress},
    {NULL, NULL, NULL},
};

const struct native native_gzip = {"gzip", "compression in the gzip format", fns};
