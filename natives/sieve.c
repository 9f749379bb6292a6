/* sieve.c - counts primes with a segmented sieve of Eratosthenes, a byte for 30 numbers. */
/* SPDX-License-Identifier: MIT */
#include "args.h"

#include <string.h>

enum {
    SIEVE_LIMIT_MAX = 100000000,
    ROOT_MAX = 10000, /* the square root of the largest limit */
    WHEEL = 30,
    SPOKES = 8,
    SEGMENT_BYTES = 32768, /* a first-level cache */
    BASE_MAX = 1213,       /* primes from PATTERN_PRIME_MAX to ROOT_MAX */
    PATTERNS = 6,
    PATTERN_PRIMES = 3,
    PATTERN_PRIME_MAX = 53,
    PATTERN_BYTES = 2491, /* 47 * 53, the longest */
    BLOCK = 64,           /* patterns are laid over a segment in blocks of so many bytes */
    BYTE_SUMS_MAX = 31,   /* sums of eight bits that fit into a byte */
};

/* What 2, 3 and 5 do not divide are the numbers 30i + spoke: the bits of byte i, from the lowest
 * up. A bit is set for a prime, or what may still be one. */
static const uint8_t spokes[SPOKES] = {1, 7, 11, 13, 17, 19, 23, 29};

/* Primes whose multiples are crossed out together: they come again after as many bytes as their
 * product. */
static const uint8_t pattern_primes[PATTERNS][PATTERN_PRIMES] = {
    {7, 11, 13}, {17, 19}, {23, 29}, {31, 37}, {41, 43}, {47, PATTERN_PRIME_MAX},
};

struct pattern {
    uint32_t period;
    uint32_t phase; /* of the next segment */
    uint8_t bytes[PATTERN_BYTES + BLOCK];
};

/* The multiples of a prime p by 30t + spoke, for one t, are a turn: they lie within the p bytes
 * from t * p on, at the same places in each turn. A prime's turns are crossed out while they begin
 * within the segment; what that crosses out behind it is kept for the next segment. */
struct sieve {
    struct pattern patterns[PATTERNS];
    uint32_t base_count;
    uint16_t prime[BASE_MAX];
    uint32_t next[BASE_MAX]; /* where the next turn begins, counted from the segment on */
    uint8_t bytes[SEGMENT_BYTES + ROOT_MAX];
};

/* Vector types have no other spelling than a typedef. Lua aligns to 8 bytes only. */
typedef uint64_t lanes __attribute__((vector_size(16), aligned(1), may_alias));

enum { LANES_BLOCK = BLOCK / sizeof(lanes) };

/* -- Crossing out -------------------------------------------------------------------------- */

/* The bit of a number on a spoke. Eight spokes among thirty residues lie so that dividing finds
 * which it is. */
static inline uint8_t bit_of(unsigned number)
{
    return (uint8_t)(1U << number % WHEEL * SPOKES / WHEEL);
}

/* Crosses out the turns of `prime` from `at` to `length`: where the next one begins. All that
 * depends on the prime's spoke alone is a constant where this is inlined. */
__attribute__((always_inline)) static inline uint32_t
cross_spoke(uint8_t *bytes, uint32_t at, uint32_t length, uint32_t prime, unsigned spoke)
{
    uint32_t quotient = prime / WHEEL;
    uint32_t place[SPOKES];
#pragma GCC unroll 8
    for (unsigned i = 0; i < SPOKES; i++)
        place[i] = quotient * spokes[i] + spoke * spokes[i] / WHEEL;
    for (; at < length; at += prime) {
#pragma GCC unroll 8
        for (unsigned i = 0; i < SPOKES; i++)
            bytes[at + place[i]] &= (uint8_t)~bit_of(spoke * spokes[i]);
    }
    return at;
}

/* Aligned, for its loops take an eighth longer where other code happens to push them off. */
__attribute__((aligned(64))) static uint32_t cross(uint8_t *bytes, uint32_t at, uint32_t length,
                                                   uint32_t prime)
{
    switch (prime % WHEEL) {
    case 1:
        return cross_spoke(bytes, at, length, prime, 1);
    case 7:
        return cross_spoke(bytes, at, length, prime, 7);
    case 11:
        return cross_spoke(bytes, at, length, prime, 11);
    case 13:
        return cross_spoke(bytes, at, length, prime, 13);
    case 17:
        return cross_spoke(bytes, at, length, prime, 17);
    case 19:
        return cross_spoke(bytes, at, length, prime, 19);
    case 23:
        return cross_spoke(bytes, at, length, prime, 23);
    default:
        return cross_spoke(bytes, at, length, prime, 29);
    }
}

/* -- Patterns ------------------------------------------------------------------------------ */

static void patterns_init(struct sieve *sieve)
{
    for (unsigned i = 0; i < PATTERNS; i++) {
        struct pattern *pattern = &sieve->patterns[i];
        const uint8_t *primes = pattern_primes[i];
        pattern->period = (uint32_t)primes[0] * primes[1] * (primes[2] ? primes[2] : 1);
        pattern->phase = 0;
        memset(pattern->bytes, 0xff, sizeof(pattern->bytes));
        for (unsigned p = 0; p < PATTERN_PRIMES && primes[p]; p++)
            cross(pattern->bytes, 0, pattern->period, primes[p]);
        memcpy(pattern->bytes + pattern->period, pattern->bytes, BLOCK);
    }
}

static void lay_block(struct pattern *patterns, lanes out[LANES_BLOCK])
{
#pragma GCC unroll 8
    for (unsigned l = 0; l < LANES_BLOCK; l++)
        out[l] = ~(lanes){0};
    for (unsigned i = 0; i < PATTERNS; i++) {
        struct pattern *pattern = &patterns[i];
        const lanes *in = (const lanes *)(pattern->bytes + pattern->phase);
#pragma GCC unroll 8
        for (unsigned l = 0; l < LANES_BLOCK; l++)
            out[l] &= in[l];
        uint32_t phase = pattern->phase + BLOCK;
        pattern->phase = phase < pattern->period ? phase : phase - pattern->period;
    }
}

/* The segment anew: the patterns, and what the one before crossed out behind itself. */
static void segment_begin(struct sieve *sieve, uint32_t length)
{
    for (uint32_t at = 0; at < length; at += BLOCK)
        lay_block(sieve->patterns, (lanes *)(sieve->bytes + at));
    uint8_t *behind = sieve->bytes + SEGMENT_BYTES;
    for (uint32_t at = 0; at < ROOT_MAX; at += sizeof(lanes))
        *(lanes *)(sieve->bytes + at) &= *(const lanes *)(behind + at);
    memset(behind, 0xff, ROOT_MAX);
}

/* Patterns cross out their primes as well. */
static void patterns_restore(struct sieve *sieve)
{
    for (unsigned i = 0; i < PATTERNS; i++) {
        for (unsigned p = 0; p < PATTERN_PRIMES && pattern_primes[i][p]; p++) {
            unsigned prime = pattern_primes[i][p];
            sieve->bytes[prime / WHEEL] |= bit_of(prime);
        }
    }
    sieve->bytes[0] &= (uint8_t)~bit_of(1);
}

/* -- Counting ------------------------------------------------------------------------------ */

/* The bits of each byte, in that byte. */
static inline lanes byte_sums(lanes x)
{
    x -= x >> 1 & UINT64_C(0x5555555555555555);
    x = (x & UINT64_C(0x3333333333333333)) + (x >> 2 & UINT64_C(0x3333333333333333));
    return (x + (x >> 4)) & UINT64_C(0x0f0f0f0f0f0f0f0f);
}

/* By hand, as not every x86-64 has an instruction for it. `bytes` is a multiple of BLOCK long. */
static uint32_t count_bits(const uint8_t *bytes, uint32_t length)
{
    const lanes *at = (const lanes *)bytes, *end = (const lanes *)(bytes + length);
    lanes total = {0};
    while (at < end) {
        lanes sums = {0};
        for (int i = 0; i < BYTE_SUMS_MAX && at < end; i++)
            sums += byte_sums(*at++);
        sums = (sums & UINT64_C(0x00ff00ff00ff00ff)) + (sums >> 8 & UINT64_C(0x00ff00ff00ff00ff));
        total += (sums * UINT64_C(0x0001000100010001)) >> 48;
    }
    return (uint32_t)(total[0] + total[1]);
}

/* -- Segments ------------------------------------------------------------------------------ */

static void find_base_primes(struct sieve *sieve, uint32_t limit)
{
    uint8_t *composite = sieve->bytes;
    memset(composite, 0, ROOT_MAX + 1);
    sieve->base_count = 0;
    for (uint32_t n = 3; n * n <= limit; n += 2) {
        if (composite[n])
            continue;
        for (uint32_t multiple = n * n; multiple <= ROOT_MAX; multiple += 2 * n)
            composite[multiple] = 1;
        if (n <= PATTERN_PRIME_MAX)
            continue;
        sieve->prime[sieve->base_count] = (uint16_t)n;
        sieve->next[sieve->base_count++] = n / WHEEL * n; /* the turn that has the square */
    }
}

static void segment_cross(struct sieve *sieve, uint32_t length)
{
    for (uint32_t i = 0; i < sieve->base_count; i++) {
        uint32_t at = sieve->next[i];
        if (at < length)
            at = cross(sieve->bytes, at, length, sieve->prime[i]);
        sieve->next[i] = at - length;
    }
}

/* Takes out what is above `limit`, which byte `last` stands for. */
static void segment_end(struct sieve *sieve, uint32_t length, uint32_t last, uint32_t limit)
{
    unsigned above = 0;
    for (unsigned i = 0; i < SPOKES; i++) {
        if (spokes[i] > limit % WHEEL)
            above |= bit_of(spokes[i]);
    }
    sieve->bytes[last] &= (uint8_t)~above;
    memset(sieve->bytes + last + 1, 0, length - last - 1);
}

static uint32_t count_primes(struct sieve *sieve, uint32_t limit)
{
    uint32_t count = (uint32_t)(limit >= 2) + (limit >= 3) + (limit >= 5);
    patterns_init(sieve);
    find_base_primes(sieve, limit);
    memset(sieve->bytes + SEGMENT_BYTES, 0xff, ROOT_MAX);
    uint32_t bytes = limit / WHEEL + 1;
    for (uint32_t low = 0; low < bytes && !native_stopped(); low += SEGMENT_BYTES) {
        uint32_t left = bytes - low;
        uint32_t length = SEGMENT_BYTES;
        if (left < SEGMENT_BYTES)
            length = (left + BLOCK - 1) / BLOCK * BLOCK;
        segment_begin(sieve, length);
        if (low == 0)
            patterns_restore(sieve);
        segment_cross(sieve, length);
        if (left <= SEGMENT_BYTES)
            segment_end(sieve, length, left - 1, limit);
        count += count_bits(sieve->bytes, length);
    }
    return count;
}

/* -- Binding ------------------------------------------------------------------------------- */

static int l_count(lua_State *L)
{
    uint32_t limit = (uint32_t)l_arg_integer(L, 1, 0, SIEVE_LIMIT_MAX);
    struct sieve *sieve = lua_newuserdata(L, sizeof(*sieve));
    lua_pushnumber(L, count_primes(sieve, limit));
    return 1;
}

static const struct native_fn fns[] = {
    {"count", "sieve.count(limit) -> how many primes there are up to limit", l_count},
    {NULL, NULL, NULL},
};

const struct native native_sieve = {"sieve", "the sieve of Eratosthenes", fns};
