/* channel.c - making the memory that processes share. */
/* SPDX-License-Identifier: MIT */
#include "wire/channel.h"

#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"

/* SAMPLES of the largest kind, some hundred usual ones. */
enum { PAGE = 4096, SAMPLES = 4 };

static void *map_shared(size_t size)
{
    void *p =
        mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    return p == MAP_FAILED ? NULL : p;
}

static size_t channel_memory(const struct channel *c)
{
    return PAGE + c->to_worker_memory + c->to_front_memory + c->samples_memory;
}

static bool source_open(struct source *s)
{
    s->memory = ring_memory(SAMPLES * sample_record_max());
    char *memory = map_shared(PAGE + s->memory);
    if (!memory)
        return false;
    s->sampling = (struct sampling *)memory;
    s->samples = (struct ring *)(memory + PAGE);
    return true;
}

static void close_sources(const struct switchboard *board)
{
    for (size_t i = 0; i < OWN_SOURCES; i++)
        if (board->own[i].sampling)
            munmap(board->own[i].sampling, PAGE + board->own[i].memory);
}

static bool channel_open(struct channel *c, size_t to_worker_max, size_t to_front_max)
{
    c->to_worker_memory = ring_memory(to_worker_max);
    c->to_front_memory = ring_memory(to_front_max);
    c->samples_memory = ring_memory(SAMPLES * sample_record_max());
    char *memory = map_shared(channel_memory(c));
    if (!memory)
        return false;
    c->state = (struct channel_state *)memory;
    c->to_worker = (struct ring *)(memory + PAGE);
    c->to_front = (struct ring *)(memory + PAGE + c->to_worker_memory);
    c->samples = (struct ring *)((char *)c->to_front + c->to_front_memory);
    return true;
}

bool switchboard_open(struct switchboard *board, size_t count, size_t to_worker_max,
                      size_t to_front_max, struct err *err)
{
    *board = (struct switchboard){.wake_front = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
    board->channels = calloc(count, sizeof(*board->channels));
    board->front_bell = map_shared(PAGE);
    board->budget = map_shared(PAGE);
    bool ok = board->wake_front >= 0 && board->channels && board->front_bell && board->budget;
    for (; ok && board->count < count; board->count++)
        ok = channel_open(&board->channels[board->count], to_worker_max, to_front_max);
    for (size_t i = 0; ok && i < OWN_SOURCES; i++)
        ok = source_open(&board->own[i]);
    if (ok)
        return true;
    err_set_errno(err, "shared memory for the workers");
    switchboard_close(board);
    return false;
}

void switchboard_close(struct switchboard *board)
{
    for (size_t i = 0; board->channels && i < board->count; i++) {
        struct channel *c = &board->channels[i];

        if (c->state)
            munmap(c->state, channel_memory(c));
    }
    close_sources(board);
    if (board->front_bell)
        munmap(board->front_bell, PAGE);
    if (board->budget)
        munmap(board->budget, PAGE);
    if (board->wake_front >= 0)
        close(board->wake_front);
    free(board->channels);
    *board = (struct switchboard){.wake_front = -1};
}

void switchboard_keep(const struct switchboard *board, size_t slot)
{
    for (size_t i = 0; i < board->count; i++)
        if (i != slot)
            munmap(board->channels[i].state, channel_memory(&board->channels[i]));
    close_sources(board);
}

size_t switchboard_sources(const struct switchboard *board)
{
    return board->count + OWN_SOURCES;
}

struct source switchboard_source(const struct switchboard *board, size_t number)
{
    if (number >= board->count)
        return board->own[number - board->count];
    const struct channel *c = &board->channels[number];
    return (struct source){&c->state->sampling, c->samples, c->samples_memory};
}

uint64_t sampling_period(const struct sampling *s, enum sample_type type)
{
    if (type == SAMPLE_ALLOC)
        return atomic_load(&s->alloc_bytes);
    if (type == SAMPLE_MUTEX)
        return 0;
    uint32_t hz = atomic_load(type == SAMPLE_CPU ? &s->cpu_hz : &s->wall_hz);
    return hz ? NS_PER_S / hz : 0;
}

void channel_reset(struct channel *channel)
{
    ring_reset(channel->to_worker);
    ring_reset(channel->to_front);
    atomic_store(&channel->state->running, 0);
    atomic_store(&channel->state->cancelled, 0);
    gate_reset(&channel->state->gate);
    bell_disarm(&channel->state->bell);
}
