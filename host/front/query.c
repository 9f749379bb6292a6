/* query.c - reading values of a query. */
/* SPDX-License-Identifier: MIT */
#include "front/query.h"

#include "front/registry.h"
#include "profile/flame.h"

static const char *const starts[] = {"cold", "warm", NULL}; /* as enum call_start */

static struct query_spec specs[QUERIES] = {
    [QUERY_START] = {"start", "how the calls are to start, or did start", .choices = starts},
    [QUERY_COUNT] = {"count", "how many calls", .most = 1000, .otherwise = 5},
    [QUERY_SIZE] = {"size", "how many instances more", .otherwise = 5},
    [QUERY_SECONDS] = {"seconds",
                       "how long samples are taken; 30 for profile and wall, since the start for "
                       "the others, where it is not given",
                       .most = 300},
    [QUERY_TYPE] = {"type", "what was sampled; cpu where it is not given", .choices = flame_types},
    [QUERY_LAST] = {"seconds", "of how many seconds, the last ones", .most = HISTORY_S,
                    .otherwise = HISTORY_S},
    [QUERY_TAIL] = {"tail", "how many lines, of the newest", .most = LOGS_LINES_MAX,
                    .otherwise = 100},
    [QUERY_FUNCTION] = {"function", "only what this function did"},
};

void query_init(const struct settings *settings)
{
    specs[QUERY_SIZE].most = settings->pool_max;
}

const struct query_spec *query_spec_of(enum query query)
{
    return &specs[query];
}

static struct str value_of(const struct exchange *ex, enum query query)
{
    return exchange_query(ex, str_of(specs[query].name));
}

bool query_number(const struct exchange *ex, enum query query, int64_t *value, struct err *err)
{
    const struct query_spec *spec = &specs[query];
    struct str text = value_of(ex, query);

    *value = spec->otherwise;
    if (!text.at || str_to_int64(text, 1, spec->most, value))
        return true;
    return err_set(err, ERR_BAD_REQUEST, "%s must be a whole number from 1 to %lld, not \"%.*s\"",
                   spec->name, (long long)spec->most, STR_ARG(text));
}

static bool refuse_choice(const struct query_spec *spec, struct str text, struct err *err)
{
    struct buf words = {0};

    for (int i = 0; spec->choices[i]; i++)
        buf_format(&words, "%s%s",
                   !i                     ? ""
                   : spec->choices[i + 1] ? ", "
                                          : " or ",
                   spec->choices[i]);
    err_set(err, ERR_BAD_REQUEST, "%s must be %.*s, not \"%.*s\"", spec->name,
            STR_ARG(buf_str(&words)), STR_ARG(text));
    buf_fini(&words);
    return false;
}

bool query_choice(const struct exchange *ex, enum query query, int *choice, struct err *err)
{
    const struct query_spec *spec = &specs[query];
    struct str text = value_of(ex, query);

    for (*choice = 0; spec->choices[*choice]; (*choice)++)
        if (text.at && str_equal(text, str_of(spec->choices[*choice])))
            return true;
    return !text.at || refuse_choice(spec, text, err);
}

bool query_start(const struct exchange *ex, enum call_start *start, struct err *err)
{
    int choice;
    bool ok = query_choice(ex, QUERY_START, &choice, err);

    *start = (enum call_start)choice;
    return ok;
}

bool query_function(const struct exchange *ex, struct func **func, struct err *err)
{
    struct str name = value_of(ex, QUERY_FUNCTION);

    *func = name.at ? registry_get(name, err) : NULL;
    return !name.at || *func;
}
