/* clocks.h - the monotonic clocks that a test of times runs with. */
/* SPDX-License-Identifier: MIT */
#pragma once

#include "base/clock.h"

/* Of a machine that boots just now, that has booted two seconds ago, and 400 days ago. */
static const uint64_t clocks_ns[] = {50 * NS_PER_MS, 2 * NS_PER_S, 400 * 24 * 3600 * NS_PER_S};
