/* dispatch.h - calls on their way: admitted, queued, given to a worker, answered exactly once. */
/* SPDX-License-Identifier: MIT */
#pragma once

#include "base/timers.h"
#include "front/crew.h"
#include "wire/message.h"

/* What a call ended with. Texts die with the callback that gets it. */
struct reply {
    struct err err;     /* ERR_NONE: it succeeded */
    struct str json;    /* of a success: an object, as the worker wrote it: not checked */
    struct str details; /* of a failure: a traceback, or nothing */
    bool warm;
    uint64_t latency_ns; /* since it was submitted */
    uint64_t phase_ns[PHASE_COUNT];
    uint32_t pool_size; /* CALL_POOL: instances in that worker now */
};

struct call;
typedef void (*call_done)(struct call *call, void *owner, const struct reply *reply);

enum { CALL_ID_MAX = 128, CALL_ID_SIZE = CALL_ID_MAX + 32, TRACEPARENT_MAX = 128 };

/* What a call is asked to do. All borrowed; copied by dispatch_submit. */
struct order {
    enum call_kind kind;
    struct func *func;
    struct version *version; /* NULL: the func's current one, waited for while none has loaded */
    struct str params;       /* a JSON object that was checked, or empty */
    struct str call_id, traceparent;
    bool warm;
    unsigned depth;      /* how many calls it is nested in */
    uint64_t expires_ns; /* no later than this, whatever the function's own limit; 0: that alone */
    uint32_t count;      /* CALL_POOL */
    size_t slot;         /* CALL_POOL: for this worker */
};

struct batch;

/* A call from submission to reply. Fields are for dispatch and compose. */
struct call {
    struct timer timer; /* first: found from its address */
    uint64_t id;
    struct order order; /* texts point into `text` */
    struct version *version;
    uint64_t submitted_ns, started_ns, deadline_ns;
    enum call_state { CALL_LOADING, CALL_QUEUED, CALL_RUNNING, CALL_PARKED, CALL_DETACHED } state;
    struct member *member;
    uint64_t sequence; /* among the CALL messages of its worker */
    bool overdue;      /* its worker was told to end it */
    bool pooled;       /* it has a warm instance */
    call_done done;    /* NULL: nobody waits for it any more */
    void *owner;
    struct batch *children;       /* what it waits for while it is parked */
    struct call *previous, *next; /* in the queue, its func's loading list or its member */
    struct func *waits_for;
    char text[];
};

void dispatch_init(const struct settings *settings, struct timers *timers);

/* Admits a call. `done` is called once, later, from the loop; unless the call is abandoned first.
 *
 *   owns    the call is dispatch's; valid until `done` returns or it is abandoned
 *   fails   NULL: ERR_QUEUE_FULL, ERR_FUNCTION_BUSY, ERR_FUNCTION_BROKEN, ERR_DRAINING
 */
struct call *dispatch_submit(const struct order *order, call_done done, void *owner,
                             struct err *err);

/* The owner wants no reply any more. A call that has not begun is dropped. */
void dispatch_abandon(struct call *call);

/* A version of `func` has become current, or cannot be had (then `err` says why): its waiting calls
 * go on, or end. */
void dispatch_loaded(struct func *func, const struct err *err);

/* Nobody uses the version any more: workers that know it forget it. */
void dispatch_forget(struct version *version);

/* Takes what workers sent and starts what can be started. True when anything was done. */
bool dispatch_run(void);

/* The supervisor's word that a worker has died. */
void dispatch_worker_died(struct member *member, int status);

/* From now on calls are refused with ERR_DRAINING. */
void dispatch_drain(void);

/* A fresh call id into `text`. */
void dispatch_make_id(char text[CALL_ID_SIZE]);

struct dispatch_figures {
    size_t queued, live, queue_max;
};
struct dispatch_figures dispatch_figures(void);
