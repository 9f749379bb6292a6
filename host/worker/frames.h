/* frames.h - stacks of C and of Lua code, as samples carry them. */
/* SPDX-License-Identifier: MIT */
#pragma once

#include <luajit-2.1/lua.h>
#include <ucontext.h>

#include "base/walk.h"
#include "native.h"
#include "wire/sample.h"
#include "worker/call.h"
#include "worker/profiler.h"

/* Where a signal came: C frames, innermost first. In a native they end at it. */
struct frames_at {
    uint64_t pcs[WALK_PCS];
    uint32_t count;
    lua_CFunction native; /* which ran; NULL: none */
};

/* Once in a worker: where its code is. Stacks end below `frame`. */
void frames_init(const void *frame);

/* For a signal's handler. */
void frames_note(struct frames_at *at, const ucontext_t *context);

/* The whole stack into `sample`: worker, function, phase, the Lua frames of `L` (NULL: none), and
 * those of `at`. It must be safe to look at `L`: at a safepoint, in a C function, or parked. Texts
 * lie in memory that the next call of this overwrites. */
void frames_put(struct sample *sample, const struct call *call, enum phase phase, lua_State *L,
                const struct frames_at *at);
