/* queue.h - calls that wait for a worker: the server's own first, then functions in turn. */
/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "front/call_list.h"

/* The waiting calls of one function, and how fast they get on. Lives in its func; zeroed is empty.
 */
struct line {
    struct line *previous, *next; /* in the round of lines that are not empty */
    struct call_list calls;
    uint64_t last_start_ns; /* 0: the line was empty since */
    uint64_t interval_ns;   /* between two starts, on average */
    unsigned starts;        /* that the average is of */
};

/* Puts a call at the end of its line, or of the server's own; what is to be loaded comes first, for
 * calls may wait for what it brings. */
void queue_push(struct call *call);

/* Puts a call back that was taken out: it is the next one. */
void queue_push_back(struct call *call);
void queue_remove(struct call *call);

/* The call is given to a worker at `now_ns`: removes it, and learns how fast its line gets on. */
void queue_take(struct call *call, uint64_t now_ns);

/* The first of the server's own calls, linked to the others; the line whose turn it is, linked to
 * itself or the others in a circle. NULL: there is none. */
struct call *queue_own(void);
struct line *queue_line(void);

/* Now it is another line's turn. */
void queue_pass(void);

size_t queue_count(void); /* calls that clients or functions asked for */
size_t queue_lines(void);

/* May one more call wait in this line, when `most` calls may wait in all? Near the end of the room
 * only in lines that have less than their share. */
bool queue_has_room(const struct line *line, size_t most);

/* How long one more call of this line would probably wait, in ns; 0: too little is known. */
uint64_t queue_wait_ns(const struct line *line);
