/* amount.c - reading numbers with units. */
/* SPDX-License-Identifier: MIT */
#include "base/amount.h"

#include <strings.h>

static const struct unit {
    const char *name;
    enum amount of;
    int64_t times;
} units[] = {
    {"", AMOUNT_BYTES, 1},         {"b", AMOUNT_BYTES, 1},        {"k", AMOUNT_BYTES, 1 << 10},
    {"kb", AMOUNT_BYTES, 1 << 10}, {"m", AMOUNT_BYTES, 1 << 20},  {"mb", AMOUNT_BYTES, 1 << 20},
    {"g", AMOUNT_BYTES, 1 << 30},  {"gb", AMOUNT_BYTES, 1 << 30}, {"", AMOUNT_NS, 1},
    {"n", AMOUNT_NS, 1},           {"ns", AMOUNT_NS, 1},          {"u", AMOUNT_NS, 1000},
    {"us", AMOUNT_NS, 1000},       {"m", AMOUNT_NS, 1000000},     {"ms", AMOUNT_NS, 1000000},
    {"s", AMOUNT_NS, 1000000000},
};

static bool is_named(const struct unit *unit, struct str name)
{
    return strlen(unit->name) == name.len && strncasecmp(unit->name, name.at, name.len) == 0;
}

bool amount_parse(struct str text, enum amount of, int64_t most, int64_t *value)
{
    struct str number = {text.at, 0};

    while (number.len < text.len && text.at[number.len] >= '0' && text.at[number.len] <= '9')
        number.len++;
    struct str name = {text.at + number.len, text.len - number.len};
    for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++)
        if (units[i].of == of && is_named(&units[i], name)) {
            if (!str_to_int64(number, 0, most / units[i].times, value))
                return false;
            *value *= units[i].times;
            return true;
        }
    return false;
}
