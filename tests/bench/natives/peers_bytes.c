/* peers_bytes.c - hashing with OpenSSL, compressing with zlib, sorting with qsort. */
/* SPDX-License-Identifier: MIT */
#define OPENSSL_SUPPRESS_DEPRECATED
#define ZLIB_CONST
#include "benchmark.h"

#include <openssl/evp.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

/* -- OpenSSL -------------------------------------------------------------------------------- */

struct hash {
    const char *input;
    size_t length;
    int rounds;
    unsigned char digest[SHA256_DIGEST_LENGTH];
    EVP_MD *md;
    EVP_MD_CTX *ctx;
};

static void *hash_open(lua_State *L)
{
    struct hash *hash = bench_alloc(sizeof(*hash));
    hash->input = bench_text(L, "input", &hash->length);
    hash->rounds = bench_number(L, "size");
    hash->md = EVP_MD_fetch(NULL, "SHA256", NULL);
    hash->ctx = EVP_MD_CTX_new();
    if (!hash->md || !hash->ctx)
        bench_fail("no SHA-256 in OpenSSL");
    return hash;
}

static void hash_close(void *self)
{
    struct hash *hash = self;
    EVP_MD_CTX_free(hash->ctx);
    EVP_MD_free(hash->md);
    free(hash);
}

static void hash_result(const void *self, char text[RESULT_BYTES])
{
    const struct hash *hash = self;
    for (int i = 0; i < SHA256_DIGEST_LENGTH; i++)
        snprintf(text + (ptrdiff_t)2 * i, 3, "%02x", hash->digest[i]);
}

static void evp_run(void *self)
{
    struct hash *hash = self;
    const void *data = hash->input;
    size_t length = hash->length;
    for (int i = 0; i < hash->rounds; i++) {
        EVP_DigestInit_ex2(hash->ctx, hash->md, NULL);
        EVP_DigestUpdate(hash->ctx, data, length);
        EVP_DigestFinal_ex(hash->ctx, hash->digest, NULL);
        data = hash->digest;
        length = sizeof(hash->digest);
    }
}

static void sha256_run(void *self)
{
    struct hash *hash = self;
    const void *data = hash->input;
    size_t length = hash->length;
    for (int i = 0; i < hash->rounds; i++) {
        SHA256_CTX ctx;
        SHA256_Init(&ctx);
        SHA256_Update(&ctx, data, length);
        SHA256_Final(hash->digest, &ctx);
        data = hash->digest;
        length = sizeof(hash->digest);
    }
}

const struct peer peer_evp = {.name = "OpenSSL EVP, one context",
                              .open = hash_open,
                              .run = evp_run,
                              .result = hash_result,
                              .close = hash_close};

const struct peer peer_sha256 = {.name = "OpenSSL SHA256_Init, Update, Final",
                                 .open = hash_open,
                                 .run = sha256_run,
                                 .result = hash_result,
                                 .close = hash_close};

/* -- zlib ----------------------------------------------------------------------------------- */

struct packer {
    const char *data;
    size_t length, packed;
};

static void *packer_open(lua_State *L)
{
    struct packer *packer = bench_alloc(sizeof(*packer));
    packer->data = bench_text(L, "data", &packer->length);
    return packer;
}

static void packer_run(void *self)
{
    struct packer *packer = self;
    z_stream stream = {.next_in = (const Bytef *)packer->data, .avail_in = (uInt)packer->length};
    if (deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK)
        bench_fail("deflateInit2 failed");
    uLong bound = deflateBound(&stream, packer->length);
    stream.next_out = bench_alloc(bound);
    stream.avail_out = (uInt)bound;
    Bytef *out = stream.next_out;
    if (deflate(&stream, Z_FINISH) != Z_STREAM_END)
        bench_fail("deflate failed");
    packer->packed = stream.total_out;
    deflateEnd(&stream);
    free(out);
}

static void packer_result(const void *self, char text[RESULT_BYTES])
{
    snprintf(text, RESULT_BYTES, "%zu", ((const struct packer *)self)->packed);
}

const struct peer peer_zlib = {.name = "zlib deflate",
                               .open = packer_open,
                               .run = packer_run,
                               .result = packer_result,
                               .close = free};

/* -- qsort ---------------------------------------------------------------------------------- */

struct sorter {
    struct bench_texts *texts;
    const char *sorted[];
};

static void *sorter_open(lua_State *L)
{
    struct bench_texts *texts = bench_texts(L, "texts");
    struct sorter *sorter = bench_alloc(sizeof(*sorter) + texts->count * sizeof(char *));
    sorter->texts = texts;
    return sorter;
}

static void sorter_before(void *self)
{
    struct sorter *sorter = self;
    for (size_t i = 0; i < sorter->texts->count; i++)
        sorter->sorted[i] = sorter->texts->items[i].bytes;
}

static int compare_texts(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void sorter_run(void *self)
{
    struct sorter *sorter = self;
    qsort(sorter->sorted, sorter->texts->count, sizeof(sorter->sorted[0]), compare_texts);
}

static void sorter_result(const void *self, char text[RESULT_BYTES])
{
    const struct sorter *sorter = self;
    size_t count = sorter->texts->count;
    snprintf(text, RESULT_BYTES, "%s %s %s", sorter->sorted[0], sorter->sorted[count / 2],
             sorter->sorted[count - 1]);
}

static void sorter_close(void *self)
{
    free(((struct sorter *)self)->texts);
    free(self);
}

const struct peer peer_qsort = {.name = "qsort with strcmp",
                                .open = sorter_open,
                                .before = sorter_before,
                                .run = sorter_run,
                                .result = sorter_result,
                                .close = sorter_close};
