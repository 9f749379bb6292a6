/* call_fuzz.c - any bytes as a request, from its path and query to what a function is given. */
/* SPDX-License-Identifier: MIT */
#include "vm_once.h"

#include "front/exchange.h"
#include "front/params.h"

static void expect_within(struct str part, struct str whole)
{
    if (!part.len)
        return;
    MUST(part.at >= whole.at && part.len <= whole.len);
    MUST((size_t)(part.at - whole.at) <= whole.len - part.len);
}

static void read_path(struct str line)
{
    static const struct str names[] = {STR("start"), STR("count"), STR("size"), STR("")};
    const char *mark = line.len ? memchr(line.at, '?', line.len) : NULL;
    h2o_req_t req = {.path = {(char *)line.at, line.len},
                     .query_at = mark ? (size_t)(mark - line.at) : SIZE_MAX};
    struct exchange ex = {.req = &req};
    struct str rest = exchange_path(&ex);

    expect_within(rest, line);
    while (rest.at) {
        struct str part = str_cut(&rest, '/');

        expect_within(part, line);
        if (func_name_is_valid(part))
            MUST(part.len >= 1 && part.len <= FUNC_NAME_MAX);
    }
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
        expect_within(exchange_query(&ex, names[i]), line);
}

static int l_give(lua_State *L)
{
    const struct str *body = lua_touserdata(L, 1);

    MUST(l_json_decode(L, *body) == 1);
    MUST(lua_istable(L, -1));
    return 0;
}

/* What the front takes for parameters the worker can give to a function. */
static void read_body(struct str body)
{
    struct err err = {.code = ERR_NONE};
    json_t *params;

    if (!params_parse(body, &params, &err)) {
        MUST(!params && err.code == ERR_BAD_JSON && err.text[0]);
        return;
    }
    if (params && !vm_once(l_give, &body, &err))
        MUST(err.code == ERR_MEMORY_LIMIT);
    json_decref(params);
}

static void on_chain(void *owner, int status, struct str json, const struct timing *timing)
{
    (void)owner;
    (void)status;
    (void)json;
    (void)timing;
    abort(); /* there are no functions that it could have called */
}

static void read_chain(struct str body)
{
    const struct request request = {.call_id = STR("fuzz")};
    struct err err = {.code = ERR_NONE};

    MUST(!compose_chain(body, &request, on_chain, NULL, &err));
    MUST(err.code == ERR_BAD_JSON || err.code == ERR_BAD_REQUEST ||
         err.code == ERR_UNKNOWN_FUNCTION);
}

/* The first line is the path, the rest the body. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *copy = fuzz_copy(data, size);
    struct str body = {copy, size}, line = str_cut(&body, '\n');

    read_path(line);
    if (!body.at)
        body = (struct str){copy, 0};
    read_body(body);
    read_chain(body);
    free(copy);
    return 0;
}
