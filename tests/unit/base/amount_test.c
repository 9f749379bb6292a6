/* amount_test.c - numbers with units, and what is none. */
/* SPDX-License-Identifier: MIT */
#include "cases.h"

#include "base/amount.h"

enum { REFUSED = -1 };

static void expect_amount(const char *text, enum amount unit, int64_t most, int64_t expected)
{
    int64_t value = 0;
    bool taken = amount_parse(str_of(text), unit, most, &value);

    if (taken != (expected != REFUSED) || (taken && value != expected))
        fail_msg("\"%s\" is %s: %lld", text, taken ? "taken" : "refused", (long long)value);
}

static void units_are_those_of_bytes_or_of_time(void **state)
{
    static const int64_t most = INT64_C(1) << 40;
    static const struct {
        const char *text;
        int64_t bytes, ns;
    } cases[] = {
        {"0", 0, 0},
        {"1", 1, 1},
        {"512k", 524288, REFUSED},
        {"512K", 524288, REFUSED},
        {"2kb", 2048, REFUSED},
        {"7b", 7, REFUSED},
        {"1m", 1 << 20, 1000000},
        {"3MB", 3 << 20, REFUSED},
        {"1g", 1 << 30, REFUSED},
        {"1GB", 1 << 30, REFUSED},
        {"1024g", INT64_C(1) << 40, REFUSED},
        {"1025g", REFUSED, REFUSED},
        {"1099511627776", INT64_C(1) << 40, INT64_C(1) << 40},
        {"1099511627777", REFUSED, REFUSED},
        {"10ms", REFUSED, 10000000},
        {"10n", REFUSED, 10},
        {"11ns", REFUSED, 11},
        {"12u", REFUSED, 12000},
        {"13US", REFUSED, 13000},
        {"60s", REFUSED, 60000000000},
        {"1099s", REFUSED, 1099000000000},
        {"1100s", REFUSED, REFUSED},
        {"99999999999999999999", REFUSED, REFUSED},
        {"", REFUSED, REFUSED},
        {"k", REFUSED, REFUSED},
        {"-1", REFUSED, REFUSED},
        {" 1", REFUSED, REFUSED},
        {"1 k", REFUSED, REFUSED},
        {"1.5k", REFUSED, REFUSED},
        {"1x", REFUSED, REFUSED},
        {"1kbb", REFUSED, REFUSED},
        {"off", REFUSED, REFUSED},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        expect_amount(cases[i].text, AMOUNT_BYTES, most, cases[i].bytes);
        expect_amount(cases[i].text, AMOUNT_NS, most, cases[i].ns);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(units_are_those_of_bytes_or_of_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
