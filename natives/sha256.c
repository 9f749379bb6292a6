/* sha256.c - SHA-256 repeated over its own digest. */
/* SPDX-License-Identifier: MIT */
#define OPENSSL_SUPPRESS_DEPRECATED /* see hash_rounds */
#include "args.h"

#include <endian.h>
#include <openssl/sha.h>
#include <string.h>

enum {
    SHA256_ROUNDS_MAX = 10000000,
    DIGEST_BYTES = SHA256_DIGEST_LENGTH,
    WORDS = DIGEST_BYTES / sizeof(uint32_t),
    SLICE_ROUNDS = 1024, /* of rounds, and of input: each takes about 100 us */
    SLICE_BYTES = 64 * 1024,
};

static void digest_write(unsigned char *out, const SHA256_CTX *ctx)
{
    for (size_t i = 0; i < WORDS; i++) {
        uint32_t word = htobe32(ctx->h[i]);
        memcpy(out + i * sizeof(word), &word, sizeof(word));
    }
}

static void input_hash(SHA256_CTX *ctx, const char *input, size_t length)
{
    for (size_t slice; length > 0 && !native_stopped(); input += slice, length -= slice) {
        slice = length < SLICE_BYTES ? length : SLICE_BYTES;
        SHA256_Update(ctx, input, slice);
    }
}

/* Digests the input, then each digest, `rounds` times in all; at least once.
 *
 * By the functions that OpenSSL 3 calls deprecated, for their code is EVP's: EVP adds a provider, a
 * context from the heap and checks, which for one block take as long again as the hashing. They
 * take no memory and cannot fail. A digest is always one block when padded, and its padding stays
 * in place, so that a round is a single transform. */
static void hash_rounds(const char *input, size_t length, int64_t rounds,
                        unsigned char digest[DIGEST_BYTES])
{
    unsigned char block[SHA256_CBLOCK] = {[DIGEST_BYTES] = 0x80};
    uint64_t bits = htobe64(8 * DIGEST_BYTES);
    memcpy(block + sizeof(block) - sizeof(bits), &bits, sizeof(bits));
    SHA256_CTX initial, ctx;
    SHA256_Init(&initial);
    ctx = initial;
    input_hash(&ctx, input, length);
    SHA256_Final(block, &ctx);
    for (int64_t i = 1; i < rounds; i++) {
        if (i % SLICE_ROUNDS == 0 && native_stopped())
            break;
        memcpy(ctx.h, initial.h, sizeof(ctx.h));
        SHA256_Transform(&ctx, block);
        digest_write(block, &ctx);
    }
    memcpy(digest, block, DIGEST_BYTES);
}

static void hex_write(char *out, const unsigned char *bytes, size_t length)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < length; i++) {
        if (i % SLICE_BYTES == 0 && native_stopped())
            return;
        *out++ = digits[bytes[i] >> 4];
        *out++ = digits[bytes[i] & 15];
    }
}

/* -- Binding ------------------------------------------------------------------------------- */

static int l_iterate(lua_State *L)
{
    size_t length;
    const char *input = luaL_checklstring(L, 1, &length);
    int64_t rounds = l_arg_integer(L, 2, 0, SHA256_ROUNDS_MAX);
    const unsigned char *bytes = (const unsigned char *)input;
    unsigned char digest[DIGEST_BYTES];
    if (rounds > 0) {
        hash_rounds(input, length, rounds, digest);
        bytes = digest;
        length = sizeof(digest);
    }
    char *hex = lua_newuserdata(L, 2 * length);
    hex_write(hex, bytes, length);
    if (native_stopped())
        return 0;
    lua_pushlstring(L, hex, 2 * length);
    return 1;
}

static const struct native_fn fns[] = {
    {"iterate", "sha256.iterate(input, rounds) -> hex digest; with no rounds, the input in hex",
     l_iterate},
    {NULL, NULL, NULL},
};

const struct native native_sha256 = {"sha256", "SHA-256 over and over", fns};
