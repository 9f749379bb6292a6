/* family.c - forking a front and workers, and forking anew those that die. */
/* SPDX-License-Identifier: MIT */
#include "supervise/family.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/pace.h"
#include "base/push_secrets.h"
#include "base/tokens.h"
#include "supervise/board.h"
#include "supervise/child.h"
#include "supervise/supervisor.h"
#include "supervise/walls.h"
#include "wire/ticker.h"

enum { DRAIN_EXTRA_MS = 5000 };

static struct {
    const struct origin *origin;
    struct switchboard board;
    struct ticker ticker;       /* the supervisor's */
    struct uploads uploads;     /* of the pusher, without which there are none */
    int control, front_control; /* both ends of the socket pair with the front; -1: closed */
    struct child front, pusher;
    struct child *workers;
    uint64_t end_by_ns; /* 0: not ending */
    bool listens, shared, ready;
    pid_t supervisor;
    bool is_child;
    int status; /* of a child */
} f = {.uploads = {-1, -1, NULL}, .control = -1, .front_control = -1};

/* -- Children -------------------------------------------------------------------------------- */

/* Signals from a terminal or a service manager reach the whole group; only the supervisor acts. */
static void become_child(const char *name)
{
    f.is_child = true;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != f.supervisor)
        _exit(1); /* the supervisor died before that was set */
    prctl(PR_SET_NAME, name);
    signal(SIGINT, SIG_IGN);
    signal(SIGTERM, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    sigprocmask(SIG_SETMASK, &f.origin->mask, NULL);
    f.origin->in_child();
    close(f.control);
}

static void run_front(void)
{
    const struct origin *o = f.origin;

    push_secrets_wipe();
    become_child("faas-front");
    log_init("front", o->settings->log_level);
    close(f.uploads.from_front);
    f.status =
        o->roles->front(&f.board, o->settings, o->listeners, o->listener_count, f.front_control);
}

/* Nothing of HTTP. */
static void close_for_others(void)
{
    close(f.front_control);
    for (size_t i = 0; i < f.origin->listener_count; i++)
        close(f.origin->listeners[i]);
    tokens_wipe();
}

static void run_worker(size_t slot)
{
    const struct origin *o = f.origin;
    char name[32]; /* the kernel keeps 15 bytes */

    push_secrets_wipe();
    snprintf(name, sizeof(name), "faas-worker-%u", (unsigned)slot);
    become_child(name);
    log_init("worker", o->settings->log_level);
    close_for_others();
    uploads_close(&f.uploads);
    o->roles->worker(&f.board, slot, o->settings);
}

/* Its own copy of the end to write to is closed, so that it is told when nobody has one. */
static void run_pusher(void)
{
    const struct origin *o = f.origin;

    become_child("faas-pusher");
    log_init("pusher", o->settings->log_level);
    close_for_others();
    close(f.uploads.to_pusher);
    switchboard_close(&f.board);
    f.status = o->roles->pusher(&f.uploads, o->settings);
}

static void tell_front(const struct control *c)
{
    if (f.front.pid && send(f.control, c, sizeof(*c), MSG_NOSIGNAL) != sizeof(*c))
        log_line(LOG_WARN, "the front does not listen error=%s",
                 log_quoted(str_of(strerror(errno))));
}

static void tell_front_word(enum control_type type, int32_t status)
{
    const struct control c = {.type = type, .status = status};

    tell_front(&c);
}

static void start_worker(size_t slot)
{
    struct child *worker = &f.workers[slot];

    if (!child_fork(worker)) {
        run_worker(slot);
        return;
    }
    const struct control started = {.type = CONTROL_STARTED,
                                    .slot = (uint32_t)slot,
                                    .pid = worker->pid,
                                    .generation = worker->generation};
    if (worker->pid)
        tell_front(&started);
}

static void close_end(int *fd)
{
    close(*fd);
    *fd = -1;
}

static bool open_control(void)
{
    int pair[2];

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
        return false;
    f.control = pair[0];
    f.front_control = pair[1];
    return true;
}

/* A front and its workers start together, on empty channels. */
static void start_all(void)
{
    if (!open_control()) {
        restart_later(&f.front.restart);
        return;
    }
    for (size_t i = 0; i < f.board.count; i++) {
        channel_reset(&f.board.channels[i]);
        budget_reset(f.board.budget, i);
    }
    if (!child_fork(&f.front)) {
        run_front();
        return;
    }
    if (!f.front.pid) {
        close_end(&f.control);
        close_end(&f.front_control);
        return;
    }
    if (f.listens)
        tell_front_word(CONTROL_LISTEN, f.shared);
    for (size_t i = 0; i < f.board.count && !f.is_child; i++) {
        f.workers[i].generation = 1;
        start_worker(i);
    }
    if (!f.is_child)
        close_end(&f.front_control);
}

/* -- The end --------------------------------------------------------------------------------- */

static void end_workers(void)
{
    for (size_t i = 0; i < f.board.count; i++)
        child_end(&f.workers[i]);
}

static void dispose(void)
{
    end_workers();
    free(f.workers);
    f.workers = NULL;
    ticker_stop(&f.ticker);
    switchboard_close(&f.board);
    uploads_close(&f.uploads);
    f.front.restart.due_ns = f.pusher.restart.due_ns = 0;
}

/* Without a front, which is not replaced: the pusher is told that no more comes, and sends what it
 * has. */
static void finish(void)
{
    end_workers();
    uploads_shut(&f.uploads);
    f.front.restart.due_ns = 0;
    if (!f.pusher.pid)
        dispose();
}

void family_end(enum control_type how)
{
    uint64_t most_ms = (uint64_t)f.origin->settings->drain_ms + DRAIN_EXTRA_MS;

    f.end_by_ns = clock_now_ns() + most_ms * NS_PER_MS;
    tell_front_word(how, 0);
    if (!f.front.pid)
        finish();
}

void family_kill(void)
{
    if (f.front.pid)
        kill(f.front.pid, SIGKILL);
    if (f.pusher.pid)
        kill(f.pusher.pid, SIGKILL);
}

bool family_is_ending(void)
{
    return f.end_by_ns != 0;
}

bool family_is_there(void)
{
    return f.board.channels != NULL;
}

size_t family_workers(void)
{
    return f.board.count;
}

/* -- Deaths ---------------------------------------------------------------------------------- */

static void on_front_death(int status)
{
    pid_t pid = f.front.pid;

    f.front.pid = 0;
    close_end(&f.control);
    if (f.end_by_ns) {
        finish();
        return;
    }
    end_workers();
    restart_log_death("front", pid, status);
    restart_after_death(&f.front.restart);
}

/* The front settles what the worker had, then asks for the next one. */
static void on_worker_death(size_t slot, int status)
{
    struct child *worker = &f.workers[slot];
    const struct control died = {.type = CONTROL_DIED,
                                 .slot = (uint32_t)slot,
                                 .pid = worker->pid,
                                 .status = status,
                                 .generation = worker->generation};

    restart_log_death("worker", worker->pid, status);
    worker->pid = 0;
    tell_front(&died);
}

static void on_pusher_death(int status)
{
    pid_t pid = f.pusher.pid;
    bool finished = f.end_by_ns && !f.front.pid;

    f.pusher.pid = 0;
    if (!finished || status != 0)
        restart_log_death("pusher", pid, status);
    if (finished)
        dispose();
    else
        restart_after_death(&f.pusher.restart);
}

bool family_lost(pid_t pid, int status)
{
    if (pid == f.front.pid) {
        on_front_death(status);
        return true;
    }
    if (pid == f.pusher.pid) {
        on_pusher_death(status);
        return true;
    }
    for (size_t i = 0; i < f.board.count; i++)
        if (f.workers[i].pid == pid) {
            on_worker_death(i, status);
            return true;
        }
    return false;
}

/* -- What the front says --------------------------------------------------------------------- */

/* It may compute at a low priority, beside others that leave it no time to hear the signal. */
static void make_look(pid_t pid)
{
    pace_hurry(pid);
    kill(pid, CONTROL_SIGNAL);
}

static void take_control(const struct control *c)
{
    if (c->type == CONTROL_READY)
        f.ready = true;
    if (c->slot >= f.board.count)
        return;
    struct child *worker = &f.workers[c->slot];

    if (c->type == CONTROL_KILL && worker->pid && c->generation == worker->generation)
        kill(worker->pid, SIGKILL);
    if (c->type == CONTROL_LOOK && worker->pid && c->generation == worker->generation)
        make_look(worker->pid);
    if (c->type == CONTROL_RESPAWN && !worker->pid) {
        worker->generation = c->generation;
        restart_after_death(&worker->restart);
    }
}

int family_fd(void)
{
    return f.front.pid ? f.control : -1;
}

void family_read(void)
{
    struct control c;

    while (f.front.pid && recv(f.control, &c, sizeof(c), MSG_DONTWAIT) == (ssize_t)sizeof(c))
        take_control(&c);
}

bool family_is_ready(void)
{
    return f.ready;
}

void family_listen(bool shared)
{
    f.listens = true;
    f.shared = shared;
    tell_front_word(CONTROL_LISTEN, f.shared);
}

/* -- Starting -------------------------------------------------------------------------------- */

uint64_t family_due_ns(void)
{
    uint64_t first = restart_first(f.front.restart.due_ns, f.pusher.restart.due_ns);

    for (size_t i = 0; i < f.board.count; i++)
        first = restart_first(first, f.workers[i].restart.due_ns);
    return family_is_there() ? restart_first(first, f.end_by_ns) : first;
}

/* The pusher has some time more than the front, which it sends the last of. */
static void end_overdue(uint64_t now)
{
    pid_t pid = f.front.pid ? f.front.pid : f.pusher.pid;

    if (pid)
        kill(pid, SIGKILL);
    f.end_by_ns = now + DRAIN_EXTRA_MS * NS_PER_MS;
}

void family_start(void)
{
    uint64_t now = clock_now_ns();

    ticker_look(&f.ticker);
    if (restart_is_due(&f.front.restart, now)) {
        start_all();
        return;
    }
    if (restart_is_due(&f.pusher.restart, now) && !child_fork(&f.pusher))
        run_pusher();
    for (size_t i = 0; i < f.board.count && !f.is_child; i++)
        if (restart_is_due(&f.workers[i].restart, now))
            start_worker(i);
    if (!f.is_child && f.end_by_ns && f.end_by_ns <= now)
        end_overdue(now);
}

bool family_is_child(int *status)
{
    *status = f.status;
    return f.is_child;
}

bool family_open(const struct origin *origin, struct err *err)
{
    const struct settings *settings = origin->settings;

    f.origin = origin;
    f.supervisor = getpid();
    if (!board_open(&f.board, settings, err))
        return false;
    f.workers = calloc(f.board.count, sizeof(*f.workers));
    if (!f.workers)
        return err_set_errno(err, "memory for the workers");
    if (settings->push_address && !uploads_open(&f.uploads, err))
        return false;
    if (origin->roles->fits && !walls_try(&f.board, origin->roles->fits, err))
        return false;
    if (!walls_raise(settings, &f.board, origin->roles->rehearse, err))
        return false;
    if (!ticker_start(&f.ticker, &f.board.own[SOURCE_SUPERVISOR], "supervisor\n", origin->frame))
        log_line(LOG_WARN, "no timers: the supervisor is not in profiles");
    f.board.uploads = settings->push_address ? &f.uploads : NULL;
    f.front.restart.due_ns = clock_now_ns();
    f.pusher.restart.due_ns = settings->push_address ? f.front.restart.due_ns : 0;
    return true;
}
