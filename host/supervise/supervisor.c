/* supervisor.c - forking, waiting, restarting. */
/* SPDX-License-Identifier: MIT */
#include "supervise/supervisor.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/pace.h"
#include "supervise/listener.h"
#include "supervise/walls.h"
#include "wire/control.h"
#include "wire/message.h"

/* A process that dies sooner than QUICK_MS after its start, QUICK_DEATHS times in a row, is started
 * again only PAUSE_MS later: a fault at start must not become a storm of forks. */
enum {
    WORKERS_PER_CPU = 4,
    QUICK_MS = 200,
    QUICK_DEATHS = 5,
    PAUSE_MS = 500,
    DRAIN_EXTRA_MS = 5000
};

struct child {
    pid_t pid; /* 0: none runs */
    uint32_t generation;
    uint64_t started_ns, start_at_ns; /* start_at_ns: 0 unless a start is due */
    unsigned quick_deaths;
};

static struct {
    const struct settings *settings;
    const struct roles *roles;
    struct switchboard board;
    int listeners[LISTENERS_MAX];
    size_t listener_count;
    int signals;
    int control, front_control; /* both ends of the socket pair with the front */
    struct child front;
    struct child *workers;
    uint64_t stop_by_ns; /* 0: not stopping */
    sigset_t old_mask;
    pid_t pid;
    bool is_child;
    int child_status;
} s;

/* -- Children -------------------------------------------------------------------------------- */

/* Signals from a terminal or a service manager reach the whole group; only the supervisor acts. */
static void become_child(const char *name)
{
    s.is_child = true;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != s.pid)
        _exit(1); /* the supervisor died before that was set */
    prctl(PR_SET_NAME, name);
    signal(SIGINT, SIG_IGN);
    signal(SIGTERM, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    sigprocmask(SIG_SETMASK, &s.old_mask, NULL);
    close(s.signals);
    close(s.control);
}

static void run_front(void)
{
    become_child("faas-front");
    log_init("front", s.settings->log_level);
    s.child_status =
        s.roles->front(&s.board, s.settings, s.listeners, s.listener_count, s.front_control);
}

static void run_worker(size_t slot)
{
    char name[16];

    snprintf(name, sizeof(name), "faas-worker-%zu", slot);
    become_child(name);
    log_init("worker", s.settings->log_level);
    close(s.front_control);
    for (size_t i = 0; i < s.listener_count; i++)
        close(s.listeners[i]);
    s.roles->worker(&s.board, slot, s.settings);
}

/* Returns true in the supervisor when the child runs; the child returns false with is_child set. */
static bool fork_child(struct child *child)
{
    pid_t pid = fork();

    if (pid == 0)
        return false;
    child->start_at_ns = 0;
    if (pid > 0) {
        child->pid = pid;
        child->started_ns = clock_now_ns();
        return true;
    }
    log_line(LOG_ERROR, "fork failed, trying again error=%s", log_quoted(str_of(strerror(errno))));
    child->start_at_ns = clock_now_ns() + PAUSE_MS * NS_PER_MS;
    return true;
}

static void tell_front(const struct control *c)
{
    if (s.front.pid && send(s.control, c, sizeof(*c), MSG_NOSIGNAL) != sizeof(*c))
        log_line(LOG_WARN, "the front does not listen error=%s",
                 log_quoted(str_of(strerror(errno))));
}

static void start_worker(size_t slot)
{
    struct child *worker = &s.workers[slot];

    if (!fork_child(worker)) {
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

static bool open_control(void)
{
    int pair[2];

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
        return false;
    s.control = pair[0];
    s.front_control = pair[1];
    return true;
}

/* A front and its workers start together, on empty channels. */
static void start_family(void)
{
    if (!open_control()) {
        s.front.start_at_ns = clock_now_ns() + PAUSE_MS * NS_PER_MS;
        return;
    }
    for (size_t i = 0; i < s.board.count; i++)
        channel_reset(&s.board.channels[i]);
    if (!fork_child(&s.front)) {
        run_front();
        return;
    }
    if (!s.front.pid) {
        close(s.control);
        close(s.front_control);
        return;
    }
    for (size_t i = 0; i < s.board.count && !s.is_child; i++) {
        s.workers[i].generation = 1;
        start_worker(i);
    }
    if (!s.is_child)
        close(s.front_control);
}

static void end_child(struct child *child)
{
    int status;

    if (!child->pid)
        return;
    kill(child->pid, SIGKILL);
    while (waitpid(child->pid, &status, 0) < 0 && errno == EINTR)
        ;
    child->pid = 0;
}

static void end_workers(void)
{
    for (size_t i = 0; i < s.board.count; i++) {
        end_child(&s.workers[i]);
        s.workers[i].start_at_ns = 0;
    }
}

/* When the child may start again: now, or later when it keeps dying at once. */
static uint64_t restart_time(struct child *child)
{
    uint64_t now = clock_now_ns();
    bool quick = now - child->started_ns < QUICK_MS * NS_PER_MS;

    child->quick_deaths = quick ? child->quick_deaths + 1 : 0;
    return child->quick_deaths >= QUICK_DEATHS ? now + PAUSE_MS * NS_PER_MS : now;
}

/* -- Deaths ---------------------------------------------------------------------------------- */

static void log_death(const char *what, pid_t pid, int status)
{
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS)
        log_line(LOG_WARN, "%s died pid=%d signal=%d cause=\"a forbidden system call\"", what,
                 (int)pid, SIGSYS);
    else if (WIFSIGNALED(status))
        log_line(LOG_WARN, "%s died pid=%d signal=%d", what, (int)pid, WTERMSIG(status));
    else
        log_line(LOG_WARN, "%s died pid=%d exit=%d", what, (int)pid, WEXITSTATUS(status));
}

static void on_front_death(int status)
{
    pid_t pid = s.front.pid;

    s.front.pid = 0;
    close(s.control);
    end_workers();
    if (s.stop_by_ns)
        return;
    log_death("front", pid, status);
    s.front.start_at_ns = restart_time(&s.front);
}

/* The front settles what the worker had, then asks for the next one. */
static void on_worker_death(size_t slot, int status)
{
    struct child *worker = &s.workers[slot];
    const struct control died = {.type = CONTROL_DIED,
                                 .slot = (uint32_t)slot,
                                 .pid = worker->pid,
                                 .status = status,
                                 .generation = worker->generation};

    log_death("worker", worker->pid, status);
    worker->pid = 0;
    tell_front(&died);
}

static void reap(void)
{
    pid_t pid;
    int status;

    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        if (pid == s.front.pid) {
            on_front_death(status);
            continue;
        }
        for (size_t i = 0; i < s.board.count; i++)
            if (s.workers[i].pid == pid)
                on_worker_death(i, status);
    }
}

/* -- What comes in --------------------------------------------------------------------------- */

/* It may compute at a low priority, beside others that leave it no time to hear the signal. */
static void make_look(pid_t pid)
{
    pace_hurry(pid);
    kill(pid, CONTROL_SIGNAL);
}

static void take_control(const struct control *c)
{
    if (c->slot >= s.board.count)
        return;
    struct child *worker = &s.workers[c->slot];

    if (c->type == CONTROL_KILL && worker->pid && c->generation == worker->generation)
        kill(worker->pid, SIGKILL);
    if (c->type == CONTROL_LOOK && worker->pid && c->generation == worker->generation)
        make_look(worker->pid);
    if (c->type == CONTROL_RESPAWN && !worker->pid) {
        worker->generation = c->generation;
        worker->start_at_ns = restart_time(worker);
    }
}

static void read_control(void)
{
    struct control c;

    while (recv(s.control, &c, sizeof(c), MSG_DONTWAIT) == (ssize_t)sizeof(c))
        take_control(&c);
}

static void stop(int signal)
{
    const struct control drain = {.type = CONTROL_DRAIN};

    if (s.stop_by_ns && s.front.pid) {
        log_line(LOG_WARN, "stopping at once: a second signal came");
        kill(s.front.pid, SIGKILL);
        return;
    }
    log_line(LOG_INFO, "stopping signal=%d", signal);
    s.stop_by_ns = clock_now_ns() + ((uint64_t)s.settings->drain_ms + DRAIN_EXTRA_MS) * NS_PER_MS;
    s.front.start_at_ns = 0;
    tell_front(&drain);
}

static void read_signals(void)
{
    struct signalfd_siginfo info;

    while (read(s.signals, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
        if (info.ssi_signo == SIGCHLD)
            reap();
        else if (info.ssi_signo == SIGTERM || info.ssi_signo == SIGINT)
            stop((int)info.ssi_signo);
    }
}

/* -- The loop -------------------------------------------------------------------------------- */

static void earliest(uint64_t *first, uint64_t time)
{
    if (time && (*first == 0 || time < *first))
        *first = time;
}

static int wait_ms(void)
{
    uint64_t first = s.front.start_at_ns, now = clock_now_ns();

    for (size_t i = 0; i < s.board.count; i++)
        earliest(&first, s.workers[i].start_at_ns);
    earliest(&first, s.stop_by_ns);
    if (first == 0)
        return -1;
    return first <= now ? 0 : (int)((first - now) / NS_PER_MS) + 1;
}

static void start_what_is_due(void)
{
    uint64_t now = clock_now_ns();

    if (s.front.start_at_ns && s.front.start_at_ns <= now) {
        start_family();
        return;
    }
    for (size_t i = 0; i < s.board.count && !s.is_child; i++)
        if (s.workers[i].start_at_ns && s.workers[i].start_at_ns <= now)
            start_worker(i);
    if (!s.is_child && s.stop_by_ns && s.stop_by_ns <= now)
        end_child(&s.front);
}

static void supervise(void)
{
    while (!s.is_child && !(s.stop_by_ns && !s.front.pid)) {
        struct pollfd fds[] = {{.fd = s.signals, .events = POLLIN},
                               {.fd = s.front.pid ? s.control : -1, .events = POLLIN}};

        if (poll(fds, 2, wait_ms()) > 0) {
            if (fds[1].revents & POLLIN)
                read_control();
            if (fds[0].revents)
                read_signals();
        }
        start_what_is_due();
    }
    if (!s.is_child)
        end_workers();
}

static size_t worker_count(const struct settings *settings)
{
    long cpus = sysconf(_SC_NPROCESSORS_ONLN);

    if (settings->workers)
        return (size_t)settings->workers;
    size_t count = (size_t)(cpus > 0 ? cpus : 1) * WORKERS_PER_CPU;
    return count < 64 ? count : 64;
}

static bool prepare(struct err *err)
{
    const struct settings *settings = s.settings;
    const size_t modules_max = 8 << 20;
    size_t body = (size_t)settings->body_max, reply = (size_t)settings->reply_max;
    size_t source = (size_t)settings->file_max + modules_max;
    size_t in = body > reply ? body : reply;
    size_t out = reply > MESSAGE_DESCRIPTION_MAX ? reply : MESSAGE_DESCRIPTION_MAX;
    sigset_t mask;

    signal(SIGPIPE, SIG_IGN); /* a log that nobody reads is no reason to end */
    sigemptyset(&mask);
    sigaddset(&mask, SIGCHLD);
    sigaddset(&mask, SIGTERM);
    sigaddset(&mask, SIGINT);
    sigaddset(&mask, SIGHUP);
    sigprocmask(SIG_BLOCK, &mask, &s.old_mask);
    s.signals = signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
    if (s.signals < 0)
        return err_set_errno(err, "signalfd");
    return listener_open(settings, s.listeners, &s.listener_count, err) &&
           switchboard_open(&s.board, worker_count(settings),
                            (in > source ? in : source) + MESSAGE_EXTRA, out + MESSAGE_EXTRA, err);
}

int supervisor_main(const struct settings *settings, const struct roles *roles)
{
    char url[URL_MAX];
    struct err err;

    s.settings = settings;
    s.roles = roles;
    s.pid = getpid();
    if (!prepare(&err) || !walls_raise(settings, &s.board, roles->rehearse, &err)) {
        log_line(LOG_ERROR, "%s", err.text);
        return 1;
    }
    s.workers = calloc(s.board.count, sizeof(*s.workers));
    if (!s.workers)
        return 1;
    for (size_t i = 0; i < s.listener_count; i++) {
        listener_url(s.listeners[i], url);
        log_line(LOG_INFO, "listening url=%s workers=%zu", url, s.board.count);
    }
    start_family();
    supervise();
    if (s.is_child)
        return s.child_status;
    log_line(LOG_INFO, "stopped");
    return 0;
}
