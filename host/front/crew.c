/* crew.c - talking to workers. */
/* SPDX-License-Identifier: MIT */
#include "front/crew.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "wire/control.h"

struct outgoing {
    struct outgoing *next;
    struct message message;
    struct str texts[MESSAGE_TEXTS];
    char bytes[];
};

/* How much of one worker's messages is taken before the others have their turn. */
enum { DRAIN_RECORDS = 64, DRAIN_BYTES = 1 << 20 };

/* The supervisor always reads; its socket is full for moments only. */
enum { TELL_TRIES = 50, TELL_WAIT_MS = 20 };

struct crew crew;
static int control_fd;

static void tell_supervisor(uint32_t type, const struct member *m)
{
    struct control c = {
        .type = type, .slot = (uint32_t)m->slot, .pid = m->pid, .generation = m->generation};

    struct pollfd socket = {.fd = control_fd, .events = POLLOUT};

    for (int i = 0; i < TELL_TRIES; i++) {
        ssize_t sent = send(control_fd, &c, sizeof(c), MSG_NOSIGNAL);

        if (sent == sizeof(c))
            return;
        if (sent >= 0 || (errno != EAGAIN && errno != EINTR))
            break;
        poll(&socket, 1, TELL_WAIT_MS);
    }
    log_line(LOG_ERROR, "the supervisor does not listen worker=%zu", m->slot);
}

static void begin(struct member *m)
{
    m->in = ring_end_of(m->channel->to_front, m->channel->to_front_memory);
    m->out = ring_end_of(m->channel->to_worker, m->channel->to_worker_memory);
}

void crew_init(const struct switchboard *board, int control)
{
    crew = (struct crew){.count = board->count, .board = board};
    crew.members = calloc(crew.count, sizeof(*crew.members));
    if (!crew.members)
        abort();
    control_fd = control;
    for (size_t i = 0; i < crew.count; i++) {
        crew.members[i] =
            (struct member){.slot = i, .generation = 1, .channel = &board->channels[i]};
        begin(&crew.members[i]);
    }
}

/* -- Sending --------------------------------------------------------------------------------- */

static bool write_now(struct member *m, struct message *message, const struct str *texts)
{
    if (!message_write(&m->out, message, texts))
        return false;
    m->unheard = true;
    return true;
}

static void keep_for_later(struct member *m, const struct message *message, const struct str *texts)
{
    size_t bytes = 0;

    for (int i = 0; i < MESSAGE_TEXTS; i++)
        bytes += texts[i].len;
    struct outgoing *o = malloc(sizeof(*o) + bytes);
    if (!o)
        abort();
    *o = (struct outgoing){.message = *message};
    char *to = o->bytes;
    for (int i = 0; i < MESSAGE_TEXTS; i++) {
        o->texts[i] = (struct str){to, texts[i].len};
        if (texts[i].len)
            memcpy(to, texts[i].at, texts[i].len);
        to += texts[i].len;
    }
    if (m->last)
        m->last->next = o;
    else
        m->first = o;
    m->last = o;
}

void crew_send(struct member *member, struct message *m, const struct str *texts)
{
    if (member->first || !write_now(member, m, texts))
        keep_for_later(member, m, texts);
}

static void drop_first(struct member *m)
{
    struct outgoing *o = m->first;

    m->first = o->next;
    if (!m->first)
        m->last = NULL;
    free(o);
}

bool crew_flush(void)
{
    bool waiting = false;

    for (size_t i = 0; i < crew.count; i++) {
        struct member *m = &crew.members[i];

        while (m->first && write_now(m, &m->first->message, m->first->texts))
            drop_first(m);
        waiting |= m->first != NULL;
        if (m->unheard)
            bell_wake(&m->channel->state->bell);
        m->unheard = false;
    }
    return waiting;
}

void crew_teach(struct member *member, struct version *version)
{
    struct message m = {.type = MESSAGE_CODE, .version = version->id};

    if (version->known[member->slot] == member->generation)
        return;
    version->known[member->slot] = member->generation;
    crew_send(member, &m,
              (struct str[MESSAGE_TEXTS]){str_of(version->func->name),
                                          {version->source, version->source_len},
                                          buf_str(&version->modules->text)});
}

/* -- Receiving ------------------------------------------------------------------------------- */

/* A worker's memory may change under the reader: a record is copied before it is looked at. */
static enum ring_state take_record(struct member *m, struct buf *copy)
{
    struct str record;
    enum ring_state state = ring_read(&m->in, &record);

    if (state != RING_RECORD)
        return state;
    buf_clear(copy);
    buf_put_str(copy, record);
    ring_consume(&m->in, record);
    return RING_RECORD;
}

static bool drain(struct member *m, size_t records, size_t bytes,
                  void (*take)(struct member *, const struct message *, const struct str *))
{
    static struct buf copy;
    struct str texts[MESSAGE_TEXTS];
    struct message message;
    enum ring_state state;
    bool any = false;

    while (!m->dying && records-- && (state = take_record(m, &copy)) != RING_EMPTY) {
        any = true;
        if (copy.len >= bytes)
            records = 0;
        bytes -= copy.len;
        if (state == RING_RECORD && message_parse(buf_str(&copy), &message, texts)) {
            take(m, &message, texts);
            continue;
        }
        log_line(LOG_ERROR, "worker wrote nonsense and is ended worker=%zu pid=%d", m->slot,
                 m->pid);
        m->nonsense = true;
        crew_kill(m);
    }
    if (copy.room > DRAIN_BYTES)
        buf_fini(&copy);
    return any;
}

void crew_drain_dead(struct member *m,
                     void (*take)(struct member *, const struct message *, const struct str *))
{
    drain(m, SIZE_MAX, SIZE_MAX, take);
}

bool crew_drain(void (*take)(struct member *, const struct message *, const struct str *))
{
    bool any = false;

    for (size_t i = 0; i < crew.count; i++)
        any |= drain(&crew.members[i], DRAIN_RECORDS, DRAIN_BYTES, take);
    return any;
}

bool crew_may_sleep(void)
{
    bell_arm(crew.board->front_bell);
    for (size_t i = 0; i < crew.count; i++)
        if (!crew.members[i].dying && !ring_is_empty(&crew.members[i].in))
            return false;
    return true;
}

void crew_woken(void)
{
    bell_disarm(crew.board->front_bell);
}

/* -- Life and death -------------------------------------------------------------------------- */

void crew_cancel(struct member *member, uint64_t call)
{
    struct channel_state *state = member->channel->state;

    if (member->dying || atomic_load(&state->running) != call)
        return;
    atomic_store(&state->cancelled, call);
    tell_supervisor(CONTROL_LOOK, member);
}

void crew_hurry(struct member *member, uint64_t call)
{
    if (!member->dying && atomic_load(&member->channel->state->running) == call)
        tell_supervisor(CONTROL_LOOK, member);
}

void crew_kill(struct member *member)
{
    if (member->dying)
        return;
    member->dying = true;
    tell_supervisor(CONTROL_KILL, member);
}

void crew_respawn(struct member *member)
{
    while (member->first)
        drop_first(member);
    channel_reset((struct channel *)member->channel);
    budget_reset(crew.board->budget, member->slot);
    begin(member);
    member->pid = 0;
    member->sent = member->goal = 0;
    crew.busy -= member->running > 0;
    member->running = 0;
    member->parked = 0;
    member->backlog_ns = 0;
    member->slow = 0;
    member->dying = false;
    member->nonsense = false;
    member->generation++;
    crew.restarts++;
    tell_supervisor(CONTROL_RESPAWN, member);
}
