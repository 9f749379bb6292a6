/* reply.c - putting replies into JSON. */
/* SPDX-License-Identifier: MIT */
#include "front/reply.h"

#include "base/clock.h"

static void put_field(struct buf *b, const char *name, struct str value)
{
    if (value.len == 0)
        return;
    buf_format(b, ",\"%s\":", name);
    buf_put_json(b, value);
}

static void put_failure(struct buf *b, const struct failure *f)
{
    put_field(b, "child", f->child);
    if (f->details.len) {
        buf_put_str(b, STR(",\"details\":"));
        buf_put_str(b, f->details);
    }
    put_field(b, f->details.len ? "traceback" : "details", f->traceback);
}

void reply_put_error(struct buf *b, const struct err *err, struct str function, struct str call_id,
                     const struct failure *failure)
{
    buf_put_str(b, STR("{\"error\":"));
    buf_put_json(b, str_of(err->text));
    put_field(b, "code", failure_code(failure, err));
    put_field(b, "function", function);
    put_field(b, "call_id", call_id);
    if (failure)
        put_failure(b, failure);
    buf_put_str(b, STR("}"));
}

void reply_put_ms(struct buf *b, uint64_t ns)
{
    buf_put_decimal(b, (ns + NS_PER_US / 2) / NS_PER_US, 3);
}

void reply_put_result(struct buf *b, const struct reply *reply)
{
    struct str open = {reply->json.at, reply->json.len - 1};

    buf_put_str(b, open);
    buf_put_str(b, open.len > 1 ? STR(",\"latency_ms\":") : STR("\"latency_ms\":"));
    reply_put_ms(b, reply->latency_ns);
    if (reply->warm)
        buf_put_str(b, STR(",\"warm\":true"));
    buf_put_str(b, STR("}"));
}

/* As workers write objects: then keys can be put before the brace that ends it. */
bool reply_is_object(const struct reply *reply)
{
    struct str json = reply->json;

    return json.len >= 2 && json.at[0] == '{' && json.at[json.len - 1] == '}' &&
           (json.len == 2 || json.at[1] == '"');
}

bool reply_is_sound(const struct reply *reply)
{
    if (!reply_is_object(reply))
        return false;

    json_t *value =
        json_loadb(reply->json.at, reply->json.len, JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL, NULL);
    bool sound = json_is_object(value);

    json_decref(value);
    return sound;
}
