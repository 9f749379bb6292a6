/* bridge_fixture.h - calls of function texts, from parameters to result, without a worker. */
/* SPDX-License-Identifier: MIT */
#pragma once

#include "vm_fixture.h"

#include "base/clock.h"
#include "worker/bridge.h"
#include "worker/safepoint.h"
#include "worker/traceback.h"
#include "worker/worker.h"

/* In place of the worker's: its loop is not linked in. */
static struct buf logged;

void worker_log(const struct call *call, enum log_level level, struct str text)
{
    (void)call;
    buf_format(&logged, "%d:%.*s\n", (int)level, STR_ARG(text));
}

size_t worker_message_max(void)
{
    return 4096;
}

/* -- A call ---------------------------------------------------------------------------------- */

struct run {
    struct call call;
    struct buf out;
    struct raised raised;
    struct err err;
    enum bridge_step step;
    bool ok; /* there is a result, in `out` */
};

static inline void run_step(struct run *r, int arguments)
{
    r->step = bridge_run(&r->call, arguments, &r->raised, &r->err);
    if (r->step == STEP_ENDED)
        r->ok = bridge_result(&r->call, 1000, &r->out, &r->raised, &r->err);
}

/* Runs `source` until it ends, fails or parks; run_end frees it. */
static inline struct run *run_begin(const char *source, const char *params, size_t limit)
{
    static struct run run;
    struct run *r = &run;

    *r = (struct run){.call = {.id = 1, .deadline_ns = clock_now_ns() + 60 * NS_PER_S}};
    buf_clear(&logged);
    r->call.code = code_of(source);
    r->call.vm = vm_open(r->call.code, limit, &r->err);
    r->step = STEP_FAILED;
    if (!r->call.vm)
        return r;
    r->call.vm->call = &r->call;
    if (bridge_begin(&r->call, STR("call-1"), STR(""), str_of(params), &r->err))
        run_step(r, BRIDGE_ARGUMENTS);
    return r;
}

static inline void run_end(struct run *r)
{
    vm_close(r->call.vm);
    code_drop(r->call.code);
    buf_fini(&r->out);
    buf_fini(&r->raised.details);
    buf_fini(&r->call.children);
}

static inline bool is_text(const struct buf *b, const char *text)
{
    return str_equal(buf_str(b), str_of(text));
}
