/* pprof.c - a selection of samples as the messages of profile.proto. */
/* SPDX-License-Identifier: MIT */
#include "profile/pprof.h"

#include "profile.pb-c.h"
#include "profile/gzip.h"
#include "profile/select.h"

enum { CHUNK = 64 << 10, ALIGN = 16, LABELS = 2, VALUES = 2, MAPPING = 1 };

struct kind {
    const char *name, *unit;
};

static const struct {
    struct kind samples[VALUES]; /* without the first: the value alone */
    struct kind period;
    int64_t usual_period; /* ns or bytes */
} types[SAMPLE_TYPES] = {
    [SAMPLE_CPU] = {{{"samples", "count"}, {"cpu", "nanoseconds"}},
                    {"cpu", "nanoseconds"},
                    10000000},
    [SAMPLE_WALL] = {{{NULL, NULL}, {"wall", "nanoseconds"}}, {"wall", "nanoseconds"}, 10000000},
    [SAMPLE_ALLOC] = {{{"alloc_objects", "count"}, {"alloc_space", "bytes"}},
                      {"space", "bytes"},
                      524288},
    [SAMPLE_MUTEX] = {{{"contentions", "count"}, {"delay", "nanoseconds"}},
                      {"contentions", "count"},
                      1},
};

static const char *const starts[SAMPLE_STARTS] = {
    [START_NONE] = NULL, [START_COLD] = "cold", [START_WARM] = "warm"};

struct labels {
    Perftools__Profiles__Label *all[LABELS];
    size_t count;
};

/* What a profile is built in; all messages lie in `chunks` and die with it. */
struct encoder {
    struct table *table;
    const struct pprof_query *query;
    struct selection selection;
    struct buf chunks;      /* struct buf each, never enlarged */
    struct buf texts;       /* char * each */
    struct buf text_number; /* uint32_t each, by text of the table; 0: not in `texts` yet */
    struct index by_function;
    Perftools__Profiles__Profile profile;
};

static struct buf *last_chunk(const struct encoder *e)
{
    return (struct buf *)e->chunks.at + e->chunks.len / sizeof(struct buf) - 1;
}

static void *take(struct encoder *e, size_t size)
{
    size_t rounded = (size + ALIGN - 1) / ALIGN * ALIGN;

    if (!e->chunks.len || last_chunk(e)->room - last_chunk(e)->len < rounded) {
        struct buf chunk = {0};

        buf_extend(&chunk, rounded < CHUNK ? CHUNK : rounded);
        chunk.len = 0;
        buf_put(&e->chunks, &chunk, sizeof(chunk));
    }
    return memset(buf_extend(last_chunk(e), rounded), 0, rounded);
}

/* -- Texts --------------------------------------------------------------------------------------
 */

static uint32_t put_text(struct encoder *e, const char *text)
{
    buf_put(&e->texts, (const void *)&text, sizeof(text));
    return (uint32_t)(e->texts.len / sizeof(text) - 1);
}

static uint32_t text_of(struct encoder *e, uint32_t text)
{
    uint32_t *number = (uint32_t *)e->text_number.at + text;
    struct str it = table_text(e->table, text);

    if (it.len && !*number)
        *number = put_text(e, it.at);
    return *number; /* the empty one comes first */
}

static Perftools__Profiles__ValueType *kind_of(struct encoder *e, struct kind kind)
{
    Perftools__Profiles__ValueType *type = take(e, sizeof(*type));

    perftools__profiles__value_type__init(type);
    type->type = put_text(e, kind.name);
    type->unit = put_text(e, kind.unit);
    return type;
}

/* -- Frames -------------------------------------------------------------------------------------
 */

static uint64_t function_of(struct encoder *e, const struct frame *frame)
{
    Perftools__Profiles__Profile *p = &e->profile;
    const int64_t name = text_of(e, frame->name), file = text_of(e, frame->file);
    uint32_t hash = index_hash((const int64_t[]){name, file}, 2 * sizeof(name)), i;
    size_t at = 0;

    while ((i = index_next(&e->by_function, hash, &at)) != INDEX_NONE)
        if (p->function[i]->name == name && p->function[i]->filename == file)
            return p->function[i]->id;
    index_add(&e->by_function, hash, (uint32_t)p->n_function);
    Perftools__Profiles__Function *f = take(e, sizeof(*f));
    perftools__profiles__function__init(f);
    p->function[p->n_function++] = f;
    f->id = p->n_function;
    f->name = name;
    f->filename = file;
    return f->id;
}

/* A location's id is its frame's number, from 1 on. */
static void put_location(struct encoder *e, uint32_t frame)
{
    struct {
        Perftools__Profiles__Location location;
        Perftools__Profiles__Line line, *lines;
    } *it = take(e, sizeof(*it));

    perftools__profiles__location__init(&it->location);
    perftools__profiles__line__init(&it->line);
    it->lines = &it->line;
    it->location.id = (uint64_t)frame + 1;
    it->location.mapping_id = MAPPING;
    it->location.n_line = 1;
    it->location.line = &it->lines;
    it->line.line = table_frame(e->table, frame)->line;
    it->line.function_id = function_of(e, table_frame(e->table, frame));
    e->profile.location[e->profile.n_location++] = &it->location;
}

static void put_locations(struct encoder *e)
{
    const struct buf *has = &e->selection.has_frame;
    size_t count = 0;

    for (size_t i = 0; i < has->len; i++)
        count += (size_t)has->at[i];
    e->profile.location = take(e, count * sizeof(*e->profile.location));
    e->profile.function = take(e, count * sizeof(*e->profile.function));
    for (size_t i = 0; i < has->len; i++)
        if (has->at[i])
            put_location(e, (uint32_t)i);
}

/* -- Samples ------------------------------------------------------------------------------------
 */

static void put_label(struct encoder *e, struct labels *labels, uint32_t key, uint32_t text)
{
    Perftools__Profiles__Label *label = take(e, sizeof(*label));

    perftools__profiles__label__init(label);
    label->key = key;
    label->str = text;
    labels->all[labels->count++] = label;
}

/* One `struct labels` a group. */
static struct labels *put_labels(struct encoder *e)
{
    const struct selected_group *groups = (const struct selected_group *)e->selection.groups.at;
    size_t count = e->selection.groups.len / sizeof(*groups);
    struct labels *labels = take(e, count * sizeof(*labels));
    uint32_t function = put_text(e, "function"), start = put_text(e, "start");
    uint32_t start_texts[SAMPLE_STARTS] = {0};

    for (int i = 0; i < SAMPLE_STARTS; i++)
        if (starts[i])
            start_texts[i] = put_text(e, starts[i]);
    for (size_t i = 0; i < count; i++) {
        uint32_t name = text_of(e, groups[i].function);

        if (name)
            put_label(e, &labels[i], function, name);
        if (start_texts[groups[i].start])
            put_label(e, &labels[i], start, start_texts[groups[i].start]);
    }
    return labels;
}

static void put_sample(struct encoder *e, uint32_t stack, const struct amount *amount,
                       struct labels *labels)
{
    struct {
        Perftools__Profiles__Sample sample;
        int64_t values[VALUES];
    } *it = take(e, sizeof(*it));
    size_t skipped = VALUES - e->profile.n_sample_type;
    uint32_t count;
    const uint32_t *frames = table_stack(e->table, stack, &count);

    perftools__profiles__sample__init(&it->sample);
    it->values[0] = (int64_t)amount->count;
    it->values[1] = (int64_t)amount->value;
    it->sample.value = it->values + skipped;
    it->sample.n_value = e->profile.n_sample_type;
    it->sample.n_label = labels->count;
    it->sample.label = labels->all;
    it->sample.location_id = take(e, count * sizeof(*it->sample.location_id));
    while (count)
        it->sample.location_id[it->sample.n_location_id++] = (uint64_t)frames[--count] + 1;
    e->profile.sample[e->profile.n_sample++] = &it->sample;
}

static void put_samples(struct encoder *e)
{
    const struct selection *s = &e->selection;
    const struct selected_row *rows = (const struct selected_row *)s->rows.at;
    const struct selected_group *groups = (const struct selected_group *)s->groups.at;
    size_t count = s->groups.len / sizeof(*groups);
    struct labels *labels = put_labels(e);

    e->profile.sample = take(e, (s->kept + count) * sizeof(*e->profile.sample));
    for (size_t i = 0; i < s->kept; i++)
        put_sample(e, rows[i].stack, &rows[i].amount, &labels[rows[i].group]);
    for (size_t i = 0; i < count; i++)
        if (groups[i].other.count || groups[i].other.value)
            put_sample(e, TABLE_OTHER, &groups[i].other, &labels[i]);
}

/* -- The whole ----------------------------------------------------------------------------------
 */

static void put_head(struct encoder *e)
{
    Perftools__Profiles__Profile *p = &e->profile;

    p->sample_type = take(e, VALUES * sizeof(*p->sample_type));
    for (size_t i = 0; i < VALUES; i++)
        if (types[e->query->type].samples[i].name)
            p->sample_type[p->n_sample_type++] = kind_of(e, types[e->query->type].samples[i]);
    p->period_type = kind_of(e, types[e->query->type].period);
    p->period = e->query->period ? (int64_t)e->query->period : types[e->query->type].usual_period;
    p->default_sample_type = p->sample_type[p->n_sample_type - 1]->type;
    p->time_nanos = (int64_t)e->query->time_ns;
    p->duration_nanos = (int64_t)e->query->duration_ns;
    p->mapping = take(e, sizeof(*p->mapping));
    p->mapping[0] = take(e, sizeof(**p->mapping));
    p->n_mapping = 1;
    perftools__profiles__mapping__init(p->mapping[0]);
    p->mapping[0]->id = MAPPING;
    p->mapping[0]->filename = put_text(e, "faas-server");
    p->mapping[0]->has_functions = true;
    p->mapping[0]->has_filenames = true;
    p->mapping[0]->has_line_numbers = true;
}

static void encoder_fini(struct encoder *e)
{
    for (size_t i = 0; i < e->chunks.len / sizeof(struct buf); i++)
        buf_fini((struct buf *)e->chunks.at + i);
    buf_fini(&e->chunks);
    buf_fini(&e->texts);
    buf_fini(&e->text_number);
    index_fini(&e->by_function);
    select_fini(&e->selection);
}

bool pprof_encode(struct table *t, const struct pprof_query *query, struct buf *body,
                  struct err *err)
{
    struct encoder e = {.table = t, .query = query};
    struct buf plain = {0};
    size_t numbers = table_texts(t) * sizeof(uint32_t);

    perftools__profiles__profile__init(&e.profile);
    memset(buf_extend(&e.text_number, numbers), 0, numbers);
    put_text(&e, "");
    select_rows(&e.selection, t, query);
    put_head(&e);
    put_locations(&e);
    put_samples(&e);
    e.profile.n_string_table = e.texts.len / sizeof(char *);
    e.profile.string_table = (char **)e.texts.at;
    size_t size = perftools__profiles__profile__get_packed_size(&e.profile);
    perftools__profiles__profile__pack(&e.profile, (uint8_t *)buf_extend(&plain, size));
    encoder_fini(&e);
    bool ok = gzip_put(buf_str(&plain), GZIP_FAST, body, err);
    buf_fini(&plain);
    return ok;
}
