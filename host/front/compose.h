/* compose.h - several calls as one: side by side, one after the other, and a function's own. */
/* SPDX-License-Identifier: MIT */
#pragma once

#include "front/dispatch.h"

/* What all calls of one request share. Texts are borrowed for the time of the function called. */
struct request {
    struct str call_id, traceparent;
    bool warm;
    uint64_t expires_ns; /* 0: none */
};

void compose_init(const struct settings *settings);

/* Calls side by side; children of a call or of a burst. Abandoned as a whole. */
struct batch;
void compose_abandon(struct batch *batch); /* NULL is fine */

/* What several calls took together, and whether all of them started warm. */
struct timing {
    uint64_t phase_ns[PHASE_COUNT];
    uint64_t peak_bytes; /* of the one that had most */
    size_t calls, warm;
};

/* A burst: `count` calls of `func` with the same parameters. `done` gets the whole reply. */
typedef void (*burst_done)(void *owner, struct str json, const struct timing *timing);
struct batch *compose_burst(struct func *func, size_t count, struct str params,
                            const struct request *request, burst_done done, void *owner);

/* Calls in sequence, each one's result the parameters of the next. */
struct chain;
typedef void (*chain_done)(void *owner, int status, struct str json, const struct timing *timing);

/* `body` is {"chain":[name, ...],"params":{...}}. Starts the first step.
 *
 *   owns    the chain is compose's, until `done` returns or it is abandoned
 *   fails   NULL: ERR_BAD_JSON, ERR_BAD_REQUEST, ERR_BAD_PARAMS, ERR_UNKNOWN_FUNCTION and all that
 *           dispatch_submit refuses with; then no step has run
 */
struct chain *compose_chain(struct str body, const struct request *request, chain_done done,
                            void *owner, struct err *err);
void compose_chain_abandon(struct chain *chain);

void timing_add(struct timing *timing, const struct reply *reply);

/* How many bytes of results one request may bring together. */
size_t compose_bytes_max(void);

/* The children that the parked `call` asks for; it is sent their results. */
void compose_children(struct call *call, struct str list);
