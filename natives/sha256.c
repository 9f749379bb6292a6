/* sha256.c - SHA-256 repeated over its own digest. */
/* SPDX-License-Identifier: MIT */
#include "args.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdbool.h>

enum { SHA256_ROUNDS_MAX = 10000000, DIGEST_BYTES = 32 };

static bool digest_rounds(EVP_MD_CTX *ctx, const EVP_MD *md, const char *input, size_t length,
                          int64_t rounds, unsigned char digest[DIGEST_BYTES])
{
    const void *data = input;
    for (int64_t i = 0; i < rounds; i++) {
        if (!EVP_DigestInit_ex2(ctx, md, NULL) || !EVP_DigestUpdate(ctx, data, length) ||
            !EVP_DigestFinal_ex(ctx, digest, NULL))
            return false;
        data = digest;
        length = DIGEST_BYTES;
    }
    return true;
}

static bool iterate(const char *input, size_t length, int64_t rounds,
                    unsigned char digest[DIGEST_BYTES])
{
    /* The configuration file is not read: a worker can open no files. */
    OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL);
    EVP_MD *md = EVP_MD_fetch(NULL, "SHA256", NULL);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool done = md && ctx && digest_rounds(ctx, md, input, length, rounds, digest);
    EVP_MD_CTX_free(ctx);
    EVP_MD_free(md);
    return done;
}

static void hex_write(char *out, const unsigned char *bytes, size_t length)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < length; i++) {
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
        if (!iterate(input, length, rounds, digest))
            return luaL_error(L, "sha256: the digest failed");
        bytes = digest;
        length = sizeof(digest);
    }
    char *hex = lua_newuserdata(L, 2 * length);
    hex_write(hex, bytes, length);
    lua_pushlstring(L, hex, 2 * length);
    return 1;
}

static const struct native_fn fns[] = {
    {"iterate", "sha256.iterate(input, rounds) -> hex digest; with no rounds, the input in hex",
     l_iterate},
    {NULL, NULL, NULL},
};

const struct native native_sha256 = {"sha256", "SHA-256 over and over", fns};
