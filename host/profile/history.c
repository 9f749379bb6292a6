/* history.c - windows as lists of what changed. */
/* SPDX-License-Identifier: MIT */
#include "profile/history.h"

#include <assert.h>
#include <stdlib.h>

#include "base/clock.h"

/* -- Numbers ------------------------------------------------------------------------------------
 * Seven bits a byte, the lowest first; all but the last byte have the eighth.
 */

static void put_number(struct buf *b, uint64_t number)
{
    unsigned char byte;

    do {
        byte = (unsigned char)((number & 0x7F) | (number > 0x7F ? 0x80 : 0));
        buf_put(b, &byte, 1);
        number >>= 7;
    } while (number);
}

static uint64_t take_number(const unsigned char **at)
{
    uint64_t number = 0;
    unsigned shift = 0;

    do {
        number |= (uint64_t)(**at & 0x7F) << shift;
        shift += 7;
    } while (*(*at)++ & 0x80);
    return number;
}

/* -- What there is ------------------------------------------------------------------------------
 */

static uint64_t *number_at(const struct buf *b, size_t i)
{
    return (uint64_t *)b->at + i;
}

/* 0 where `b` has no such number yet. */
static uint64_t number_or_0(const struct buf *b, size_t i)
{
    return i < b->len / sizeof(uint64_t) ? *number_at(b, i) : 0;
}

static void grow(struct buf *b, size_t count)
{
    size_t len = count * sizeof(uint64_t);

    if (len > b->len) {
        size_t more = len - b->len;

        memset(buf_extend(b, more), 0, more);
    }
}

static uint64_t value_of(const struct history *h, size_t entry)
{
    return table_entry(h->table, entry)->amount.value;
}

static uint64_t ended_of(const struct history *h, size_t i)
{
    return tallies_ended(h->tallies, (uint32_t)(i / SAMPLE_STARTS),
                         (enum sample_start)(i % SAMPLE_STARTS));
}

/* One of the two lists of numbers, as it is now and as it was when the window began. */
struct list {
    size_t count;
    uint64_t (*now)(const struct history *h, size_t i);
    const struct buf *before;
};

static struct list values_of(const struct history *h)
{
    return (struct list){table_entries(h->table), value_of, &h->values};
}

static struct list calls_of(const struct history *h)
{
    return (struct list){(size_t)tallies_used(h->tallies) * SAMPLE_STARTS, ended_of, &h->ended};
}

/* -- Windows ------------------------------------------------------------------------------------
 */

/* Pairs of numbers: how many are left out, and by how much the next one has grown. A pair of zeros
 * ends the list, for nothing grows by 0. Each is read once, for calls end meanwhile: those that
 * this window has not are in the next. */
static void pack(struct history *h, struct list list, struct buf *before)
{
    size_t next = 0;

    grow(before, list.count);
    for (size_t i = 0; i < list.count; i++) {
        uint64_t now = list.now(h, i), more = now - *number_at(before, i);

        if (!more)
            continue;
        put_number(&h->packed, i - next);
        put_number(&h->packed, more);
        *number_at(before, i) = now;
        next = i + 1;
    }
    put_number(&h->packed, 0);
    put_number(&h->packed, 0);
}

static void unpack(const unsigned char **at, struct buf *sums)
{
    size_t next = 0;

    for (;;) {
        size_t i = next + take_number(at);
        uint64_t more = take_number(at);

        if (!more)
            return;
        *number_at(sums, i) += more;
        next = i + 1;
    }
}

static struct history_window *window_at(const struct history *h, size_t i)
{
    return (struct history_window *)&h->windows[(h->first + i) % HISTORY_WINDOWS_MAX];
}

static void forget_oldest(struct history *h)
{
    struct history_window *w = window_at(h, 0);

    h->kept_ns = w->to_ns;
    h->bytes -= w->len;
    free(w->data);
    *w = (struct history_window){0};
    h->first = (h->first + 1) % HISTORY_WINDOWS_MAX;
    h->count--;
}

static void keep(struct history *h, uint64_t now_ns)
{
    assert(h->count < HISTORY_WINDOWS_MAX); /* older ones were forgotten by their age */
    buf_clear(&h->packed);
    pack(h, values_of(h), &h->values);
    pack(h, calls_of(h), &h->ended);
    struct history_window *w = window_at(h, h->count++);
    *w = (struct history_window){h->from_ns, now_ns, malloc(h->packed.len), h->packed.len};
    if (!w->data)
        abort(); /* the supervisor starts the next front */
    memcpy(w->data, h->packed.at, w->len);
    h->bytes += w->len;
    h->samples = h->table->samples;
}

static bool any_came(const struct history *h)
{
    struct list calls = calls_of(h);

    for (size_t i = 0; i < calls.count; i++)
        if (ended_of(h, i) != number_or_0(&h->ended, i))
            return true;
    return h->table->samples != h->samples;
}

void history_turn(struct history *h, uint64_t now_ns)
{
    if (now_ns < h->from_ns + HISTORY_WINDOW_S * NS_PER_S)
        return;
    if (any_came(h))
        keep(h, now_ns);
    h->from_ns = now_ns;
    while (h->count && (window_at(h, 0)->to_ns + HISTORY_S * NS_PER_S <= now_ns ||
                        history_bytes(h) > HISTORY_BYTES_MAX))
        forget_oldest(h);
}

/* -- Ranges -------------------------------------------------------------------------------------
 */

static void add_list(const struct history *h, struct list list, struct buf *sums)
{
    for (size_t i = 0; i < list.count; i++)
        *number_at(sums, i) += list.now(h, i) - number_or_0(list.before, i);
}

/* The numbers of both are taken once: there may be one more tally soon. */
void history_add_up(const struct history *h, uint64_t since_ns, struct history_sum *sum)
{
    struct list values = values_of(h), calls = calls_of(h);

    sum->from_ns = since_ns > h->kept_ns ? since_ns : h->kept_ns;
    if (sum->from_ns > h->from_ns)
        sum->from_ns = h->from_ns;
    grow(&sum->values, values.count);
    grow(&sum->ended, calls.count);
    for (size_t i = 0; i < h->count; i++) {
        const struct history_window *w = window_at(h, i);
        const unsigned char *at = w->data;

        if (w->to_ns <= since_ns)
            continue;
        if (w->from_ns < sum->from_ns)
            sum->from_ns = w->from_ns;
        unpack(&at, &sum->values);
        unpack(&at, &sum->ended);
    }
    add_list(h, values, &sum->values);
    add_list(h, calls, &sum->ended);
}

void history_sum_fini(struct history_sum *sum)
{
    buf_fini(&sum->values);
    buf_fini(&sum->ended);
}

uint64_t history_calls(const struct history *h, const struct history_sum *sum, struct str function,
                       enum sample_start start)
{
    uint64_t calls = 0;

    for (size_t i = 0; i < sum->ended.len / sizeof(uint64_t); i++) {
        const struct call_tally *tally = &h->tallies->all[i / SAMPLE_STARTS];

        if ((!function.len || str_equal(function, str_of(tally->name))) &&
            (start == START_NONE || start == i % SAMPLE_STARTS))
            calls += *number_at(&sum->ended, i);
    }
    return calls;
}

/* -- The whole ----------------------------------------------------------------------------------
 */

void history_init(struct history *h, const struct table *table, const struct tallies *tallies,
                  uint64_t now_ns)
{
    *h = (struct history){.table = table, .tallies = tallies, .kept_ns = now_ns, .from_ns = now_ns};
}

void history_fini(struct history *h)
{
    while (h->count)
        forget_oldest(h);
    buf_fini(&h->values);
    buf_fini(&h->ended);
    buf_fini(&h->packed);
}

size_t history_bytes(const struct history *h)
{
    return h->bytes + h->values.room + h->ended.room + h->packed.room;
}
