/* params_fuzz.c - any bytes as the body of a call, checked against a function's declaration. */
/* SPDX-License-Identifier: MIT */
#include "fuzz.h"

#include "front/params.h"

static const char description[] =
    "{\"params\":{\"i\":{\"type\":\"integer\",\"min\":-5,\"max\":5},"
    "\"n\":{\"type\":\"number\",\"min\":0},\"s\":{\"type\":\"string\",\"min\":1,\"max\":3},"
    "\"b\":{\"type\":\"boolean\"},\"o\":{\"type\":\"object\"},"
    "\"a\":{\"type\":\"array\",\"max\":2},\"x\":{\"type\":\"any\",\"max\":9},"
    "\"r\":{\"type\":\"string\",\"required\":true}}}";

static void check(const json_t *params, struct str text)
{
    static struct version version;
    struct err err = {.code = ERR_NONE};

    if (!version.description)
        version.description = json_loads(description, 0, NULL);
    MUST(version.description);
    if (params_check(&version, params, text, &err)) {
        MUST(err.code == ERR_NONE);
        MUST(json_is_string(json_object_get(params, "r")));
        return;
    }
    MUST(err.code == ERR_BAD_PARAMS);
    MUST(strncmp(err.text, "parameter ", 10) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *copy = fuzz_copy(data, size);
    struct err err = {.code = ERR_NONE};
    json_t *params;

    if (params_parse((struct str){copy, size}, &params, &err)) {
        MUST(!params || json_is_object(params));
        check(params, (struct str){copy, size});
        json_decref(params);
    } else {
        MUST(!params && err.code == ERR_BAD_JSON && err.text[0]);
    }
    free(copy);
    return 0;
}
