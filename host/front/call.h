/* call.h - a call in the front, from admission to its one reply. */
/* SPDX-License-Identifier: MIT */
#pragma once

#include "base/timers.h"
#include "front/crew.h"
#include "front/failure.h"
#include "wire/message.h"

/* What a call ended with. Texts die with the callback that gets it. */
struct reply {
    struct err err;         /* ERR_NONE: it succeeded */
    struct str json;        /* of a success: an object, as the worker wrote it: not checked */
    struct failure failure; /* says nothing of a success */
    bool warm;
    uint64_t latency_ns; /* since it was submitted */
    uint64_t phase_ns[PHASE_COUNT];
    uint64_t peak_bytes; /* of its heap, as its worker says; 0: it had none */
    uint32_t pool_size;  /* of its version in its worker, now */
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
    bool continues;      /* part of a request that was admitted before */
    uint64_t expires_ns; /* no later than this, whatever the function's own limit; 0: that alone */
    size_t slot;         /* CALL_POOL: for this worker, */
    uint32_t count;      /* which shall have so many instances; pools_order sets it */
    uint32_t before;     /* and had so many */
};

struct batch;

/* A call from submission to reply. Fields are for dispatch and compose. */
struct call {
    struct timer timer; /* first: found from its address */
    uint64_t id;
    struct order order; /* texts point into `text` */
    struct version *version;
    uint64_t submitted_ns, deadline_ns;
    uint64_t started_ns; /* given to a worker, */
    uint64_t began_ns;   /* and taken by it; as far as is known */
    enum call_state { CALL_LOADING, CALL_QUEUED, CALL_RUNNING, CALL_PARKED, CALL_DETACHED } state;
    struct member *member;
    uint64_t sequence;   /* among the CALL messages of its worker */
    uint64_t cost_ns;    /* that it was expected to hold its worker for */
    bool alone;          /* waited behind another already: only for an idle worker */
    bool overdue;        /* its worker was told to end it */
    bool wants_instance; /* a warm one, and it is not known yet whether it got it */
    bool pooled;         /* it has a warm instance, or is expected to */
    unsigned retries;    /* given to a worker again, after one was killed under it */
    call_done done;      /* NULL: nobody waits for it any more */
    void *owner;
    struct batch *children;       /* what it waits for while it is parked */
    struct call *previous, *next; /* in the queue, its func's loading list or its member */
    char text[];
};

/* Once, before the first call. */
void call_init(struct timers *timers);

/* True when no more calls can be made. */
bool call_slots_are_full(void);

/* A call with copies of the order's texts and a number of its own. */
struct call *call_open(const struct order *order, call_done done, void *owner);

/* Frees it, and abandons its children; it is in no list. */
void call_close(struct call *call);

/* The live call that `member` has under this number, or NULL: a worker may say any number. */
struct call *call_find(const struct member *member, uint64_t id);

/* Counts the call and tells its owner, the first time. Fills the reply's times in. */
void call_answer(struct call *call, struct reply *reply);

void call_join(struct call *call, struct member *member); /* running there from now on */
void call_park(struct call *call);
void call_unpark(struct call *call); /* it was sent what it waited for */
void call_leave(struct call *call);  /* its member has it no more */

/* Has its worker taken it off the ring? For calls that are with a member. */
bool call_has_begun(const struct call *call);

/* Answered already, but its worker still has it. */
void call_detach(struct call *call);

/* Calls that were opened and not closed. */
size_t call_count(void);

/* Puts a fresh call id. */
void call_make_id(struct buf *id);
