/* reply_fuzz.c - any bytes as what a worker says: a result, an error, a declaration. */
/* SPDX-License-Identifier: MIT */
#include "fuzz.h"

#include "front/declaration.h"
#include "front/params.h"
#include "front/reply.h"

static void expect_object(const struct buf *text)
{
    json_t *value = json_loadb(text->at, text->len, JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL, NULL);

    MUST(json_is_object(value));
    json_decref(value);
}

static void put_result(struct str text, struct buf *out)
{
    struct reply reply = {.json = text, .latency_ns = text.len * 1001, .warm = text.len % 2};

    if (!reply_is_object(&reply))
        return;
    buf_clear(out);
    reply_put_result(out, &reply);
    if (reply_is_sound(&reply))
        expect_object(out);
}

static const struct str none = {NULL, 0};

static void put_error(struct str text, struct buf *out)
{
    struct err err;

    struct failure failure;
    const struct message m = {.code = ERR_FUNCTION_ERROR,
                              .done.status = text.len ? (uint32_t)(unsigned char)*text.at * 4 : 0};
    struct str half = {text.at, text.len / 2}, rest = {text.at + half.len, text.len - half.len};

    err_set(&err, ERR_FUNCTION_ERROR, "%.*s", STR_ARG(text));
    for (int way = 0; way < 3; way++) {
        bool sound =
            failure_read(&failure, &m,
                         (struct str[MESSAGE_TEXTS]){[MESSAGE_TRACEBACK] = text,
                                                     [MESSAGE_DETAILS] = way ? rest : text,
                                                     [MESSAGE_WORD] = way == 1 ? half : none,
                                                     [MESSAGE_CHILD] = way ? half : none});

        MUST(sound || failure.details.len == 0);
        MUST(failure_status(&failure, &err) >= 400 && failure_status(&failure, &err) <= 599);
        buf_clear(out);
        reply_put_error(out, &err, STR("fuzz"), text, &failure);
        expect_object(out);
    }
}

static void read_declaration(struct str text)
{
    const struct settings settings = {.timeout_ms = 1000, .memory_mb = 64, .memory_mb_max = 1024};
    struct version version = {0};
    struct err err = {.code = ERR_NONE};

    if (!declaration_read(&version, text, &settings, &err)) {
        MUST(!version.description && err.code == ERR_FUNCTION_ERROR && err.text[0]);
        return;
    }
    MUST(json_is_object(version.description) && version.timeout_ms >= 1);
    MUST(version.memory_bytes >= 1 << 20 && version.memory_bytes <= 1 << 30);
    json_t *params = json_pack("{s:i, s:s, s:[], s:n}", "n", 1, "text", "x", "list", "null");
    if (!params_check(&version, params, (struct str){NULL, 0}, &err))
        MUST(err.code == ERR_BAD_PARAMS);
    json_decref(params);
    json_decref(version.description);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct buf out;
    char *copy = fuzz_copy(data, size);
    struct str text = {copy, size};

    put_result(text, &out);
    put_error(text, &out);
    read_declaration(text);
    free(copy);
    return 0;
}
