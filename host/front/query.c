/* query.c - reading values of a query. */
/* SPDX-License-Identifier: MIT */
#include "front/query.h"

bool query_number(const struct exchange *ex, struct str name, int64_t otherwise, int64_t most,
                  int64_t *value, struct err *err)
{
    struct str text = exchange_query(ex, name);

    *value = otherwise;
    if (!text.at || str_to_int64(text, 1, most, value))
        return true;
    return err_set(err, ERR_BAD_REQUEST, "%.*s must be a whole number from 1 to %lld, not \"%.*s\"",
                   STR_ARG(name), (long long)most, STR_ARG(text));
}

bool query_start(const struct exchange *ex, enum call_start *start, struct err *err)
{
    struct str text = exchange_query(ex, STR("start"));

    *start = CALL_UNSTARTED;
    if (!text.at)
        return true;
    for (*start = CALL_COLD; *start < CALL_UNSTARTED; (*start)++)
        if (str_equal(text, str_of(call_start_names[*start])))
            return true;
    return err_set(err, ERR_BAD_REQUEST, "start must be cold or warm, not \"%.*s\"", STR_ARG(text));
}
