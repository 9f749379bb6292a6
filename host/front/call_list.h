/* call_list.h - calls one after another; a call is in one list at a time. */
/* SPDX-License-Identifier: MIT */
#pragma once

#include <stddef.h>

struct call;

/* Zeroed is empty. Linked by call->previous and call->next. */
struct call_list {
    struct call *first, *last;
    size_t count;
};

void call_list_push_last(struct call_list *list, struct call *call);
void call_list_push_first(struct call_list *list, struct call *call);
void call_list_remove(struct call_list *list, struct call *call);
