/* message.c - writing and checking messages. */
/* SPDX-License-Identifier: MIT */
#include "wire/message.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/log.h"

bool message_write(struct ring_end *writer, struct message *m, const struct str *texts)
{
    for (size_t i = 0; i < MESSAGE_TEXTS; i++)
        m->text_len[i] = (uint32_t)texts[i].len;
    return ring_write(writer, (struct str){(const char *)m, sizeof(*m)}, texts, MESSAGE_TEXTS);
}

static bool code_is_known(const struct message *m)
{
    switch (m->type) {
    case MESSAGE_CALL:
        return m->code < CALL_KINDS;
    case MESSAGE_CANCEL:
    case MESSAGE_DONE:
    case MESSAGE_RESULT:
        return m->code < ERR_COUNT;
    case MESSAGE_LOG:
        return m->code <= LOG_ERROR;
    default:
        return m->type < MESSAGE_TYPES;
    }
}

bool message_parse(struct str record, struct message *m, struct str *texts)
{
    if (record.len < sizeof(*m))
        return false;
    memcpy(m, record.at, sizeof(*m));
    struct str rest = {record.at + sizeof(*m), record.len - sizeof(*m)};
    for (size_t i = 0; i < MESSAGE_TEXTS; i++) {
        if (m->text_len[i] > rest.len)
            return false;
        texts[i] = (struct str){rest.at, m->text_len[i]};
        rest = (struct str){rest.at + m->text_len[i], rest.len - m->text_len[i]};
    }
    return rest.len == 0 && code_is_known(m);
}

static void put_text(struct buf *b, struct str text)
{
    uint32_t len = (uint32_t)text.len;

    buf_put(b, &len, sizeof(len));
    buf_put_str(b, text);
}

static bool next_text(struct str *rest, struct str *text)
{
    uint32_t len;

    if (rest->len < sizeof(len))
        return false;
    memcpy(&len, rest->at, sizeof(len));
    if (len > rest->len - sizeof(len))
        return false;
    *text = (struct str){rest->at + sizeof(len), len};
    *rest = (struct str){text->at + len, rest->len - sizeof(len) - len};
    return true;
}

void message_put_module(struct buf *b, struct str name, struct str text)
{
    put_text(b, name);
    put_text(b, text);
}

bool message_next_module(struct str *rest, struct str *name, struct str *text)
{
    struct str after = *rest;

    if (!next_text(&after, name) || !next_text(&after, text))
        return false;
    *rest = after;
    return true;
}
