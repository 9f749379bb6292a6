/* sample_fuzz.c - any bytes as records of a worker, added up, encoded and read back. */
/* SPDX-License-Identifier: MIT */
#include "fuzz.h"

#include <zlib.h>

#include "base/err.h"
#include "profile.pb-c.h"
#include "profile/pprof.h"
#include "profile/symbols.h"

/* Each record is a length of two bytes and so many bytes, as far as there are any. */
static void add_records(struct table *t, const uint8_t *data, size_t size)
{
    struct sample sample;
    uint16_t len;

    for (; size >= sizeof(len); data += len, size -= len) {
        memcpy(&len, data, sizeof(len));
        data += sizeof(len);
        size -= sizeof(len);
        if (len > size)
            len = (uint16_t)size;
        char *copy = fuzz_copy(data, len);
        if (sample_parse((struct str){copy, len}, &sample))
            table_add(t, &sample);
        free(copy);
    }
}

static void expect_clean_texts(const struct table *t)
{
    for (uint32_t i = 0; i < table_texts(t); i++) {
        struct str text = table_text(t, i);

        MUST(str_utf8_prefix(text) == text.len && strlen(text.at) == text.len);
        for (size_t j = 0; j < text.len; j++)
            MUST((unsigned char)text.at[j] >= 0x20 && text.at[j] != 0x7F);
    }
}

static Perftools__Profiles__Profile *read_back(struct str body)
{
    static uint8_t plain[PPROF_BYTES_MAX];
    z_stream z = {.next_in = (Bytef *)body.at,
                  .avail_in = (uInt)body.len,
                  .next_out = plain,
                  .avail_out = sizeof(plain)};

    MUST(inflateInit2(&z, 15 + 16) == Z_OK);
    MUST(inflate(&z, Z_FINISH) == Z_STREAM_END);
    inflateEnd(&z);
    return perftools__profiles__profile__unpack(NULL, sizeof(plain) - z.avail_out, plain);
}

static void expect_nothing_lost(struct table *t, enum sample_type type)
{
    struct amount in_table = {0}, in_profile = {0};
    struct buf body = {0};
    struct err err;

    MUST(pprof_encode(t, &(struct pprof_query){.type = type}, &body, &err));
    Perftools__Profiles__Profile *p = read_back(buf_str(&body));
    MUST(p);
    for (size_t i = 0; i < table_entries(t); i++)
        if (table_entry(t, i)->type == type)
            amount_add(&in_table, table_entry(t, i)->amount);
    for (size_t i = 0; i < p->n_sample; i++) {
        MUST(p->sample[i]->n_value == p->n_sample_type && p->sample[i]->n_location_id);
        amount_add(&in_profile,
                   (struct amount){.value = (uint64_t)p->sample[i]->value[p->n_sample_type - 1]});
    }
    MUST(in_profile.value == in_table.value);
    perftools__profiles__profile__free_unpacked(p, NULL);
    buf_fini(&body);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct symbols symbols;
    static bool is_open;
    struct table table;

    if (!is_open)
        symbols_init(&symbols);
    is_open = true;
    table_init(&table, &symbols);
    add_records(&table, data, size);
    expect_clean_texts(&table);
    expect_nothing_lost(&table, size ? (enum sample_type)(data[size - 1] % SAMPLE_TYPES) : 0);
    table_fini(&table);
    return 0;
}
