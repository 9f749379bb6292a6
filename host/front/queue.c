/* queue.c - lines of waiting calls, and whose turn it is. */
/* SPDX-License-Identifier: MIT */
#include "front/queue.h"

#include "front/call.h"

/* The last 1/RESERVED of the room is for lines below their share. What STARTS_LEAST starts tell is
 * little, and of more than STARTS_MOST the oldest fade out. */
enum { RESERVED = 64, STARTS_LEAST = 8, STARTS_MOST = 32 };

static struct {
    struct call_list own;
    struct line *turn;
    size_t count, lines;
} q;

/* -- The round ------------------------------------------------------------------------------- */

static void enter_round(struct line *line)
{
    q.lines++;
    if (!q.turn) {
        q.turn = line->next = line->previous = line;
        return;
    }
    line->next = q.turn;
    line->previous = q.turn->previous;
    line->previous->next = line->next->previous = line;
}

static void leave_round(struct line *line)
{
    q.lines--;
    if (q.turn == line)
        q.turn = line->next == line ? NULL : line->next;
    line->previous->next = line->next;
    line->next->previous = line->previous;
    line->last_start_ns = 0;
    line->starts = 0;
}

struct line *queue_line(void)
{
    return q.turn;
}

void queue_pass(void)
{
    if (q.turn)
        q.turn = q.turn->next;
}

size_t queue_lines(void)
{
    return q.lines;
}

/* -- Calls ----------------------------------------------------------------------------------- */

static struct line *line_of(const struct call *call)
{
    return &call->order.func->line;
}

static void enter(struct line *line)
{
    q.count++;
    if (line->calls.count == 0)
        enter_round(line);
}

void queue_push(struct call *call)
{
    struct line *line = line_of(call);

    if (call->order.kind == CALL_DESCRIBE) {
        call_list_push_first(&q.own, call);
    } else if (call->order.kind != CALL_RUN) {
        call_list_push_last(&q.own, call);
    } else {
        enter(line);
        call_list_push_last(&line->calls, call);
    }
}

void queue_push_back(struct call *call)
{
    struct line *line = line_of(call);

    if (call->order.kind != CALL_RUN) {
        call_list_push_first(&q.own, call);
        return;
    }
    enter(line);
    call_list_push_first(&line->calls, call);
    q.turn = line;
}

void queue_remove(struct call *call)
{
    struct line *line = line_of(call);

    if (call->order.kind != CALL_RUN) {
        call_list_remove(&q.own, call);
        return;
    }
    q.count--;
    call_list_remove(&line->calls, call);
    if (line->calls.count == 0)
        leave_round(line);
}

static void learn(struct line *line, uint64_t now_ns)
{
    uint64_t interval = now_ns - line->last_start_ns;

    if (line->last_start_ns) {
        line->starts += line->starts < STARTS_MOST;
        line->interval_ns =
            (line->interval_ns * (line->starts - 1) + interval + line->starts / 2) / line->starts;
    }
    line->last_start_ns = now_ns;
}

void queue_take(struct call *call, uint64_t now_ns)
{
    if (call->order.kind == CALL_RUN)
        learn(line_of(call), now_ns);
    queue_remove(call);
}

struct call *queue_own(void)
{
    return q.own.first;
}

/* -- Room ------------------------------------------------------------------------------------ */

size_t queue_count(void)
{
    return q.count;
}

bool queue_has_room(const struct line *line, size_t most)
{
    size_t lines = q.lines + (line->calls.count == 0);

    return q.count < most - most / RESERVED ||
           (q.count < most && line->calls.count * lines < q.count);
}

uint64_t queue_wait_ns(const struct line *line)
{
    return line->starts < STARTS_LEAST ? 0 : line->interval_ns * (line->calls.count + 1);
}
