/* push_request.c - the messages of push.proto. */
/* SPDX-License-Identifier: MIT */
#include "profile/push_request.h"

#include <stdlib.h>

#include "profile/gzip.h"
#include "push.pb-c.h"

enum { OWN_LABELS = 3, LABELS = LABELS_MAX + OWN_LABELS, UUID_BYTES = 16, UUID_SIZE = 37 };

static char *const names[SAMPLE_TYPES] = {
    [SAMPLE_CPU] = (char *)"process_cpu",
    [SAMPLE_WALL] = (char *)"wall",
    [SAMPLE_ALLOC] = (char *)"memory",
    [SAMPLE_MUTEX] = (char *)"mutex",
};

/* What the messages of one request lie in. */
struct request {
    Push__V1__LabelPair own[SAMPLE_TYPES], pairs[LABELS - 1];
    Push__V1__LabelPair *labels[SAMPLE_TYPES][LABELS];
    Push__V1__RawSample samples[SAMPLE_TYPES], *sample[SAMPLE_TYPES];
    Push__V1__RawProfileSeries series[SAMPLE_TYPES], *all[SAMPLE_TYPES];
    char ids[SAMPLE_TYPES][UUID_SIZE];
    size_t pair_count;
    struct buf texts; /* each ends with a NUL */
};

/* A random one (RFC 9562, version 4). */
static void make_uuid(char text[UUID_SIZE])
{
    static const char digits[] = "0123456789abcdef";
    unsigned char bytes[UUID_BYTES];
    size_t len = 0;

    arc4random_buf(bytes, sizeof(bytes));
    bytes[6] = (unsigned char)((bytes[6] & 0x0f) | 0x40);
    bytes[8] = (unsigned char)((bytes[8] & 0x3f) | 0x80);
    for (size_t i = 0; i < UUID_BYTES; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            text[len++] = '-';
        text[len++] = digits[bytes[i] >> 4];
        text[len++] = digits[bytes[i] & 0x0f];
    }
    text[len] = '\0';
}

static Push__V1__LabelPair pair_of(char *name, char *value)
{
    Push__V1__LabelPair pair;

    push__v1__label_pair__init(&pair);
    pair.name = name;
    pair.value = value;
    return pair;
}

static char *put_text(struct buf *texts, struct str text)
{
    char *at = texts->at + texts->len;

    buf_put_str(texts, text);
    buf_put(texts, "", 1);
    return at;
}

/* What all series have: the window is whole, so the server is not to take it for a cumulative one
 * (__delta__). */
static void put_pairs(struct request *r, const char *service, const struct labels *labels)
{
    size_t room = 0;

    r->pairs[r->pair_count++] = pair_of((char *)"service_name", (char *)service);
    r->pairs[r->pair_count++] = pair_of((char *)"__delta__", (char *)"false");
    for (size_t i = 0; i < labels->count; i++)
        room += labels->all[i].name.len + labels->all[i].value.len + 2;
    buf_extend(&r->texts, room); /* so that texts stay where they are */
    buf_clear(&r->texts);
    for (size_t i = 0; i < labels->count; i++) {
        char *name = put_text(&r->texts, labels->all[i].name);

        r->pairs[r->pair_count++] = pair_of(name, put_text(&r->texts, labels->all[i].value));
    }
}

static void put_series(struct request *r, size_t number, const struct delta *delta)
{
    Push__V1__RawProfileSeries *series = &r->series[number];
    Push__V1__RawSample *sample = &r->samples[number];

    r->own[number] = pair_of((char *)"__name__", names[delta->type]);
    r->labels[number][0] = &r->own[number];
    for (size_t i = 0; i < r->pair_count; i++)
        r->labels[number][i + 1] = &r->pairs[i];
    make_uuid(r->ids[number]);
    push__v1__raw_sample__init(sample);
    sample->raw_profile = (ProtobufCBinaryData){delta->body.len, (uint8_t *)delta->body.at};
    sample->id = r->ids[number];
    r->sample[number] = sample;
    push__v1__raw_profile_series__init(series);
    series->n_labels = r->pair_count + 1;
    series->labels = r->labels[number];
    series->n_samples = 1;
    series->samples = &r->sample[number];
    r->all[number] = series;
}

bool push_request_encode(const struct delta *deltas, size_t count, const char *service,
                         const struct labels *labels, struct buf *body, struct err *err)
{
    Push__V1__PushRequest message = PUSH__V1__PUSH_REQUEST__INIT;
    struct request r = {.pair_count = 0};
    struct buf plain = {0};

    put_pairs(&r, service, labels);
    for (size_t i = 0; i < count; i++)
        put_series(&r, i, &deltas[i]);
    message.n_series = count;
    message.series = r.all;
    size_t size = push__v1__push_request__get_packed_size(&message);
    push__v1__push_request__pack(&message, (uint8_t *)buf_extend(&plain, size));
    buf_fini(&r.texts);
    bool ok = gzip_put(buf_str(&plain), GZIP_STORED, body, err); /* profiles are gzip */
    buf_fini(&plain);
    return ok;
}
