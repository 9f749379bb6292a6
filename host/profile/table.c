/* table.c - texts, frames and stacks that are kept once, and entries that count. */
/* SPDX-License-Identifier: MIT */
#include "profile/table.h"

#include "profile/symbols.h"

const char table_other_function[] = "__other__";

struct text {
    uint32_t at, len;
};

struct stack {
    uint32_t first, count; /* in stack_frames */
};

/* A stack as it came, known by its hash alone: that two have one of 64 bits is no matter. */
struct seen {
    uint64_t key;
    uint32_t stack_and_1; /* 0: free */
};

enum { SEEN = 4096 };

/* Made by table_init, in this order. */
enum { TEXT_NONE, TEXT_OTHER, TEXT_OTHER_FUNCTION, TEXT_MIDDLE, TEXT_UNKNOWN, OWN_TEXTS };
enum { FRAME_OTHER, FRAME_MIDDLE, FRAME_UNKNOWN };

/* The names of functions always find room. */
enum {
    FUNCTION_TEXT = SAMPLE_NAME_MAX + 1 + sizeof(struct text),
    FRAME_TEXT_MAX = TABLE_TEXT_MAX - TABLE_FUNCTIONS_MAX * FUNCTION_TEXT
};

/* -- What is kept -------------------------------------------------------------------------------
 */

size_t table_entries(const struct table *t)
{
    return t->entries.len / sizeof(struct entry);
}

static struct entry *entry_at(const struct table *t, size_t entry)
{
    return (struct entry *)t->entries.at + entry;
}

const struct entry *table_entry(const struct table *t, size_t entry)
{
    return entry_at(t, entry);
}

size_t table_frames(const struct table *t)
{
    return t->frames.len / sizeof(struct frame);
}

const struct frame *table_frame(const struct table *t, uint32_t frame)
{
    return (const struct frame *)t->frames.at + frame;
}

size_t table_texts(const struct table *t)
{
    return t->texts.len / sizeof(struct text);
}

struct str table_text(const struct table *t, uint32_t text)
{
    const struct text *it = (const struct text *)t->texts.at + text;

    return (struct str){t->text.at + it->at, it->len};
}

const uint32_t *table_stack(const struct table *t, uint32_t stack, uint32_t *count)
{
    const struct stack *it = (const struct stack *)t->stacks.at + stack;

    *count = it->count;
    return (const uint32_t *)t->stack_frames.at + it->first;
}

/* -- Texts --------------------------------------------------------------------------------------
 */

/* C1: what stands for control characters of eight bits, and some terminals take as such. */
static bool is_c1(const char *at, size_t left)
{
    return left > 1 && (unsigned char)at[0] == 0xC2 && (unsigned char)at[1] < 0xA0;
}

static bool is_plain(struct str text)
{
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)text.at[i] < 0x20 || (unsigned char)text.at[i] >= 0x7F)
            return false;
    return true;
}

/* Dies with the next text, or the one given. */
static struct str clean(struct table *t, struct str text)
{
    if (is_plain(text))
        return text;
    buf_clear(&t->clean);
    buf_put_str(&t->clean, text);
    char *at = t->clean.at;
    for (size_t i = 0; i < text.len; i++) {
        i += str_utf8_prefix((struct str){at + i, text.len - i});
        if (i < text.len)
            at[i] = '?';
    }
    for (size_t i = 0; i < text.len; i++) {
        if (is_c1(at + i, text.len - i))
            at[i] = at[i + 1] = '?';
        else if ((unsigned char)at[i] < 0x20 || at[i] == 0x7F)
            at[i] = '?';
    }
    return (struct str){at, text.len};
}

static uint32_t find_text(const struct table *t, uint32_t hash, struct str text)
{
    size_t at = 0;
    uint32_t i;

    while ((i = index_next(&t->by_text, hash, &at)) != INDEX_NONE)
        if (str_equal(table_text(t, i), text))
            break;
    return i;
}

uint32_t table_find_text(struct table *t, struct str text)
{
    struct str it = clean(t, text);

    return find_text(t, index_hash(it.at, it.len), it);
}

/* INDEX_NONE when it would be past `bytes_max`. */
static uint32_t keep_text(struct table *t, struct str text, size_t bytes_max)
{
    struct str it = clean(t, text);
    uint32_t hash = index_hash(it.at, it.len), number = find_text(t, hash, it);
    const struct text new = {(uint32_t)t->text.len, (uint32_t)it.len};

    if (number != INDEX_NONE)
        return number;
    if (t->text.len + it.len + 1 + t->texts.len + sizeof(new) > bytes_max)
        return INDEX_NONE;
    number = (uint32_t)table_texts(t);
    buf_put_str(&t->text, it);
    buf_put(&t->text, "", 1);
    buf_put(&t->texts, &new, sizeof(new));
    index_add(&t->by_text, hash, number);
    return number;
}

static uint32_t function_of(struct table *t, struct str name)
{
    bool is_full = t->functions == TABLE_FUNCTIONS_MAX;
    uint32_t text = keep_text(t, name, is_full ? 0 : TABLE_TEXT_MAX), i;
    uint32_t hash = index_hash(&text, sizeof(text));
    size_t at = 0;

    if (text == TEXT_NONE)
        return text;
    while ((i = index_next(&t->by_function, hash, &at)) != INDEX_NONE)
        if (i == text)
            return text;
    if (is_full)
        return TEXT_OTHER_FUNCTION;
    index_add(&t->by_function, hash, text);
    t->functions++;
    return text;
}

/* -- Stacks -------------------------------------------------------------------------------------
 */

/* Once no entry is left, nothing is kept that only an entry would need. */
static bool is_full(const struct table *t)
{
    return t->own_entries == TABLE_ENTRIES_MAX;
}

static uint32_t keep_frame(struct table *t, struct frame frame)
{
    uint32_t hash = index_hash(&frame, sizeof(frame)), number;
    size_t at = 0;

    while ((number = index_next(&t->by_frame, hash, &at)) != INDEX_NONE)
        if (memcmp(table_frame(t, number), &frame, sizeof(frame)) == 0)
            return number;
    if (is_full(t) || table_frames(t) == TABLE_FRAMES_MAX)
        return INDEX_NONE;
    number = (uint32_t)table_frames(t);
    buf_put(&t->frames, &frame, sizeof(frame));
    index_add(&t->by_frame, hash, number);
    return number;
}

static uint32_t keep_frame_of(struct table *t, struct str name, struct str file, uint32_t line)
{
    size_t bytes_max = is_full(t) ? 0 : FRAME_TEXT_MAX;
    struct frame frame = {.name = keep_text(t, name, bytes_max), .line = line};

    if (frame.name == INDEX_NONE || (frame.file = keep_text(t, file, bytes_max)) == INDEX_NONE)
        return INDEX_NONE;
    return keep_frame(t, frame);
}

static uint32_t keep_stack(struct table *t, const uint32_t *frames, uint32_t count)
{
    const struct stack new = {(uint32_t)(t->stack_frames.len / sizeof(*frames)), count};
    uint32_t hash = index_hash(frames, count * sizeof(*frames)), number, its_count;
    size_t at = 0;

    while ((number = index_next(&t->by_stack, hash, &at)) != INDEX_NONE) {
        const uint32_t *its = table_stack(t, number, &its_count);

        if (its_count == count && memcmp(its, frames, count * sizeof(*frames)) == 0)
            return number;
    }
    if (is_full(t) || new.first + count > TABLE_STACK_FRAMES_MAX)
        return INDEX_NONE;
    number = (uint32_t)(t->stacks.len / sizeof(new));
    buf_put(&t->stack_frames, frames, count * sizeof(*frames));
    buf_put(&t->stacks, &new, sizeof(new));
    index_add(&t->by_stack, hash, number);
    return number;
}

/* -- Samples ------------------------------------------------------------------------------------
 */

/* A stack while it is built. Of `left_out` frames, from the middle on, nothing is kept. */
struct walk {
    uint32_t frames[TABLE_DEPTH_MAX], count;
    size_t seen, left_out;
    bool is_past_bound;
};

/* Is it the turn of a frame that is to be kept? */
static bool is_wanted(struct walk *w)
{
    size_t place = w->seen++;

    if (w->is_past_bound)
        return false;
    if (!w->left_out || place < TABLE_DEPTH_MAX / 2)
        return true;
    if (place == TABLE_DEPTH_MAX / 2)
        w->frames[w->count++] = FRAME_MIDDLE;
    return place >= TABLE_DEPTH_MAX / 2 + w->left_out;
}

static void put_frame(struct walk *w, uint32_t frame)
{
    w->is_past_bound = frame == INDEX_NONE;
    if (!w->is_past_bound)
        w->frames[w->count++] = frame;
}

static void put_line(struct table *t, struct walk *w, struct str line)
{
    struct str name = str_cut(&line, '\t'), file = str_cut(&line, '\t');
    int64_t number = 0;

    if (!is_wanted(w))
        return;
    str_to_int64(line, 0, INT32_MAX, &number);
    put_frame(w, keep_frame_of(t, name, file, (uint32_t)number));
}

/* The next line that is not empty. */
static bool next_line(struct str *rest, struct str *line)
{
    do
        *line = str_cut(rest, '\n');
    while (!line->len && rest->len);
    return line->len > 0;
}

static size_t depth(const struct sample *s)
{
    size_t count = s->pc_count + (s->leaf.len > 0);
    struct str rest = s->frames, line;

    while (next_line(&rest, &line))
        count++;
    return count;
}

static uint32_t walk_stack(struct table *t, const struct sample *s)
{
    size_t count = depth(s);
    struct walk w = {.left_out = count > TABLE_DEPTH_MAX ? count - TABLE_DEPTH_MAX + 1 : 0};
    struct str rest = s->frames, line;

    while (next_line(&rest, &line))
        put_line(t, &w, line);
    for (uint32_t i = 0; i < s->pc_count; i++) {
        /* A return address may already be the next function's. */
        uint64_t address = s->pcs[i] - (i + 1 < s->pc_count);

        if (is_wanted(&w))
            put_frame(&w, keep_frame_of(t, symbols_name(t->symbols, address), STR(""), 0));
    }
    if (s->leaf.len)
        put_line(t, &w, s->leaf);
    if (!count)
        put_frame(&w, FRAME_UNKNOWN);
    return w.is_past_bound ? INDEX_NONE : keep_stack(t, w.frames, w.count);
}

/* Most stacks come again and again, and need not be walked then. */
static uint32_t stack_of(struct table *t, const struct sample *s)
{
    const uint64_t parts[] = {index_hash64(s->frames.at, s->frames.len),
                              index_hash64(s->pcs, s->pc_count * sizeof(*s->pcs)),
                              index_hash64(s->leaf.at, s->leaf.len)};
    uint64_t key = index_hash64(parts, sizeof(parts));
    struct seen *seen = (struct seen *)t->seen.at + key % SEEN;

    if (seen->stack_and_1 && seen->key == key)
        return seen->stack_and_1 - 1;
    uint32_t stack = walk_stack(t, s);
    if (stack != INDEX_NONE)
        *seen = (struct seen){key, stack + 1};
    return stack;
}

static bool is_same(const struct entry *a, const struct entry *b)
{
    return a->stack == b->stack && a->function == b->function && a->type == b->type &&
           a->start == b->start;
}

/* NULL when it would be past the bound. */
static struct entry *keep_entry(struct table *t, struct entry key)
{
    uint32_t hash = index_hash(&key, offsetof(struct entry, amount)), number;
    size_t at = 0;

    while ((number = index_next(&t->by_entry, hash, &at)) != INDEX_NONE)
        if (is_same(entry_at(t, number), &key))
            return entry_at(t, number);
    if (key.stack != TABLE_OTHER) {
        if (is_full(t))
            return NULL;
        t->own_entries++;
    }
    number = (uint32_t)table_entries(t);
    buf_put(&t->entries, &key, sizeof(key));
    index_add(&t->by_entry, hash, number);
    return entry_at(t, number);
}

static uint64_t sum(uint64_t a, uint64_t b)
{
    return b > INT64_MAX - a ? INT64_MAX : a + b;
}

void amount_add(struct amount *to, struct amount more)
{
    to->count = sum(to->count, more.count);
    to->value = sum(to->value, more.value);
}

void table_add(struct table *t, const struct sample *s)
{
    struct entry key = {.type = s->type, .start = s->start};

    key.function = function_of(t, s->function);
    key.stack = stack_of(t, s);
    struct entry *entry = key.stack == INDEX_NONE ? NULL : keep_entry(t, key);
    if (!entry) {
        key.stack = TABLE_OTHER;
        entry = keep_entry(t, key);
        t->folded++;
    }
    amount_add(&entry->amount, (struct amount){s->count, s->value});
    t->samples++;
}

void table_snapshot(const struct table *t, struct buf *amounts)
{
    buf_clear(amounts);
    for (size_t i = 0; i < table_entries(t); i++)
        buf_put(amounts, &table_entry(t, i)->amount, sizeof(struct amount));
}

struct amount table_since(const struct table *t, size_t entry, const struct buf *amounts)
{
    const struct amount *then = amounts ? (const struct amount *)amounts->at : NULL;
    struct amount now = table_entry(t, entry)->amount;

    if (!then || entry >= amounts->len / sizeof(*then))
        return now;
    return (struct amount){now.count - then[entry].count, now.value - then[entry].value};
}

/* -- The whole ----------------------------------------------------------------------------------
 */

void table_init(struct table *t, struct symbols *symbols)
{
    static const char *const texts[OWN_TEXTS] = {"", "[other]", table_other_function, "[...]",
                                                 "[unknown]"};
    static const uint32_t names[] = {TEXT_OTHER, TEXT_MIDDLE, TEXT_UNKNOWN};

    *t = (struct table){.symbols = symbols};
    memset(buf_extend(&t->seen, SEEN * sizeof(struct seen)), 0, SEEN * sizeof(struct seen));
    for (size_t i = 0; i < OWN_TEXTS; i++)
        keep_text(t, str_of(texts[i]), TABLE_TEXT_MAX);
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
        keep_frame(t, (struct frame){.name = names[i]});
    keep_stack(t, (const uint32_t[]){FRAME_OTHER}, 1);
}

void table_fini(struct table *t)
{
    struct buf *bufs[] = {&t->text,   &t->texts,   &t->frames, &t->stack_frames,
                          &t->stacks, &t->entries, &t->clean,  &t->seen};
    struct index *indices[] = {&t->by_text, &t->by_frame, &t->by_stack, &t->by_entry,
                               &t->by_function};

    for (size_t i = 0; i < sizeof(bufs) / sizeof(*bufs); i++)
        buf_fini(bufs[i]);
    for (size_t i = 0; i < sizeof(indices) / sizeof(*indices); i++)
        index_fini(indices[i]);
}

uint64_t table_bytes(const struct table *t)
{
    return t->text.room + t->texts.room + t->frames.room + t->stack_frames.room + t->stacks.room +
           t->entries.room + t->clean.room + t->seen.room + t->by_text.slots.room +
           t->by_frame.slots.room + t->by_stack.slots.room + t->by_entry.slots.room +
           t->by_function.slots.room;
}
