/* numbers.c - doubles as JSON writes them. */
/* SPDX-License-Identifier: MIT */
#include "worker/numbers.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "native.h"

/* -- Powers of ten --------------------------------------------------------------------------- */

/* power[i] is 10^(i + POWER_LEAST) times a power of two: its first 128 bits, rounded up. */
enum { POWER_LEAST = -292, POWER_MOST = 324, WORDS = 40, WORD_BITS = 32 };
enum { SPARE_BITS = 128 }; /* below the point, for small powers */

static struct power {
    uint64_t high, low;
} power[POWER_MOST - POWER_LEAST + 1];

static const double EXACT_MAX = 9007199254740992.0; /* 2^53 */

static bool bit_of(const uint32_t *words, int bit)
{
    return words[bit / WORD_BITS] >> (bit % WORD_BITS) & 1;
}

/* The 128 bits from the highest that is set, rounded up if any below is set, or `inexact`. */
static struct power first_bits(const uint32_t *words, bool inexact)
{
    struct power bits = {0, 0};
    int top = WORDS * WORD_BITS - 1;

    while (!bit_of(words, top))
        top--;
    for (int bit = top; bit > top - 128; bit--) {
        bits.high = bits.high << 1 | bits.low >> 63;
        bits.low = bits.low << 1 | bit_of(words, bit);
    }
    for (int bit = top - 128; bit >= 0 && !inexact; bit--)
        inexact = bit_of(words, bit);
    if (inexact && ++bits.low == 0)
        bits.high++;
    return bits;
}

static void multiply_by_ten(uint32_t *words)
{
    uint64_t carry = 0;

    for (int i = 0; i < WORDS; i++) {
        carry += (uint64_t)words[i] * 10;
        words[i] = (uint32_t)carry;
        carry >>= WORD_BITS;
    }
}

static void divide_by_ten(uint32_t *words)
{
    uint64_t rest = 0;

    for (int i = WORDS - 1; i >= 0; i--) {
        rest = rest << WORD_BITS | words[i];
        words[i] = (uint32_t)(rest / 10);
        rest %= 10;
    }
}

void number_init(void)
{
    uint32_t up[WORDS] = {[SPARE_BITS / WORD_BITS] = 1};
    uint32_t down[WORDS] = {[WORDS - 1] = 1U << (WORD_BITS - 1)};

    if (power[0].high)
        return;

    for (int i = 0; i <= POWER_MOST; i++, multiply_by_ten(up))
        power[i - POWER_LEAST] = first_bits(up, false);
    for (int i = -1; i >= POWER_LEAST; i--) {
        divide_by_ten(down);
        power[i - POWER_LEAST] = first_bits(down, true);
    }
}

/* -- Writing --------------------------------------------------------------------------------- */

/* digits * 10^exponent */
struct decimal {
    uint64_t digits;
    int exponent;
};

static int floor_log2_of_power(int exponent)
{
    return (exponent * 1741647) >> 19;
}

/* The product's bits from 128 up; the lowest is set if any below was. */
static uint64_t scale(struct power g, uint64_t factor)
{
    unsigned __int128 low = (unsigned __int128)g.low * factor;
    unsigned __int128 high = (unsigned __int128)g.high * factor + (uint64_t)(low >> 64);

    return (uint64_t)(high >> 64) | ((uint64_t)high > 1);
}

/* The shortest decimal between the neighbours' midpoints, and of those the nearest: Raffaele
 * Giulietti's Schubfach ("The Schubfach way to render doubles", 2020). `number` is over 0. */
static struct decimal shortest(double number)
{
    uint64_t bits;
    memcpy(&bits, &number, sizeof(bits));
    uint64_t fraction = bits & ((1ULL << 52) - 1);
    int field = (int)(bits >> 52);
    uint64_t c = field ? fraction | 1ULL << 52 : fraction;
    int q = (field ? field : 1) - 1075;
    bool closer = fraction == 0 && field > 1; /* the neighbour below */
    int k = (q * 1262611 - (closer ? 524031 : 0)) >> 22;
    int h = q + floor_log2_of_power(-k) + 1;
    struct power g = power[-k - POWER_LEAST];
    uint64_t odd = c & 1;
    uint64_t lower = scale(g, (4 * c - 2 + closer) << h) + odd;
    uint64_t value = scale(g, 4 * c << h);
    uint64_t upper = scale(g, (4 * c + 2) << h) - odd;
    uint64_t s = value / 4, tens = s / 10;

    if (s >= 10) {
        bool under = lower <= 40 * tens, over = 40 * tens + 40 <= upper;
        if (under != over)
            return (struct decimal){tens + over, k + 1};
    }
    bool under = lower <= 4 * s, over = 4 * s + 4 <= upper;
    if (under != over)
        return (struct decimal){s + over, k};
    uint64_t middle = 4 * s + 2;
    return (struct decimal){s + (value > middle || (value == middle && (s & 1))), k};
}

static struct decimal without_zeros(struct decimal d)
{
    enum { EIGHT_ZEROS = 100000000 };

    if (d.digits % EIGHT_ZEROS == 0) {
        d.digits /= EIGHT_ZEROS;
        d.exponent += 8;
    }
    while (d.digits % 10 == 0) {
        d.digits /= 10;
        d.exponent++;
    }
    return d;
}

static size_t write_whole(uint64_t number, char *text)
{
    char digits[NUMBER_TEXT_MAX], *at = digits + sizeof(digits);

    do
        *--at = (char)('0' + number % 10);
    while (number /= 10);
    size_t len = (size_t)(digits + sizeof(digits) - at);
    memcpy(text, at, len);
    return len;
}

/* d.ddde[-]x */
static size_t write_scientific(const char *digits, size_t count, int exponent, char *text)
{
    size_t len = 0;

    text[len++] = digits[0];
    if (count > 1) {
        text[len++] = '.';
        memcpy(text + len, digits + 1, count - 1);
        len += count - 1;
    }
    text[len++] = 'e';
    if (exponent < 0)
        text[len++] = '-';
    return len + write_whole((uint64_t)abs(exponent), text + len);
}

/* ddd000, dd.dd or 0.00ddd: `point` digits come before the point. */
static size_t write_plain(const char *digits, size_t count, int point, char *text)
{
    if (point <= 0) {
        size_t zeros = (size_t)-point;
        text[0] = '0';
        text[1] = '.';
        memset(text + 2, '0', zeros);
        memcpy(text + 2 + zeros, digits, count);
        return 2 + zeros + count;
    }
    size_t whole = (size_t)point;
    if (whole >= count) {
        memcpy(text, digits, count);
        memset(text + count, '0', whole - count);
        return whole;
    }
    memcpy(text, digits, whole);
    text[whole] = '.';
    memcpy(text + whole + 1, digits + whole, count - whole);
    return count + 1;
}

size_t number_write(double number, char *text)
{
    enum { SMALL_POINT = -4, LARGE_POINT = 17 };
    char digits[NUMBER_TEXT_MAX];
    size_t sign = signbit(number) ? 1 : 0;

    text[0] = '-'; /* overwritten without a sign */
    text += sign;
    number = fabs(number);
    if (number <= EXACT_MAX && number == (double)(uint64_t)number)
        return sign + write_whole((uint64_t)number, text);
    struct decimal d = without_zeros(shortest(number));
    size_t count = write_whole(d.digits, digits);
    int point = (int)count + d.exponent;
    if (point > SMALL_POINT && point <= LARGE_POINT)
        return sign + write_plain(digits, count, point, text);
    return sign + write_scientific(digits, count, point - 1, text);
}

/* -- Reading --------------------------------------------------------------------------------- */

enum { EXPONENT_MAX = 100000000 };

struct scan {
    const char *at;
    uint64_t digits; /* exact while `count` is at most 19 */
    int64_t count;   /* of digits from the first that is not 0 */
    int64_t exponent;
    bool negative;
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Digits before or after the point; false without any. Stops early when the call is to end. */
static bool scan_digits(struct scan *s, bool after_point)
{
    enum { LOOK_EVERY = 1 << 16 };
    const char *start = s->at;

    for (; is_digit(*s->at); s->at++) {
        if (s->count || *s->at != '0')
            s->count++;
        if (s->count <= 19)
            s->digits = s->digits * 10 + (uint64_t)(*s->at - '0');
        s->exponent -= after_point;
        if ((s->at - start) % LOOK_EVERY == LOOK_EVERY - 1 && native_stopped())
            return false;
    }
    return s->at > start;
}

static bool scan_exponent(struct scan *s)
{
    int64_t exponent = 0;
    bool negative = s->at[1] == '-';

    s->at += s->at[1] == '-' || s->at[1] == '+' ? 2 : 1;
    const char *start = s->at;
    for (; is_digit(*s->at); s->at++)
        if (exponent < EXPONENT_MAX)
            exponent = exponent * 10 + (*s->at - '0');
    s->exponent += negative ? -exponent : exponent;
    return s->at > start;
}

static bool scan_number(struct scan *s)
{
    if ((s->negative = *s->at == '-'))
        s->at++;
    if (s->at[0] == '0' && is_digit(s->at[1]))
        return false;
    if (!scan_digits(s, false))
        return false;
    if (*s->at == '.') {
        s->at++;
        if (!scan_digits(s, true))
            return false;
    }
    return (*s->at != 'e' && *s->at != 'E') || scan_exponent(s);
}

/* No double's neighbours differ past that many digits: of more, only whether any is not 0 counts.
 * So strtod never reads a text of many megabytes, in which it could not be stopped. */
static double read_long(const char *text, const struct scan *s)
{
    enum { DIGITS_MAX = 800, ROOM = DIGITS_MAX + 40 };
    char digits[ROOM];
    size_t len = 0;
    bool rest = false;

    for (bool begun = false; is_digit(*text) || *text == '.' || *text == '-'; text++) {
        if (native_stopped())
            break;
        begun |= *text >= '1';
        if (!begun || *text == '.')
            continue;
        if (len < DIGITS_MAX)
            digits[len++] = *text;
        else
            rest |= *text != '0';
    }
    int64_t exponent = s->exponent + s->count - (int64_t)len;
    if (rest) {
        digits[len++] = '1';
        exponent--;
    }
    digits[len++] = 'e';
    if (exponent < 0)
        digits[len++] = '-';
    exponent = llabs(exponent) < EXPONENT_MAX ? llabs(exponent) : EXPONENT_MAX;
    len += write_whole((uint64_t)exponent, digits + len);
    digits[len] = '\0';
    return strtod(digits, NULL);
}

bool number_read(const char *text, const char **end, double *number)
{
    static const double tens[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                  1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                  1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    enum { TENS_MAX = sizeof(tens) / sizeof(*tens) - 1 };
    struct scan s = {.at = text};

    if (!scan_number(&s))
        return false;
    double value = (double)s.digits;
    if (s.count == 0)
        value = 0;
    else if (s.count > 19 || s.digits > 1ULL << 53 || llabs(s.exponent) > TENS_MAX)
        value = read_long(text, &s);
    else /* both are exact: so the one operation is rounded correctly */
        value = s.exponent < 0 ? value / tens[-s.exponent] : value * tens[s.exponent];
    *end = s.at;
    *number = s.negative ? -value : value;
    return isfinite(value);
}
