/* pushes.h - what the collector saw in each interval, on its way to the pusher. */
/* SPDX-License-Identifier: MIT */
#pragma once

#include "base/settings.h"
#include "profile/deltas.h"
#include "wire/uploads.h"

/* For collector_start; NULL when nothing is pushed (`uploads` NULL). Both are borrowed. */
deltas_sink pushes_sink(const struct uploads *uploads, const struct settings *settings);
