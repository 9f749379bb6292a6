/* func.h - a function by its name, and the versions of its file. */
/* SPDX-License-Identifier: MIT */
#pragma once

#include <jansson.h>

#include "base/buf.h"
#include "front/logs.h"
#include "front/queue.h"
#include "observe/call_stats.h"

enum { FUNC_NAME_MAX = 64, CRASHES_MAX = 3 };

/* What is not copied when many share it: counted. */
struct blob {
    size_t refs;
    struct buf text;
};

struct func;
struct call_tally;

/* The warm instances that one worker holds of a version. */
struct pool_share {
    uint32_t size;
    uint32_t running, parked; /* calls that have one, or will when their turn comes */
    bool asked;               /* a CALL_POOL that nobody waits for is under way */
};

/* One content of a function's file; never changes once it is ready. Counted: the func holds its
 * newest good one, each call the one it began on, and the pool its own. */
struct version {
    uint64_t id; /* never used again */
    struct func *func;
    size_t refs;
    char *source;
    size_t source_len;
    struct blob *modules; /* as message_put_module wrote them */
    json_t *description;  /* what the file declares; NULL until a worker has loaded it */
    uint64_t timeout_ms;
    size_t memory_bytes;
    uint32_t max_concurrency;         /* 0: unlimited */
    uint64_t cost_ns;                 /* what a call of it holds a worker for; 0: not known */
    uint32_t *known;                  /* by worker slot: the generation that was sent the source */
    struct pool_share *pool;          /* by worker slot; NULL without a pool */
    uint64_t crashed_ns[CRASHES_MAX]; /* when it last crashed its worker, oldest first */
    bool quarantined;
};

struct func {
    char name[FUNC_NAME_MAX + 1];
    size_t refs;             /* the registry's one, and one of each version */
    struct version *current; /* serves calls; NULL: none has loaded yet */
    struct version *loading; /* the newest text, on its way through a worker */
    uint64_t number;         /* the current version's number, 1 and up, for people */
    char *path;              /* of the newest text */
    char *error;             /* why the newest text does not load; NULL: it does */
    uint64_t loaded_ms;      /* wall clock, of the current version */
    bool removed;            /* its file is gone */
    uint32_t in_flight;
    uint32_t running;     /* calls that workers have, and that are not parked */
    struct line line;     /* calls that wait for a worker */
    uint32_t pool_target; /* warm instances asked for */
    uint64_t pool_hits, pool_misses;
    struct call_stats stats;
    struct call_tally
        *tally;       /* of its calls, for profiles; NULL: none has ended yet. The collector's */
    struct logs logs; /* none once it is removed */
    uint64_t file_serial, modules_serial; /* which file content the newest text is */
};

/* [a-z0-9][a-z0-9_-]{0,63} */
bool func_name_is_valid(struct str name);

/* A func that the registry is about to hold. */
struct func *func_open(struct str name);
void func_unref(struct func *func);

/* A line of a call of it, of now. */
void func_log(struct func *func, enum log_level level, struct str call_id, struct str traceparent,
              struct str text);

/* A version of `func` with copies of the texts; `modules` gets a reference. */
struct version *version_open(struct func *func, struct str source, struct blob *modules,
                             size_t workers);
struct version *version_ref(struct version *version);
void version_unref(struct version *version);

struct blob *blob_open(void);
struct blob *blob_ref(struct blob *blob);
void blob_unref(struct blob *blob);

/* The newest content is unusable: it crashed its worker too often. Records one more crash and
 * tells whether that made it so. */
bool version_crashed(struct version *version, uint64_t now_ns);

/* Has it crashed its worker within the last minute? */
bool version_is_suspect(const struct version *version, uint64_t now_ns);
