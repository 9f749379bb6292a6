/* schema_test.c - declared parameters as a JSON schema, which refuses nothing that is taken. */
/* SPDX-License-Identifier: MIT */
#include "../base/cases.h"

#include <stdlib.h>

#include "front/schema.h"

/* A version whose parameters are this. */
static struct version declared(const char *params)
{
    json_t *it = json_loads(params, 0, NULL);

    assert_non_null(it);
    return (struct version){.description = json_pack("{s:o}", "params", it)};
}

static void expect_json(json_t *value, const char *json)
{
    char *text = json_dumps(value, JSON_COMPACT | JSON_SORT_KEYS | JSON_REAL_PRECISION(15));

    assert_string_equal(text, json);
    free(text);
    json_decref(value);
}

static void a_parameter_becomes_a_schema(void **state)
{
    static const struct {
        const char *spec, *schema;
    } cases[] = {
        {"{'type':'any'}", "{}"},
        {"{'type':'boolean','default':false,'min':1}",
         "{'default':false,'nullable':true,'type':'boolean'}"},
        {"{'type':'object','description':'words','max':1}",
         "{'description':'words','nullable':true,'type':'object'}"},
        {"{'type':'integer','min':-1,'max':2.5,'default':1}",
         "{'default':1,'maximum':2.5,'minimum':-1,'nullable':true,'type':'integer'}"},
        {"{'type':'number','min':0.1,'max':1e300}",
         "{'maximum':1e300,'minimum':0.1,'nullable':true,'type':'number'}"},
        {"{'type':'string','min':5,'max':8}", "{'maxLength':8,'minLength':2,'nullable':true,'type':"
                                              "'string','x-max-bytes':8,'x-min-bytes':5}"},
        {"{'type':'string','min':4}",
         "{'minLength':1,'nullable':true,'type':'string','x-min-bytes':4}"},
        {"{'type':'string','min':0,'max':0.5}",
         "{'maxLength':0,'nullable':true,'type':'string','x-max-bytes':0.5,'x-min-bytes':0}"},
        {"{'type':'array','min':1.5,'max':3.5}",
         "{'items':{},'maxItems':3,'minItems':2,'nullable':true,'type':'array'}"},
        {"{'type':'array','min':-1,'max':-1}",
         "{'items':{},'maxItems':0,'nullable':true,'type':'array'}"},
        {"{'type':'array','min':1e300,'max':1e300}",
         "{'items':{},'minItems':1073741824,'nullable':true,'type':'array'}"},
        {"{'type':'any','min':1,'max':2}",
         "{'maxItems':2,'maxLength':2,'maximum':2,'minItems':1,'minLength':1,'minimum':1,"
         "'x-max-bytes':2,'x-min-bytes':1}"},
    };
    char params[512], schema[512];

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        snprintf(params, sizeof(params), "{\"n\":%s}", cases[i].spec);
        snprintf(schema, sizeof(schema), "{\"properties\":{\"n\":%s},\"type\":\"object\"}",
                 cases[i].schema);
        for (char *at = params; (at = strchr(at, '\'')) != NULL;)
            *at = '"';
        for (char *at = schema; (at = strchr(at, '\'')) != NULL;)
            *at = '"';
        struct version v = declared(params);
        expect_json(schema_of_params(&v), schema);
        json_decref(v.description);
    }
}

static void no_parameters_are_any_object(void **state)
{
    struct version v = declared("{}");

    (void)state;
    expect_json(schema_of_params(&v), "{\"properties\":{},\"type\":\"object\"}");
    expect_json(schema_example(&v), "{}");
    json_decref(v.description);
}

static void what_is_required_is_told_and_what_has_a_default_shown(void **state)
{
    struct version v = declared("{\"a\":{\"type\":\"any\",\"required\":true},"
                                "\"b\":{\"type\":\"any\",\"required\":false},"
                                "\"c\":{\"type\":\"boolean\",\"default\":false},"
                                "\"d\":{\"type\":\"string\",\"default\":\"x\"}}");

    (void)state;
    expect_json(schema_of_params(&v),
                "{\"properties\":{\"a\":{},\"b\":{},"
                "\"c\":{\"default\":false,\"nullable\":true,\"type\":\"boolean\"},"
                "\"d\":{\"default\":\"x\",\"nullable\":true,\"type\":\"string\"}},"
                "\"required\":[\"a\"],\"type\":\"object\"}");
    expect_json(schema_example(&v), "{\"c\":false,\"d\":\"x\"}");
    json_decref(v.description);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_parameter_becomes_a_schema),
        cmocka_unit_test(no_parameters_are_any_object),
        cmocka_unit_test(what_is_required_is_told_and_what_has_a_default_shown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
