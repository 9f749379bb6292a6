/* message.h - what front and worker say to each other: one record each, checked when parsed. */
/* SPDX-License-Identifier: MIT */
#pragma once

#include "wire/ring.h"

enum message_type {
    /* front to worker */
    MESSAGE_CODE,   /* a func version's source: texts name, source, modules */
    MESSAGE_FORGET, /* a func version is gone: its pool is closed, its bytecode dropped */
    MESSAGE_CALL,   /* texts call id, traceparent, params */
    MESSAGE_RESULT, /* what a parked call waits for: text JSON */
    MESSAGE_CANCEL, /* a parked call is to end */
    MESSAGE_OPEN,   /* the calls before it were taken back: go on with those behind it */
    /* worker to front */
    MESSAGE_DONE,   /* a call has ended: text JSON of its result, or those of message_text */
    MESSAGE_PARKED, /* a call sleeps or waits: the worker is free for another */
    MESSAGE_INVOKE, /* a parked call's children: text JSON [[function, params], ...] */
    MESSAGE_LOG,    /* a line that a function logged: text */
    MESSAGE_TYPES
};

enum call_kind {
    CALL_RUN,      /* params in, result out */
    CALL_DESCRIBE, /* load the function and tell what it declares */
    CALL_POOL,     /* make the pool of this version `count` instances */
    CALL_KINDS
};

/* Texts of a DONE that tells of an error: its sentence, a traceback, and what the function chose:
 * details as JSON, a word for the code, the name of the child whose error it passes on. */
enum message_text {
    MESSAGE_SENTENCE,
    MESSAGE_TRACEBACK,
    MESSAGE_DETAILS,
    MESSAGE_WORD,
    MESSAGE_CHILD,
    MESSAGE_TEXTS
};

/* MESSAGE_EXTRA: what a message has beside its main text: head, ids, an error's traceback. */
enum { MESSAGE_DESCRIPTION_MAX = 256 << 10, MESSAGE_EXTRA = 64 << 10 };

struct message {
    uint32_t type;
    uint32_t code;    /* CALL: call_kind; DONE, RESULT, CANCEL: err_code; LOG: log_level;
                         OPEN: closing */
    uint64_t call;    /* the front's number of the call; never used again */
    uint64_t version; /* CODE, FORGET, CALL: the func version */
    union {
        struct {
            uint64_t deadline_ns; /* RUN: clock_now_ns */
            uint64_t limit_ns;    /* DESCRIBE, POOL: from when it begins */
            uint64_t memory_bytes;
            uint32_t warm;  /* RUN: take a pooled instance if one is idle */
            uint32_t quick; /* it is expected to be: see ahead.h */
            uint32_t count; /* POOL: the instances there shall be */
        } call_of;
        struct {
            uint64_t began_ns; /* clock_now_ns */
            uint64_t deploy_ns, exec_ns, undeploy_ns;
            uint64_t held_ns;    /* that its worker was busy with it: not parked */
            uint64_t peak_bytes; /* of its heap, what it loaded included */
            uint32_t warm;       /* a pooled instance serves it; PARKED and INVOKE have this too */
            uint32_t count;      /* POOL: the instances there are */
            uint32_t status;     /* of an error: the HTTP status that the function chose; 0: none */
        } done;
    };
    uint32_t text_len[MESSAGE_TEXTS];
};

/* False when the ring has no room now. `texts` are MESSAGE_TEXTS; unused ones are empty. */
bool message_write(struct ring_end *writer, struct message *m, const struct str *texts);

/* Fills `m` with a copy and points `texts` into `record`. False when the record is no message:
 * lengths that do not add up, or a type, kind or error code out of range. */
bool message_parse(struct str record, struct message *m, struct str *texts);

/* Names and texts one after the other, each with its length: the modules of a CODE message. */
struct buf;
void message_put_module(struct buf *b, struct str name, struct str text);

/* Takes the next module off `*rest`. False at the end, where nothing is left, or where the lengths
 * do not add up: then the rest stays as it is. */
bool message_next_module(struct str *rest, struct str *name, struct str *text);
