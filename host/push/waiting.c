/* waiting.c - a short list, moved up when its first is taken. */
/* SPDX-License-Identifier: MIT */
#include "push/waiting.h"

#include <string.h>

bool waiting_put(struct waiting *w, const struct upload *upload, struct waiting_upload *gone)
{
    bool full = w->count == WAITING_MAX;

    if (full)
        waiting_take(w, gone);
    w->all[w->count++] = (struct waiting_upload){.upload = *upload};
    return full;
}

bool waiting_put_back(struct waiting *w, const struct waiting_upload *one)
{
    if (w->count == WAITING_MAX)
        return false;
    memmove(w->all + 1, w->all, w->count++ * sizeof(*w->all));
    w->all[0] = *one;
    return true;
}

bool waiting_take(struct waiting *w, struct waiting_upload *one)
{
    if (!w->count)
        return false;
    *one = w->all[0];
    memmove(w->all, w->all + 1, --w->count * sizeof(*w->all));
    return true;
}
