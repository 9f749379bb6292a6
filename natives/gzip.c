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
    DEFLATE_RATIO_MAX = 1032, /* of its format */
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
    COPIED_SLICE = 4 * 1024 * 1024,
};

static const char MAGIC[] = "\x1f\x8b";

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

/* -- Inflating ----------------------------------------------------------------------------- */

enum outcome { READ_ON, READ_ALL, READ_STOPPED, FULL, TRUNCATED, CORRUPT, TRAILED };

/* One or more gzip members, and how far they were read. */
struct reader {
    z_stream stream;
    const char *data;
    size_t length, taken;
    char *out;
    size_t room, made;
};

/* What the last member states as the length of its content, modulo 2^32, but no more than deflate
 * can pack into `length` bytes. */
static size_t likely_length(const char *data, size_t length)
{
    const unsigned char *end = (const unsigned char *)data + length;

    if (length < GZIP_BYTES_MIN)
        return 0;
    size_t stated =
        (size_t)end[-4] | (size_t)end[-3] << 8 | (size_t)end[-2] << 16 | (size_t)end[-1] << 24;
    return stated < length * DEFLATE_RATIO_MAX ? stated : length * DEFLATE_RATIO_MAX;
}

/* After a member: zeros to the end are padding, as of tapes, and another member goes on. */
static enum outcome next_member(struct reader *r)
{
    const char *rest = r->data + r->taken;
    size_t left = r->length - r->taken;

    if (left == 0)
        return READ_ALL;
    if (rest[0] == MAGIC[0] && (left == 1 || rest[1] == MAGIC[1]))
        return inflateReset(&r->stream) == Z_OK ? READ_ON : CORRUPT;
    for (size_t i = 0; i < left; i++) {
        if (rest[i] != 0)
            return TRAILED;
        if (i % INFLATE_SLICE == 0 && native_stopped())
            return READ_STOPPED;
    }
    return READ_ALL;
}

static enum outcome read_slice(struct reader *r)
{
    z_stream *stream = &r->stream;
    uInt in = at_most(r->length - r->taken, INFLATE_SLICE);
    uInt out = at_most(r->room - r->made, INFLATED_SLICE);

    stream->next_in = (const Bytef *)r->data + r->taken;
    stream->next_out = (Bytef *)r->out + r->made;
    stream->avail_in = in;
    stream->avail_out = out;
    int status = inflate(stream, Z_NO_FLUSH);
    r->taken += in - stream->avail_in;
    r->made += out - stream->avail_out;
    if (status == Z_STREAM_END)
        return next_member(r);
    if (status == Z_BUF_ERROR) /* no step was possible */
        return r->made == r->room ? FULL : TRUNCATED;
    return status == Z_OK ? READ_ON : CORRUPT;
}

static enum outcome read_members(struct reader *r)
{
    enum outcome outcome = READ_ON;

    while (outcome == READ_ON)
        outcome = native_stopped() ? READ_STOPPED : read_slice(r);
    return outcome;
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

/* Room for `room` bytes, in a userdata that takes the place of the one at the top of the stack. */
static void l_give_room(lua_State *L, struct reader *r, size_t room)
{
    char *out = lua_newuserdata(L, room);

    for (size_t at = 0; at < r->made && !native_stopped(); at += COPIED_SLICE)
        memcpy(out + at, r->out + at, at_most(r->made - at, COPIED_SLICE));
    lua_replace(L, -2);
    r->out = out;
    r->room = room;
}

static int l_raise_unread(lua_State *L, enum outcome outcome)
{
    switch (outcome) {
    case TRUNCATED:
        return luaL_error(L, "gzip: the data is truncated: it ends within a member");
    case TRAILED:
        return luaL_error(L, "gzip: bytes follow the last member that do not begin another");
    default:
        return luaL_error(L, "gzip: the data is not gzip, or is corrupt");
    }
}

/* With room for one byte more than `max`, so that zlib can tell an end there from a full buffer. */
static int l_decompress(lua_State *L)
{
    struct reader r = {.made = 0};
    enum outcome outcome;

    r.data = l_data(L, &r.length);
    size_t max = (size_t)l_arg_integer(L, 2, 0, OUTPUT_MAX);
    size_t likely = likely_length(r.data, r.length);
    struct arena *arena = lua_newuserdata(L, sizeof(*arena));
    stream_init(&r.stream, arena, r.data);
    if (inflateInit2(&r.stream, WINDOW_BITS_GZIP) != Z_OK)
        return luaL_error(L, "gzip: decompression could not start");
    lua_pushnil(L);
    l_give_room(L, &r, (likely < max ? likely : max) + 1);
    while ((outcome = read_members(&r)) == FULL && r.made <= max)
        l_give_room(L, &r, r.room < max / 2 ? 2 * r.room : max + 1);
    if (outcome == READ_STOPPED)
        return 0;
    if (r.made > max)
        return luaL_error(L, "gzip: the content is larger than %d bytes", (int)max);
    if (outcome != READ_ALL)
        return l_raise_unread(L, outcome);
    lua_pushlstring(L, r.out, r.made);
    return 1;
}

static const struct native_fn fns[] = {
    {"compress", "gzip.compress(data[, level]) -> gzip data; level from 0 to 9, 6 if not given",
     l_compress},
    {"decompress",
     "gzip.decompress(data, max_bytes) -> content of all members; raises when it is larger, or "
     "data "
     "is truncated or corrupt",
     l_decompress},
    {NULL, NULL, NULL},
};

const struct native native_gzip = {"gzip", "compression in the gzip format", fns};
