/* ranges.h - what holds of settings that were read, whatever they were read from. */
/* SPDX-License-Identifier: MIT */
#pragma once

#include "base/settings.h"
#include "fuzz.h"

static inline void expect_ranges(const struct settings *s)
{
#define X(field, flag, env, def, least, most, help) MUST(s->field >= least && s->field <= most);
    SETTINGS_NUMBERS(X)
#undef X
    MUST(memchr(s->host, '\0', sizeof(s->host)));
    MUST(s->functions_count <= 64);
    for (size_t i = 0; i < s->functions_count; i++)
        MUST(s->functions[i]);
}
