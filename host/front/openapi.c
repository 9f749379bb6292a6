/* openapi.c - the table of routes and what functions declare, as one document. */
/* SPDX-License-Identifier: MIT */
#include "front/openapi.h"

#include <ctype.h>
#include <stdlib.h>

#include "base/tokens.h"
#include "embedded_contract.h"
#include "front/rates.h"
#include "front/registry.h"
#include "front/routes.h"
#include "front/schema.h"
#include "front/serve_calls.h"

enum { FUNCTIONS_BYTES_MAX = 4 << 20, FLAGS = JSON_COMPACT | JSON_REAL_PRECISION(15) };

struct document {
    json_t *paths, *replies;
    const struct route *invoke;
    size_t bytes, left_out; /* of functions */
};

static void put(json_t *object, const char *key, json_t *value)
{
    json_object_set_new(object, key, value);
}

static json_t *text_of(const struct buf *b)
{
    return json_stringn(b->at, b->len);
}

static json_t *reference(const char *kind, const char *name)
{
    return json_pack("{s:o}", "$ref", json_sprintf("#/components/%s/%s", kind, name));
}

/* In lower case, with a NUL; the caller's. */
static struct buf lower(const char *text)
{
    struct buf b = {0};

    do
        buf_format(&b, "%c", tolower(*text));
    while (*text++);
    return b;
}

static json_t *content(const char *type, json_t *schema)
{
    return json_pack("{s:{s:o}}", type, "schema", schema);
}

/* -- Errors ---------------------------------------------------------------------------------- */

static const enum err_code codes[] = {
#define X(name, status, word) ERR_##name,
    ERR_LIST(X)
#undef X
};

enum { CODES = sizeof(codes) / sizeof(*codes) };

/* What only reads runs no function; what is open asks for no token. Nobody is told of CANCELLED,
 * and what a path does not take is told by its methods. */
static bool may_fail(const struct route *route, enum err_code code)
{
    bool is_read = strcmp(route->method, "GET") == 0;

    switch (code) {
    case ERR_CANCELLED:
    case ERR_METHOD_NOT_ALLOWED:
        return false;
    case ERR_UNAUTHORIZED:
        return route->access != ACCESS_OPEN;
    case ERR_FORBIDDEN:
        return route->access == ACCESS_ADMIN;
    case ERR_BAD_REQUEST:
    case ERR_TOO_LARGE:
    case ERR_INTERNAL:
    case ERR_QUEUE_FULL:
        return true;
    case ERR_UNKNOWN_FUNCTION:
    case ERR_NOT_FOUND:
    case ERR_DRAINING:
        return !is_read || route->access != ACCESS_OPEN;
    default:
        return !is_read;
    }
}

static json_t *error_reply(int status, const char *words, const char *schema)
{
    json_t *reply = json_pack("{s:s, s:o, s:{s:o}}", "description", words, "content",
                              content("application/json", reference("schemas", schema)), "headers",
                              "X-Call-Id", reference("headers", "X-Call-Id"));

    if (status == 429 || status == 503)
        put(json_object_get(reply, "headers"), "Retry-After", reference("headers", "Retry-After"));
    return reply;
}

/* The codes with this status. */
static struct buf words_of(const struct route *route, int status, const char *separator)
{
    struct buf words = {0};

    for (size_t i = 0; i < CODES; i++)
        if (err_status(codes[i]) == status && may_fail(route, codes[i]))
            buf_format(&words, "%s%s", words.len ? separator : "", err_word(codes[i]));
    buf_put(&words, "", 1);
    return words;
}

/* Adds what is not in `all` yet, by its codes: many routes have the same ones. */
static void put_error_reply(json_t *replies, json_t *all, const struct route *route, int status)
{
    bool is_own = status == 503 && route->doc.unready;
    struct buf joined = words_of(route, status, "."), words = words_of(route, status, ", ");
    const char *name = is_own ? route->doc.unready : joined.at;
    char key[16];

    snprintf(key, sizeof(key), "%d", status);
    if (*name && !json_object_get(all, name))
        put(all, name,
            error_reply(status, is_own ? "not ready" : words.at, is_own ? name : "Error"));
    if (*name)
        put(replies, key, reference("responses", name));
    buf_fini(&joined);
    buf_fini(&words);
}

/* A function may choose the code and the status of its errors. */
static void put_chosen_reply(json_t *replies, json_t *all)
{
    const char *name = "chosen";

    if (!json_object_get(all, name))
        put(all, name, error_reply(0, "chosen by the function: 400 to 599", "Error"));
    put(replies, "default", reference("responses", name));
}

/* -- Operations ------------------------------------------------------------------------------ */

static json_t *query_schema(const struct query_spec *spec)
{
    json_t *schema, *words;

    if (!spec->most && !spec->choices)
        return reference("schemas", "Name");
    if (!spec->choices) {
        schema = json_pack("{s:s, s:i, s:I}", "type", "integer", "minimum", 1, "maximum",
                           (json_int_t)spec->most);
        if (spec->otherwise)
            put(schema, "default", json_integer(spec->otherwise));
        return schema;
    }
    words = json_array();
    for (size_t i = 0; spec->choices[i]; i++)
        json_array_append_new(words, json_string(spec->choices[i]));
    return json_pack("{s:s, s:o}", "type", "string", "enum", words);
}

static json_t *parameters(const struct route *route, bool is_one_function)
{
    static const char *const headers[] = {"X-Call-Id", "X-Timeout-Ms", "traceparent"};
    json_t *list = json_array();

    if (route->doc.name && !is_one_function)
        json_array_append_new(list, reference("parameters", route->doc.name));
    for (size_t i = 0; i < ROUTE_QUERIES_MAX && route->doc.queries[i]; i++) {
        const struct query_spec *spec = query_spec_of(route->doc.queries[i]);

        json_array_append_new(list,
                              json_pack("{s:s, s:s, s:s, s:o}", "name", spec->name, "in", "query",
                                        "description", spec->words, "schema", query_schema(spec)));
    }
    if (route->access == ACCESS_INVOKE)
        for (size_t i = 0; i < sizeof(headers) / sizeof(*headers); i++)
            json_array_append_new(list, reference("parameters", headers[i]));
    return list;
}

static json_t *content_of(const char *reply)
{
    json_t *text;

    if (!strchr(reply, '/'))
        return content("application/json", reference("schemas", reply));
    text = json_pack("{s:s}", "type", "string");
    if (!str_starts(str_of(reply), STR("text/")))
        put(text, "format", json_string("binary"));
    return content(reply, text);
}

static json_t *reply_of(const struct route *route)
{
    static const char *const headers[] = {"X-Call-Id", "X-Start", "Server-Timing"};
    json_t *all, *it = json_pack("{s:s, s:o}", "description", route->doc.words, "content",
                                 content_of(route->doc.reply));

    if (route->access != ACCESS_INVOKE)
        return it;
    all = json_object();
    for (size_t i = 0; i < sizeof(headers) / sizeof(*headers); i++)
        put(all, headers[i], reference("headers", headers[i]));
    put(it, "headers", all);
    return it;
}

/* None are needed unless the token is set. */
static json_t *security(const struct route *route)
{
    json_t *any = json_array();

    if (route->access == ACCESS_INVOKE && tokens_has(TOKEN_INVOKE))
        json_array_append_new(any, json_pack("{s:[]}", "invoke"));
    if (route->access == ACCESS_ADMIN && tokens_has(TOKEN_ADMIN))
        json_array_append_new(any, json_pack("{s:[]}", "admin"));
    return any;
}

/* "post_fn_invoke_hash": a name for what is generated of it. */
static json_t *operation_id(const struct route *route, const char *name)
{
    struct buf id = lower(route->method);

    id.len--;
    for (const char *at = route->path; *at && *at != '*'; at++)
        buf_put(&id, *at == '/' || *at == '.' ? "_" : at, 1);
    buf_put_str(&id, str_of(name));
    json_t *text = text_of(&id);
    buf_fini(&id);
    return text;
}

/* `function` and `body`: the one function that it is of, and what that takes; or NULL. */
static json_t *operation(const struct document *d, const struct route *route, const char *function,
                         json_t *body)
{
    json_t *replies = json_pack("{s:o}", "200", reply_of(route));
    const char *name = function ? function : route->doc.name ? "NAME" : "";
    json_t *it =
        json_pack("{s:o, s:s, s:o, s:o, s:o}", "operationId", operation_id(route, name), "summary",
                  route->doc.words, "parameters", parameters(route, function != NULL), "responses",
                  replies, "security", security(route));

    for (size_t i = 0; i < CODES; i++)
        put_error_reply(replies, d->replies, route, err_status(codes[i]));
    if (route->access == ACCESS_INVOKE)
        put_chosen_reply(replies, d->replies);
    if (body)
        put(it, "requestBody", body);
    else if (route->doc.body)
        put(it, "requestBody",
            json_pack("{s:o}", "content",
                      content("application/json", reference("schemas", route->doc.body))));
    return it;
}

/* -- Paths ----------------------------------------------------------------------------------- */

static json_t *item_of(json_t *paths, const char *path)
{
    json_t *item = json_object_get(paths, path);

    if (item)
        return item;
    put(paths, path, json_object());
    return json_object_get(paths, path);
}

static void put_route(const struct document *d, const struct route *route)
{
    struct buf path = {0}, method = lower(route->method);

    if (route->doc.name)
        buf_format(&path, "%.*s{%s}", (int)strlen(route->path) - 1, route->path, route->doc.name);
    else
        buf_put_str(&path, str_of(route->path));
    buf_put(&path, "", 1);
    put(item_of(d->paths, path.at), method.at, operation(d, route, NULL, NULL));
    buf_fini(&path);
    buf_fini(&method);
}

/* What has to be given has no default to show. */
static json_t *body_of(const struct version *v)
{
    json_t *schema = schema_of_params(v);
    bool is_required = json_object_get(schema, "required") != NULL;
    json_t *of_json = json_pack("{s:o}", "schema", schema);

    if (!is_required)
        put(of_json, "example", schema_example(v));
    return json_pack("{s:b, s:{s:o}}", "required", is_required, "content", "application/json",
                     of_json);
}

static void put_function(struct func *func, void *document)
{
    struct document *d = document;
    char path[sizeof("/fn/invoke/") + FUNC_NAME_MAX];
    const struct version *v = func->current;
    json_t *it;

    if (!v)
        return;
    it = operation(d, d->invoke, func->name, body_of(v));
    const char *words = json_string_value(json_object_get(v->description, "description"));
    if (words && *words)
        put(it, "summary", json_string(words));
    snprintf(path, sizeof(path), "/fn/invoke/%s", func->name);
    json_t *item = json_pack("{s:o}", "post", it);
    d->bytes += json_dumpb(item, NULL, 0, FLAGS);
    if (d->bytes > FUNCTIONS_BYTES_MAX) {
        d->left_out++;
        json_decref(item);
    } else {
        put(d->paths, path, item);
    }
}

static void put_paths(json_t *document)
{
    json_t *components = json_object_get(document, "components");
    struct document d = {.paths = json_object_get(document, "paths"),
                         .replies = json_object_get(components, "responses")};
    size_t count;
    const struct route *routes = routes_table(&count);

    for (const struct route *route = routes; route < routes + count; route++) {
        if (route->doc.words)
            put_route(&d, route);
        if (route->serve == serve_invoke)
            d.invoke = route;
    }
    registry_each(put_function, &d);
    if (d.left_out)
        put(document, "x-functions-left-out", json_integer((json_int_t)d.left_out));
}

/* -- The whole ------------------------------------------------------------------------------- */

static json_t *properties_of(json_t *document, const char *schema)
{
    json_t *properties;

    if (json_unpack(document, "{s:{s:{s:{s:o}}}}", "components", "schemas", schema, "properties",
                    &properties) != 0)
        abort(); /* it is in openapi.json */
    return properties;
}

static void put_codes(json_t *document)
{
    json_t *words = json_array();

    for (size_t i = 0; i < CODES; i++)
        json_array_append_new(words, json_string(err_word(codes[i])));
    put(json_object_get(properties_of(document, "Error"), "code"), "anyOf",
        json_pack("[{s:o}, {s:s}]", "enum", words, "pattern", "^[a-z][a-z0-9_]{0,63}$"));
}

static void put_rates(json_t *document)
{
    json_t *rates = properties_of(document, "Rates");
    int64_t least, most;

    for (enum sample_type type = 0; type < SAMPLE_TYPES; type++) {
        settings_range(rates_flag(type), &least, &most);
        put(rates, rates_key(type),
            json_pack("{s:s, s:I, s:I}", "type", "integer", "minimum", (json_int_t)least, "maximum",
                      (json_int_t)most));
    }
}

static char *make_text(void)
{
    json_t *document = json_loadb(contract_openapi_text, contract_openapi_len, 0, NULL);

    put(json_object_get(document, "info"), "version", json_string(FAAS_VERSION));
    put_codes(document);
    put_rates(document);
    put_paths(document);
    char *text = json_dumps(document, FLAGS);
    json_decref(document);
    return text;
}

/* Made anew when it may have changed. */
void serve_openapi(struct exchange *ex, struct str name)
{
    static uint64_t changes;
    static char *text;

    (void)name;
    if (!text || changes != registry_changes()) {
        free(text);
        text = make_text();
        changes = registry_changes();
    }
    exchange_send_json(ex, 200, str_of(text));
}
