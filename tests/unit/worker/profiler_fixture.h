/* profiler_fixture.h - a call whose samples are read back. */
/* SPDX-License-Identifier: MIT */
#pragma once

#include "vm_fixture.h"

#include <signal.h>

#include "base/clock.h"
#include "worker/bridge.h"
#include "worker/profiler.h"
#include "worker/safepoint.h"
#include "worker/worker.h"

enum { HEAP_BYTES = 64 * MIB, STACKS = 4096, STACK_TEXT = 2048, HZ = 1000 };

static struct switchboard board;
static struct ring_end reader;

void worker_log(const struct call *call, enum log_level level, struct str text)
{
    (void)call;
    (void)level;
    (void)text;
}

size_t worker_message_max(void)
{
    return MIB;
}

static struct seen {
    struct sample sample; /* its texts are not kept but in `stack` */
    char stack[STACK_TEXT];
} seen[STACKS];
static size_t seen_count;

static inline void put_str(char *text, struct str what)
{
    size_t len = strlen(text);

    snprintf(text + len, STACK_TEXT - len, "%.*s", STR_ARG(what));
}

static inline void read_samples(void)
{
    struct str record;

    while (ring_read(&reader, &record) == RING_RECORD) {
        struct seen *one = &seen[seen_count];

        assert_true(sample_parse(record, &one->sample));
        one->stack[0] = '\0';
        put_str(one->stack, one->sample.frames);
        put_str(one->stack, one->sample.leaf);
        if (one->sample.pc_count > 1)
            put_str(one->stack, STR("[C frames]\n"));
        seen_count += seen_count + 1 < STACKS;
        ring_consume(&reader, record);
    }
}

/* How much of a type has all of the texts in its stack; NULL: any. */
static inline uint64_t sum(enum sample_type type, const char *part, const char *other)
{
    uint64_t value = 0;

    for (size_t i = 0; i < seen_count; i++)
        if (seen[i].sample.type == type && (!part || strstr(seen[i].stack, part)) &&
            (!other || strstr(seen[i].stack, other)))
            value += seen[i].sample.value;
    return value;
}

static struct call call;

static inline void begin(const char *source)
{
    struct err err;

    seen_count = 0;
    call = (struct call){.code = code_of(source), .resumed_ns = clock_now_ns()};
    profiler_hold(&call, call.resumed_ns);
    call.vm = vm_open(call.code, HEAP_BYTES, &err);
    assert_non_null(call.vm);
    call.vm->call = &call;
    if (!bridge_begin(&call, STR("1"), STR(""), STR("{}"), &err))
        fail_msg("%s", err.text);
}

static inline void end(void)
{
    vm_close(call.vm);
    profiler_hold(NULL, clock_now_ns());
    code_drop(call.code);
    read_samples();
}

static inline int group_setup(void **state)
{
    struct err err;

    if (!switchboard_open(&board, 1, MIB, MIB, &err))
        return 1;
    const struct channel *channel = &board.channels[0];
    atomic_store(&channel->state->sampling.cpu_hz, HZ);
    atomic_store(&channel->state->sampling.wall_hz, HZ);
    atomic_store(&channel->state->sampling.lock_ns, 1);
    reader = ring_end_of(channel->samples, channel->samples_memory);
    safepoint_init(NULL);
    return vm_group_setup(state) || !profiler_init(channel, __builtin_frame_address(0));
}

static inline int group_teardown(void **state)
{
    signal(SIGPROF, SIG_IGN); /* a tick would count in what is unmapped now */
    signal(SIGVTALRM, SIG_IGN);
    switchboard_close(&board);
    return vm_group_teardown(state);
}
