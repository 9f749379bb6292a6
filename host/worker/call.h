/* call.h - a call inside its worker, from the message that brings it to the one that ends it. */
/* SPDX-License-Identifier: MIT */
#pragma once

#include "base/buf.h"
#include "base/pace.h"
#include "base/timers.h"
#include "worker/vm.h"

/* What a parked call waits for; set by ctx functions, acted on once its coroutine has yielded. */
enum call_wait { WAIT_NONE, WAIT_TIME, WAIT_CHILDREN };

struct call {
    struct timer timer; /* WAIT_TIME */
    uint64_t id;
    uint64_t deadline_ns;
    struct code *code;
    struct vm *vm;
    enum pace pace;
    bool warm, parked;
    enum call_wait wait;
    lua_State *parked_in; /* the coroutine that waits: vm->thread, or one that it resumed */
    uint64_t wake_ns;     /* WAIT_TIME */
    bool all;             /* WAIT_CHILDREN: the caller gets a list */
    struct buf children;  /* WAIT_CHILDREN: JSON [[function, params], ...] */
    uint64_t began_ns, deployed_ns;
    struct call *next_parked, **before_parked; /* in the list of parked.c */
    uint64_t parked_ns;  /* since when it is parked, as far as profiler_parked has not counted */
    uint64_t resumed_ns; /* since when it holds the worker, */
    uint64_t held_ns;    /* and how long it did before that */
};
