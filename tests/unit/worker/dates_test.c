/* dates_test.c - os.date and os.time say what strftime and mktime say, and nothing for nonsense. */
/* SPDX-License-Identifier: MIT */
#include "vm_rows.h"

#include <time.h>

static const char *const formats[] = {
    "%a",
    "%A",
    "%b",
    "%B",
    "%c",
    "%C",
    "%d",
    "%D",
    "%e",
    "%F",
    "%g",
    "%G",
    "%h",
    "%H",
    "%I",
    "%j",
    "%k",
    "%l",
    "%m",
    "%M",
    "%n",
    "%p",
    "%P",
    "%r",
    "%R",
    "%s",
    "%S",
    "%t",
    "%T",
    "%u",
    "%U",
    "%V",
    "%w",
    "%W",
    "%x",
    "%X",
    "%y",
    "%Y",
    "%z",
    "%Z",
    "%+",
    "%%",
    "%Ec",
    "%EC",
    "%Ex",
    "%EX",
    "%Ey",
    "%EY",
    "%Od",
    "%Oe",
    "%OH",
    "%OI",
    "%Om",
    "%OM",
    "%OS",
    "%Ou",
    "%OU",
    "%OV",
    "%Ow",
    "%OW",
    "%Oy",
    "%-d",
    "%_d",
    "%05d",
    "%^a",
    "%#Z",
    "%12Y",
    "a%%b",
    "100",
    "%d.%m.%Y %H:%M",
    "%%%%",
    "x%%",
    "%Y-%m-%dT%H:%M:%S tail",
};

static void each_conversion_is_as_strftime_has_it(void **state)
{
    const time_t at = 1000000007;

    (void)state;
    for (size_t i = 0; i < COUNT(formats); i++)
        for (int utc = 0; utc <= 1; utc++) {
            char expected[256], expression[256];
            struct answer answer;
            struct err err;
            struct tm tm;

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
            strftime(expected, sizeof(expected), formats[i],
                     utc ? gmtime_r(&at, &tm) : localtime_r(&at, &tm));
#pragma GCC diagnostic pop
            snprintf(expression, sizeof(expression), "os.date('%s%s', %ld)", utc ? "!" : "",
                     formats[i], (long)at);
            if (!evaluate(expression, &answer, &err))
                fail_msg("%s raised: %s", expression, err.text);
            assert_string_equal(answer.text, expected);
        }
}

static void dates_and_times(void **state)
{
    static const struct row rows[] = {
        {"os.date('', 0)", ""},
        {"os.date('!', 0)", ""},
        {"os.date('!%Y', -1)", "1969"},
        {"#os.date()", "24"},
        {"os.date('!%H:%M\\0%S', 0)", "00:00"},
        {"os.date('!%d', '86400')", "02"},
        {"os.date('!%c', 1e300)", "nil"},
        {"os.date('!*t', 86399).hour", "23"},
        {"os.date('!*t', 0).year", "1970"},
        {"os.date('!*t', 0).wday", "5"},
        {"os.date('!*t', 0).yday", "1"},
        {"os.date('!*t', 0).isdst", "false"},
        {"#os.date(('%d'):rep(1e5))", "200000"},
        {"os.time(os.date('*t', 86400 * 365))", "31536000"},
        {"os.time({year = 2000, month = 1, day = 2}) - os.time({year = 2000, month = 1, day = 1})",
         "86400"},
        {"os.time({year = 2000, month = '1', day = 1.9, hour = 0}) - "
         "os.time({year = 2000, month = 1, day = 1})",
         "-43200"},
        {"os.time({year = 2000, month = 13, day = 1}) == os.time({year = 2001, month = 1, day = "
         "1})",
         "true"},
        {"os.time(setmetatable({year = 2000, month = 1}, {__index = function(_, k) "
         "return k == 'day' and 1 or nil end})) == os.time({year = 2000, month = 1, day = 1})",
         "true"},
        {"type(os.time())", "number"},
        {"os.time(nil) - os.time() < 2", "true"},
    };

    (void)state;
    EXPECT_VALUES(rows);
}

static void nonsense_raises(void **state)
{
    static const struct row rows[] = {
        {"os.date('%Q')", "(invalid conversion '%Q' in a date's format)"},
        {"os.date('a%')", "invalid conversion '%%'"},
        {"os.date('%E')", "invalid conversion"},
        {"os.date('%123Y')", "invalid conversion"},
        {"os.date('%999999999Y')", "invalid conversion"},
        {"os.date('%-_0^#-_0^#d')", "invalid conversion"},
        {"os.date('%d', 'x')", "bad argument #2 to '?' (number expected, got string)"},
        {"os.date({})", "bad argument #1 to '?' (string expected, got table)"},
        {"os.time({})", "field 'day' missing in date table"},
        {"os.time({day = 1, year = 2000})", "field 'month' missing in date table"},
        {"os.time(1)", "bad argument #1 to '?' (table expected, got number)"},
        {"(function() local t t = setmetatable({}, {__index = function() return os.time(t) end}) "
         "return os.time(t) end)()",
         "C stack overflow"},
    };

    (void)state;
    EXPECT_ERRORS(rows);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_conversion_is_as_strftime_has_it),
        cmocka_unit_test(dates_and_times),
        cmocka_unit_test(nonsense_raises),
    };

    return RUN_VM_TESTS(tests);
}
