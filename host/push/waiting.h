/* waiting.h - uploads that wait, oldest first, within a bound. */
/* SPDX-License-Identifier: MIT */
#pragma once

#include "wire/uploads.h"

enum { WAITING_MAX = 8 };

struct waiting_upload {
    struct upload upload;
    unsigned tries; /* that failed */
};

/* Zeroed is empty. */
struct waiting {
    struct waiting_upload all[WAITING_MAX];
    size_t count;
};

/* Puts one in as the last. True when the oldest had to go for it: `gone` is the caller's then. */
bool waiting_put(struct waiting *w, const struct upload *upload, struct waiting_upload *gone);

/* Puts one that was taken in as the first again. False when there is no room. */
bool waiting_put_back(struct waiting *w, const struct waiting_upload *one);

/* Takes the oldest. False when there is none. */
bool waiting_take(struct waiting *w, struct waiting_upload *one);
