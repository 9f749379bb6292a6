/* decode.h - a gzip pprof, read back. */
/* SPDX-License-Identifier: MIT */
#pragma once

#include "unzip.h"

#include "profile.pb-c.h"

struct decoded {
    Perftools__Profiles__Profile *profile;
    size_t bytes; /* before gzip */
};

static inline struct decoded decode(struct str body)
{
    struct buf plain = {0};

    unzip(body, &plain);
    struct decoded d = {.bytes = plain.len};
    d.profile = perftools__profiles__profile__unpack(NULL, d.bytes, (uint8_t *)plain.at);
    assert_non_null(d.profile);
    buf_fini(&plain);
    return d;
}

static inline void decoded_fini(struct decoded *d)
{
    perftools__profiles__profile__free_unpacked(d->profile, NULL);
}

static inline const char *decoded_text(const struct decoded *d, int64_t number)
{
    assert_in_range(number, 0, d->profile->n_string_table - 1);
    return d->profile->string_table[number];
}

static inline const Perftools__Profiles__Location *location_by_id(const struct decoded *d,
                                                                  uint64_t id)
{
    for (size_t i = 0; i < d->profile->n_location; i++)
        if (d->profile->location[i]->id == id)
            return d->profile->location[i];
    fail_msg("no location %llu", (unsigned long long)id);
    return NULL;
}

/* "leaf@file:line;root key=value 1 2", into `text`. */
static inline void decoded_sample(const struct decoded *d, size_t number, struct buf *text)
{
    const Perftools__Profiles__Sample *s = d->profile->sample[number];

    buf_clear(text);
    for (size_t i = 0; i < s->n_location_id; i++) {
        const Perftools__Profiles__Location *l = location_by_id(d, s->location_id[i]);
        assert_int_equal(l->n_line, 1);
        /* expect_sound has seen that their ids are their places */
        const Perftools__Profiles__Function *f = d->profile->function[l->line[0]->function_id - 1];

        buf_format(text, "%s%s", i ? ";" : "", decoded_text(d, f->name));
        if (f->filename || l->line[0]->line)
            buf_format(text, "@%s:%lld", decoded_text(d, f->filename), (long long)l->line[0]->line);
    }
    for (size_t i = 0; i < s->n_label; i++)
        buf_format(text, " %s=%s", decoded_text(d, s->label[i]->key),
                   decoded_text(d, s->label[i]->str));
    for (size_t i = 0; i < s->n_value; i++)
        buf_format(text, " %lld", (long long)s->value[i]);
    buf_put(text, "", 1);
}

static inline uint64_t decoded_total(const struct decoded *d)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < d->profile->n_sample; i++)
        sum += (uint64_t)d->profile->sample[i]->value[d->profile->sample[i]->n_value - 1];
    return sum;
}

/* What every reader of pprof asks for: ids that are there once and are not 0, places of texts. */
static inline void expect_sound(const struct decoded *d)
{
    const Perftools__Profiles__Profile *p = d->profile;

    assert_string_equal(decoded_text(d, 0), "");
    assert_int_equal(p->n_mapping, 1);
    for (size_t i = 0; i < p->n_function; i++) {
        assert_int_equal(p->function[i]->id, i + 1);
        decoded_text(d, p->function[i]->name);
        decoded_text(d, p->function[i]->filename);
    }
    for (size_t i = 0; i < p->n_location; i++) {
        assert_int_not_equal(p->location[i]->id, 0);
        assert_true(i == 0 || p->location[i]->id > p->location[i - 1]->id);
        assert_int_equal(p->location[i]->mapping_id, p->mapping[0]->id);
        assert_in_range(p->location[i]->line[0]->function_id, 1, p->n_function);
    }
    for (size_t i = 0; i < p->n_sample; i++) {
        assert_int_equal(p->sample[i]->n_value, p->n_sample_type);
        assert_in_range(p->sample[i]->n_location_id, 1, 256);
        assert_in_range(p->sample[i]->n_label, 0, 2);
    }
    for (size_t i = 0; i < p->n_string_table; i++) {
        struct str text = str_of(p->string_table[i]);
        assert_int_equal(str_utf8_prefix(text), text.len);
    }
}
