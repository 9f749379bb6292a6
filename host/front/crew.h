/* crew.h - the workers as the front sees them: their rings, what they know, what they serve. */
/* SPDX-License-Identifier: MIT */
#pragma once

#include "base/settings.h"
#include "base/timers.h"
#include "front/func.h"
#include "wire/channel.h"
#include "wire/message.h"

struct call;

struct member {
    struct timer look; /* first: found from its address; see ahead.h */
    size_t slot;
    uint32_t generation; /* of the worker in this slot */
    int32_t pid;         /* 0 until the supervisor has told */
    const struct channel *channel;
    struct ring_end in, out;
    struct call *calls; /* those it has, linked */
    size_t running;     /* of those: not parked */
    size_t slow;        /* of those that run: not expected to be quick */
    size_t parked;
    uint64_t backlog_ns;           /* what those that run will probably take together */
    uint64_t sent;                 /* CALL messages so far, as its gate counts them */
    uint64_t seen;                 /* how many it had begun at the last look, */
    uint64_t goal, goal_by_ns;     /* and how many it shall have begun by when */
    bool unheard;                  /* was sent messages that it may sleep through */
    bool dying;                    /* is being killed */
    bool nonsense;                 /* because it wrote what no worker writes */
    struct outgoing *first, *last; /* messages the ring had no room for, in order */
};

struct crew {
    struct member *members;
    size_t count;
    size_t busy; /* members that run calls */
    uint64_t restarts;
    const struct switchboard *board;
};

extern struct crew crew;

/* Once, before anything else of the front; `control` is the socket to the supervisor. */
void crew_init(const struct switchboard *board, int control);

/* Sends a message; when the ring is full it waits in order until crew_flush finds room. The worker
 * is woken by crew_flush too, once for all that it was sent: it would run in place of the front. */
void crew_send(struct member *member, struct message *m, const struct str *texts);

/* Sends what waits and wakes who was sent something; true when some still waits, so that the loop
 * comes back soon. */
bool crew_flush(void);

/* Sends the source of a version to a worker that does not have it yet. */
void crew_teach(struct member *member, struct version *version);

/* Takes what workers have sent to `take`, a bounded part from each, which gets copies that die with
 * the call. A worker that sent nonsense is killed. True when there was any: come back. */
bool crew_drain(void (*take)(struct member *, const struct message *, const struct str *));

/* All that a worker sent before it died. */
void crew_drain_dead(struct member *member,
                     void (*take)(struct member *, const struct message *, const struct str *));

/* Before the front waits, and after. */
bool crew_may_sleep(void);
void crew_woken(void);

/* Ends what the worker runs, if that is this call. */
void crew_cancel(struct member *member, uint64_t call);

/* If the worker runs this call, whose deadline has passed, makes it look at the time. */
void crew_hurry(struct member *member, uint64_t call);

/* Ends a stuck worker; CONTROL_DIED follows. */
void crew_kill(struct member *member);

/* The worker of this slot is gone: what it had is dealt with. Starts the next one. */
void crew_respawn(struct member *member);
