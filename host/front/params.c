/* params.c - checking parameters before any state is opened. */
/* SPDX-License-Identifier: MIT */
#include "front/params.h"

#include <math.h>

#include "front/member.h"

static bool is_within_depth(json_t *value, int depth)
{
    const char *key;
    json_t *item;
    size_t i;

    if (!json_is_array(value) && !json_is_object(value))
        return true;
    if (depth == PARAMS_DEPTH_MAX)
        return false;
    json_array_foreach(value, i, item) if (!is_within_depth(item, depth + 1)) return false;
    json_object_foreach(value, key, item) if (!is_within_depth(item, depth + 1)) return false;
    return true;
}

bool params_parse(struct str body, json_t **params, struct err *err)
{
    json_error_t error;

    *params = NULL;
    if (str_trim(body).len == 0)
        return true;
    *params = json_loadb(body.at, body.len,
                         JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL | JSON_REJECT_DUPLICATES |
                             JSON_DECODE_ANY,
                         &error);
    if (!*params)
        return err_set(err, ERR_BAD_JSON, "the body is no JSON: %s (line %d, column %d)",
                       error.text, error.line, error.column);
    bool object = json_is_object(*params);
    if (object && is_within_depth(*params, 0))
        return true;
    json_decref(*params);
    *params = NULL;
    if (object)
        return err_set(err, ERR_BAD_JSON, "the body is nested more than %d levels deep",
                       PARAMS_DEPTH_MAX);
    return err_set(err, ERR_BAD_JSON, "the body must be a JSON object such as {\"name\": 1}");
}

static const char *kind_of(const json_t *value)
{
    static const char *const kinds[] = {
        [JSON_OBJECT] = "an object", [JSON_ARRAY] = "a list",  [JSON_STRING] = "a string",
        [JSON_INTEGER] = "a number", [JSON_REAL] = "a number", [JSON_TRUE] = "a boolean",
        [JSON_FALSE] = "a boolean",  [JSON_NULL] = "null",
    };

    return kinds[json_typeof(value)];
}

static bool has_type(const json_t *value, const char *type)
{
    if (strcmp(type, "integer") == 0)
        return json_is_number(value) && floor(json_number_value(value)) == json_number_value(value);
    if (strcmp(type, "number") == 0)
        return json_is_number(value);
    if (strcmp(type, "string") == 0)
        return json_is_string(value);
    if (strcmp(type, "boolean") == 0)
        return json_is_boolean(value);
    if (strcmp(type, "object") == 0)
        return json_is_object(value);
    if (strcmp(type, "array") == 0)
        return json_is_array(value);
    return true;
}

static const char *article(const char *type)
{
    return strchr("aeiou", type[0]) ? "an" : "a";
}

/* What min and max speak of, or NaN where they have no meaning. */
static double size_of(const json_t *value)
{
    if (json_is_number(value))
        return json_number_value(value);
    if (json_is_string(value))
        return (double)json_string_length(value);
    return json_is_array(value) ? (double)json_array_size(value) : (double)NAN;
}

static bool in_bounds(const char *name, const json_t *spec, const json_t *value, struct err *err)
{
    const json_t *min = json_object_get(spec, "min"), *max = json_object_get(spec, "max");
    const char *what = json_is_string(value)  ? " bytes long"
                       : json_is_array(value) ? " items long"
                                              : "";
    double size = size_of(value);
    char range[96];

    if (!(min && size < json_number_value(min)) && !(max && size > json_number_value(max)))
        return true;
    if (min && max)
        snprintf(range, sizeof(range), "between %.15g and %.15g", json_number_value(min),
                 json_number_value(max));
    else
        snprintf(range, sizeof(range), "%s %.15g", min ? "at least" : "at most",
                 json_number_value(min ? min : max));
    return err_set(err, ERR_BAD_PARAMS, "parameter %s must be %s%s, not %.15g", name, range, what,
                   size);
}

/* Of a client's number: jansson has rounded it to a double already. */
static bool is_kept(const char *name, const json_t *value, struct str text, struct err *err)
{
    enum { SHOWN_MAX = 40 };
    struct str number = text.at ? member_find(text, name) : text;

    if (!number.at || member_is_exact(number, json_number_value(value)))
        return true;
    return err_set(
        err, ERR_BAD_PARAMS,
        "parameter %s must be a whole number that a double holds exactly (up to 2^53 all "
        "are), not %.*s%s",
        name, (int)(number.len < SHOWN_MAX ? number.len : SHOWN_MAX), number.at,
        number.len > SHOWN_MAX ? "..." : "");
}

static bool check_one(const char *name, const json_t *spec, const json_t *value, struct str text,
                      struct err *err)
{
    const char *type = json_string_value(json_object_get(spec, "type"));
    bool required = json_is_true(json_object_get(spec, "required"));

    if (!value || (json_is_null(value) && !(required && has_type(value, type)))) {
        if (!required)
            return true;
        return err_set(err, ERR_BAD_PARAMS, "parameter %s is missing: it must be %s %s", name,
                       article(type), type);
    }
    if (has_type(value, type))
        return in_bounds(name, spec, value, err) &&
               (strcmp(type, "integer") != 0 || is_kept(name, value, text, err));
    if (json_is_number(value) && strcmp(type, "integer") == 0)
        return err_set(err, ERR_BAD_PARAMS, "parameter %s must be a whole number, not %.15g", name,
                       json_number_value(value));
    return err_set(err, ERR_BAD_PARAMS, "parameter %s must be %s %s, not %s", name, article(type),
                   type, kind_of(value));
}

bool params_check(const struct version *version, const json_t *params, struct str text,
                  struct err *err)
{
    json_t *specs = json_object_get(version->description, "params"), *spec;
    const char *name;

    json_object_foreach(specs, name, spec)
    {
        if (!check_one(name, spec, json_object_get(params, name), text, err))
            return false;
    }
    return true;
}
