/* control.h - what supervisor and front, or two supervisors, say to each other, over a socket pair
 * of datagrams. */
/* SPDX-License-Identifier: MIT */
#pragma once

#include <signal.h>
#include <stdint.h>

enum control_type {
    /* supervisor to front; these three also from a supervisor to its successor */
    CONTROL_LISTEN, /* take connections; status 1: the sockets live on after this server */
    CONTROL_RETIRE, /* take no more, serve those there are until they end, then exit */
    CONTROL_DRAIN,  /* finish what runs, refuse what is new, then exit */
    /* supervisor to front */
    CONTROL_STARTED, /* worker `slot` runs as `pid` */
    CONTROL_DIED,    /* worker `slot` is gone, with `status` as of waitpid */
    /* front to supervisor; this one also from a successor to its supervisor */
    CONTROL_READY, /* the functions there are have been loaded: CONTROL_LISTEN may come */
    /* front to supervisor */
    CONTROL_RESPAWN, /* the channel of `slot` is reset: start its next worker */
    CONTROL_KILL,    /* worker `slot` is stuck: SIGKILL */
    CONTROL_LOOK,    /* worker `slot` shall look, now, whether what it runs is still wanted */
};

/* Makes a worker look what it runs, and whether that is still wanted. */
#define CONTROL_SIGNAL SIGUSR1

struct control {
    uint32_t type;
    uint32_t slot;
    int32_t pid;
    int32_t status;
    uint32_t generation; /* counts the workers of a slot, so that no late word hits the next one */
};
