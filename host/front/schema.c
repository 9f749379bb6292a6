/* schema.c - declared parameters as a JSON schema. */
/* SPDX-License-Identifier: MIT */
#include "front/schema.h"

#include <math.h>

/* Nothing is longer, and it is a whole number in whatever reads the schema. */
enum { LENGTH_MOST = 1 << 30, UTF8_MOST = 4 };

static bool is(const char *type, const char *one)
{
    return strcmp(type, one) == 0 || strcmp(type, "any") == 0;
}

static void put(json_t *schema, const char *key, json_t *value)
{
    json_object_set_new(schema, key, value);
}

static void copy(json_t *schema, const char *key, const json_t *spec, const char *from)
{
    json_t *value = json_object_get(spec, from);

    if (value)
        json_object_set(schema, key, value);
}

/* `least` is what has at least so many bytes or items, rounded up; `most` is rounded down. Keys of
 * what says nothing are left out. */
static void put_lengths(json_t *schema, const char *least_key, double least, const char *most_key,
                        double most)
{
    if (least > 0)
        put(schema, least_key, json_integer((json_int_t)fmin(ceil(least), LENGTH_MOST)));
    if (most < LENGTH_MOST)
        put(schema, most_key, json_integer((json_int_t)fmax(floor(most), 0)));
}

static double number_of(const json_t *spec, const char *key, double otherwise)
{
    const json_t *value = json_object_get(spec, key);

    return value ? json_number_value(value) : otherwise;
}

/* Each keyword speaks of values of its own type alone. */
static void put_bounds(json_t *schema, const char *type, const json_t *spec)
{
    const double least = number_of(spec, "min", 0), most = number_of(spec, "max", INFINITY);

    if (is(type, "number") || is(type, "integer")) {
        copy(schema, "minimum", spec, "min");
        copy(schema, "maximum", spec, "max");
    }
    if (is(type, "string")) {
        put_lengths(schema, "minLength", least / UTF8_MOST, "maxLength", most);
        copy(schema, "x-min-bytes", spec, "min");
        copy(schema, "x-max-bytes", spec, "max");
    }
    if (is(type, "array"))
        put_lengths(schema, "minItems", least, "maxItems", most);
}

static json_t *schema_of(const json_t *spec)
{
    const char *type = json_string_value(json_object_get(spec, "type"));
    json_t *schema = json_object();

    if (strcmp(type, "any") != 0) {
        copy(schema, "type", spec, "type");
        if (!json_is_true(json_object_get(spec, "required")))
            put(schema, "nullable", json_true()); /* null means the default */
    }
    copy(schema, "description", spec, "description");
    copy(schema, "default", spec, "default");
    put_bounds(schema, type, spec);
    if (strcmp(type, "array") == 0)
        put(schema, "items", json_object());
    return schema;
}

json_t *schema_of_params(const struct version *version)
{
    json_t *specs = json_object_get(version->description, "params"), *spec;
    json_t *schema = json_pack("{s:s}", "type", "object");
    json_t *properties = json_object(), *required = json_array();
    const char *name;

    json_object_foreach(specs, name, spec)
    {
        put(properties, name, schema_of(spec));
        if (json_is_true(json_object_get(spec, "required")))
            json_array_append_new(required, json_string(name));
    }
    put(schema, "properties", properties);
    if (json_array_size(required))
        json_object_set(schema, "required", required);
    json_decref(required);
    return schema;
}

json_t *schema_example(const struct version *version)
{
    json_t *specs = json_object_get(version->description, "params"), *spec;
    json_t *example = json_object();
    const char *name;

    json_object_foreach(specs, name, spec) copy(example, name, spec, "default");
    return example;
}
