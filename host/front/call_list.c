/* call_list.c - linking calls. */
/* SPDX-License-Identifier: MIT */
#include "front/call_list.h"

#include "front/call.h"

void call_list_push_last(struct call_list *list, struct call *call)
{
    call->next = NULL;
    call->previous = list->last;
    *(list->last ? &list->last->next : &list->first) = call;
    list->last = call;
    list->count++;
}

void call_list_push_first(struct call_list *list, struct call *call)
{
    call->previous = NULL;
    call->next = list->first;
    *(list->first ? &list->first->previous : &list->last) = call;
    list->first = call;
    list->count++;
}

void call_list_remove(struct call_list *list, struct call *call)
{
    *(call->previous ? &call->previous->next : &list->first) = call->next;
    *(call->next ? &call->next->previous : &list->last) = call->previous;
    list->count--;
}
