/* logs.c - lines in the order of their coming: in one list of all, and in one of each function. */
/* SPDX-License-Identifier: MIT */
#include "front/logs.h"

#include <stdlib.h>

struct logged {
    struct logs *owner;
    struct logged *next;          /* of its owner */
    struct logged *older, *newer; /* of all */
    size_t bytes;
    struct log_text line; /* in `text` */
    char text[];
};

static struct {
    struct logged *oldest, *newest;
    struct logs_figures figures;
} all;

/* The oldest of all is the oldest of its owner too. */
static void drop_oldest(struct logs *logs)
{
    struct logged *it = logs->oldest;

    logs->oldest = it->next;
    if (!logs->oldest)
        logs->newest = NULL;
    *(it->older ? &it->older->newer : &all.oldest) = it->newer;
    *(it->newer ? &it->newer->older : &all.newest) = it->older;
    logs->count--;
    logs->bytes -= it->bytes;
    all.figures.lines--;
    all.figures.bytes -= it->bytes;
    free(it);
}

static void append(struct logs *logs, struct logged *it)
{
    *(logs->newest ? &logs->newest->next : &logs->oldest) = it;
    logs->newest = it;
    it->older = all.newest;
    *(all.newest ? &all.newest->newer : &all.oldest) = it;
    all.newest = it;
    logs->count++;
    logs->bytes += it->bytes;
    all.figures.lines++;
    all.figures.bytes += it->bytes;
}

/* No more than LOGS_TEXT_MAX, and no part of a character at the end. */
static struct str cut(struct str text)
{
    if (text.len <= LOGS_TEXT_MAX)
        return text;
    for (text.len = LOGS_TEXT_MAX; text.len && (text.at[text.len] & 0xC0) == 0x80;)
        text.len--;
    return text;
}

static struct str keep(char **at, struct str text)
{
    struct str kept = {*at, text.len};

    if (text.len)
        memcpy(*at, text.at, text.len);
    *at += text.len;
    return kept;
}

void logs_add(struct logs *logs, const struct log_text *line)
{
    struct str text = cut(line->text);
    size_t bytes = sizeof(struct logged) + line->call_id.len + line->traceparent.len + text.len;
    struct logged *it = malloc(bytes);

    if (!it)
        abort();
    *it = (struct logged){.owner = logs, .bytes = bytes, .line = *line};
    char *at = it->text;
    it->line.call_id = keep(&at, line->call_id);
    it->line.traceparent = keep(&at, line->traceparent);
    it->line.text = keep(&at, text);
    append(logs, it);
    while (logs->count > LOGS_LINES_MAX || logs->bytes > LOGS_OWN_BYTES_MAX)
        drop_oldest(logs);
    while (all.oldest && all.figures.bytes > LOGS_BYTES_MAX)
        drop_oldest(all.oldest->owner);
}

void logs_each(const struct logs *logs, size_t most,
               void (*visit)(const struct log_text *line, void *data), void *data)
{
    size_t left_out = logs->count > most ? logs->count - most : 0;

    for (const struct logged *it = logs->oldest; it; it = it->next)
        if (left_out)
            left_out--;
        else
            visit(&it->line, data);
}

void logs_clear(struct logs *logs)
{
    while (logs->oldest)
        drop_oldest(logs);
}

struct logs_figures logs_figures(void)
{
    return all.figures;
}
