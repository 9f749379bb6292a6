/* declaration.c - checking what a function file declares. */
/* SPDX-License-Identifier: MIT */
#include "front/declaration.h"

#include <math.h>

enum { TIMEOUT_MAX_MS = 600000, MEMORY_MAX_MB = 1024, CONCURRENCY_MAX = 65536 };

static const char *const types[] = {"integer", "number", "string", "boolean",
                                    "object",  "array",  "any"};

static bool is_type(const char *word)
{
    for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++)
        if (strcmp(word, types[i]) == 0)
            return true;
    return false;
}

static bool check_param(const char *name, json_t *param, struct err *err)
{
    const char *type, *words = "";
    double min = 0, max = 0;
    int required = 0;
    json_t *otherwise;
    json_error_t error;

    if (json_unpack_ex(param, &error, JSON_STRICT, "{s:s, s?F, s?F, s?b, s?s, s?o}", "type", &type,
                       "min", &min, "max", &max, "required", &required, "description", &words,
                       "default", &otherwise) != 0)
        return err_set(err, ERR_FUNCTION_ERROR, "parameter `%.64s`: %s", name, error.text);
    if (!is_type(type))
        return err_set(err, ERR_FUNCTION_ERROR, "parameter `%.64s`: its type is none", name);
    return true;
}

static bool check_params(json_t *params, struct err *err)
{
    const char *name;
    json_t *param;

    if (!json_is_object(params))
        return err_set(err, ERR_FUNCTION_ERROR, "`params` is no object");
    json_object_foreach(params, name, param) if (!check_param(name, param, err)) return false;
    return true;
}

/* A whole number from 1 to `most`. */
static bool check_limit(const char *name, double value, double most, struct err *err)
{
    if (value >= 1 && value <= most && floor(value) == value)
        return true;
    return err_set(err, ERR_FUNCTION_ERROR, "`%s` must be a whole number from 1 to %.0f", name,
                   most);
}

size_t declaration_memory_bytes(double mb, const struct settings *settings)
{
    return (size_t)fmin(mb, (double)settings->memory_mb_max) << 20;
}

static bool read_all(struct version *v, json_t *description, const struct settings *settings,
                     struct err *err)
{
    double timeout = (double)settings->timeout_ms, memory = (double)settings->memory_mb, calls = 0;
    const char *words;
    json_error_t error;
    json_t *params;

    if (json_unpack_ex(description, &error, JSON_STRICT, "{s:s, s:o, s?F, s?F, s?F}", "description",
                       &words, "params", &params, "timeout_ms", &timeout, "memory_mb", &memory,
                       "max_concurrency", &calls) != 0)
        return err_set(err, ERR_FUNCTION_ERROR, "what the file declares: %s", error.text);
    if (!check_params(params, err) || !check_limit("timeout_ms", timeout, TIMEOUT_MAX_MS, err) ||
        !check_limit("memory_mb", memory, MEMORY_MAX_MB, err) ||
        !(calls == 0 || check_limit("max_concurrency", calls, CONCURRENCY_MAX, err)))
        return false;
    v->timeout_ms = (uint64_t)timeout;
    v->memory_bytes = declaration_memory_bytes(memory, settings);
    v->max_concurrency = (uint32_t)calls;
    return true;
}

bool declaration_read(struct version *version, struct str json, const struct settings *settings,
                      struct err *err)
{
    json_error_t error;
    json_t *description = json_loadb(json.at, json.len, JSON_ALLOW_NUL, &error);

    if (!description)
        return err_set(err, ERR_FUNCTION_ERROR, "what the file declares is no JSON: %s",
                       error.text);
    if (!read_all(version, description, settings, err)) {
        json_decref(description);
        return false;
    }
    version->description = description;
    return true;
}
