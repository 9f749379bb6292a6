/* supervisor.c - signals, and who serves: the own family, or a successor that was started later. */
/* SPDX-License-Identifier: MIT */
#include "supervise/supervisor.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "supervise/family.h"
#include "supervise/restart.h"
#include "supervise/successor.h"

/* A reload starts a successor. When that is ready, whoever served before retires, and ends when its
 * connections have; so there are several for a while. The process that was started first stays,
 * for its pid is what service managers know: with no family left it only looks after successors. */
enum { SUCCESSORS_MAX = 8, END_EXTRA_MS = 15000 };

static struct {
    struct origin origin;
    struct handover handover;
    struct program program;
    struct successor successors[SUCCESSORS_MAX];
    struct restart restart; /* of a successor that died while it served */
    int signals;
    bool shared;        /* the listening sockets live on after this server */
    bool other_address; /* the settings ask for another one than the sockets handed over have */
    bool stopping, reload_wanted, told_ready;
    int status;
} s;

static bool is_successor(void)
{
    return s.handover.launcher >= 0;
}

/* -- Reloading ------------------------------------------------------------------------------- */

static struct successor *find_state(enum successor_state state)
{
    for (size_t i = 0; i < SUCCESSORS_MAX; i++)
        if (s.successors[i].pid && s.successors[i].state == state)
            return &s.successors[i];
    return NULL;
}

static struct successor *find_pid(pid_t pid)
{
    for (size_t i = 0; i < SUCCESSORS_MAX; i++)
        if (s.successors[i].pid == pid)
            return &s.successors[i];
    return NULL;
}

static bool family_serves(void)
{
    return family_is_there() && !family_is_ending();
}

static int64_t end_most_ms(void)
{
    return s.origin.settings->drain_ms + END_EXTRA_MS;
}

/* One at a time; a signal that comes meanwhile, or while too many still retire, is remembered. */
static void start_wanted(void)
{
    struct successor *place = find_pid(0);
    struct err err;

    if (!s.reload_wanted || s.stopping || !place || find_state(SUCCESSOR_STARTING))
        return;
    s.reload_wanted = false;
    restart_begun(&s.restart);
    if (successor_start(place, &s.program, &s.handover, &s.origin.mask,
                        s.origin.settings->reload_ms, &err)) {
        log_line(LOG_INFO, "reloading pid=%d", (int)place->pid);
        return;
    }
    log_line(LOG_ERROR, "reload failed error=%s", log_quoted(str_of(err.text)));
    if (!family_serves() && !find_state(SUCCESSOR_SERVING))
        restart_later(&s.restart);
}

static void on_ready(struct successor *ready)
{
    struct successor *before = find_state(SUCCESSOR_SERVING);

    if (s.stopping)
        return;
    successor_serve(ready, s.shared);
    log_line(LOG_INFO, "reloaded pid=%d", (int)ready->pid);
    if (before)
        successor_end(before, CONTROL_RETIRE, end_most_ms());
    if (family_serves())
        family_end(CONTROL_RETIRE);
}

static void on_successor_death(struct successor *successor, int status)
{
    enum successor_state state = successor->state;
    pid_t pid = successor->pid;

    successor_forget(successor);
    if (s.stopping) {
        s.status = WIFEXITED(status) ? WEXITSTATUS(status) : s.status;
        return;
    }
    if (state == SUCCESSOR_ENDING && status == 0)
        return;
    restart_log_death("successor", pid, status);
    if (state == SUCCESSOR_STARTING)
        log_line(LOG_ERROR, "reload failed: the new processes did not become ready");
    if (state == SUCCESSOR_SERVING)
        restart_after_death(&s.restart);
    else if (!family_serves() && !find_state(SUCCESSOR_SERVING))
        restart_later(&s.restart);
}

static void end_successors(void)
{
    for (size_t i = 0; i < SUCCESSORS_MAX; i++)
        if (s.successors[i].pid && s.successors[i].state == SUCCESSOR_STARTING)
            successor_kill(&s.successors[i]); /* it has taken no connection */
        else if (s.successors[i].pid)
            successor_end(&s.successors[i], CONTROL_DRAIN, end_most_ms());
}

static void kill_successors(uint64_t older_than_ns)
{
    for (size_t i = 0; i < SUCCESSORS_MAX; i++)
        if (s.successors[i].pid && s.successors[i].by_ns && s.successors[i].by_ns <= older_than_ns)
            successor_kill(&s.successors[i]);
}

/* -- What comes in --------------------------------------------------------------------------- */

static void reap(void)
{
    pid_t pid;
    int status;

    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        struct successor *successor = find_pid(pid);

        if (successor)
            on_successor_death(successor, status);
        else
            family_lost(pid, status);
    }
}

static void stop(int signal)
{
    if (s.stopping) {
        log_line(LOG_WARN, "stopping at once: a second signal came");
        family_kill();
        kill_successors(UINT64_MAX);
        return;
    }
    log_line(LOG_INFO, "stopping signal=%d", signal);
    s.stopping = true;
    end_successors();
    if (family_is_there())
        family_end(CONTROL_DRAIN);
}

static void want_reload(void)
{
    s.reload_wanted = true;
    if (!find_pid(0))
        log_line(LOG_WARN, "reload waits: the processes of %d reloads before have not ended",
                 SUCCESSORS_MAX);
}

/* A successor hears of signals from its launcher: the group of processes that a terminal or a
 * service manager signals has both. */
static void take_signal(int signal)
{
    if (signal == SIGCHLD)
        reap();
    else if (is_successor())
        return;
    else if (signal == SIGHUP)
        want_reload();
    else
        stop(signal);
}

static void read_signals(void)
{
    struct signalfd_siginfo info;

    while (read(s.signals, &info, sizeof(info)) == (ssize_t)sizeof(info))
        take_signal((int)info.ssi_signo);
}

static void begin_to_listen(void)
{
    char url[URL_MAX];

    for (size_t i = 0; i < s.handover.count; i++) {
        listener_url(s.handover.listeners[i], s.origin.settings->tls_cert != NULL, url);
        log_line(LOG_INFO, "listening url=%s workers=%zu", url, family_workers());
    }
    if (s.other_address && !s.shared)
        log_line(LOG_WARN, "the listening address is kept: another one needs a new start");
    family_listen(s.shared);
}

static void read_launcher(void)
{
    struct control c;
    ssize_t len;

    while ((len = recv(s.handover.launcher, &c, sizeof(c), MSG_DONTWAIT)) == (ssize_t)sizeof(c))
        if (c.type == CONTROL_LISTEN) {
            s.shared = c.status == 1;
            begin_to_listen();
        } else if (c.type == CONTROL_RETIRE || c.type == CONTROL_DRAIN) {
            s.stopping = true;
            if (family_is_there())
                family_end(c.type);
        }
    if (len == 0)
        _exit(1); /* the launcher is gone, and front and workers go with us */
}

static void read_successors(void)
{
    for (size_t i = 0; i < SUCCESSORS_MAX; i++)
        if (s.successors[i].pid && successor_is_ready(&s.successors[i]))
            on_ready(&s.successors[i]);
}

/* -- The loop -------------------------------------------------------------------------------- */

static int wait_ms(void)
{
    uint64_t first = restart_first(family_due_ns(), s.restart.due_ns), now = clock_now_ns();

    for (size_t i = 0; i < SUCCESSORS_MAX; i++)
        first = restart_first(first, s.successors[i].by_ns);
    if (first == 0)
        return -1;
    return first <= now ? 0 : (int)((first - now) / NS_PER_MS) + 1;
}

/* Descriptors that are -1 are none. */
static void wait_and_read(void)
{
    enum { SIGNALS, FAMILY, LAUNCHER, SUCCESSORS, ALL = SUCCESSORS + SUCCESSORS_MAX };
    struct pollfd fds[ALL] = {[SIGNALS] = {s.signals, POLLIN, 0},
                              [FAMILY] = {family_fd(), POLLIN, 0},
                              [LAUNCHER] = {s.handover.launcher, POLLIN, 0}};
    nfds_t count = SUCCESSORS; /* not all: poll takes no more than RLIMIT_NOFILE */

    for (size_t i = 0; i < SUCCESSORS_MAX; i++) {
        /* Only what is yet to come of one that starts: the end of one is told by its death. */
        bool starts = s.successors[i].pid && s.successors[i].state == SUCCESSOR_STARTING;

        fds[SUCCESSORS + i] = (struct pollfd){starts ? s.successors[i].control : -1, POLLIN, 0};
        if (starts)
            count = SUCCESSORS + i + 1;
    }
    if (poll(fds, count, wait_ms()) <= 0)
        return;
    if (fds[FAMILY].revents & POLLIN)
        family_read();
    if (fds[LAUNCHER].revents)
        read_launcher();
    read_successors();
    if (fds[SIGNALS].revents)
        read_signals();
}

static void tell_ready(void)
{
    const struct control ready = {.type = CONTROL_READY};

    if (!is_successor() || s.told_ready || !family_is_ready())
        return;
    s.told_ready = true;
    send(s.handover.launcher, &ready, sizeof(ready), MSG_NOSIGNAL);
}

/* Returns in child processes too. */
static bool do_what_is_due(void)
{
    uint64_t now = clock_now_ns();
    int status;

    family_start();
    if (family_is_child(&status))
        return false;
    if (restart_is_due(&s.restart, now)) {
        s.restart.due_ns = 0;
        s.reload_wanted = true;
    }
    start_wanted();
    kill_successors(now);
    tell_ready();
    return true;
}

static bool is_over(void)
{
    for (size_t i = 0; i < SUCCESSORS_MAX; i++)
        if (s.successors[i].pid)
            return false;
    return s.stopping && !family_is_there();
}

/* -- Start ----------------------------------------------------------------------------------- */

static void in_child(void)
{
    close(s.signals);
    if (is_successor())
        close(s.handover.launcher);
    for (size_t i = 0; i < SUCCESSORS_MAX; i++)
        if (s.successors[i].pid)
            close(s.successors[i].control);
}

static bool open_signals(struct err *err)
{
    static const int taken[] = {SIGCHLD, SIGTERM, SIGINT, SIGHUP};
    sigset_t mask;

    signal(SIGPIPE, SIG_IGN); /* a log that nobody reads is no reason to end */
    sigemptyset(&mask);
    for (size_t i = 0; i < sizeof(taken) / sizeof(*taken); i++)
        sigaddset(&mask, taken[i]);
    sigprocmask(SIG_BLOCK, &mask, &s.origin.mask);
    s.signals = signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
    return s.signals >= 0 || err_set_errno(err, "signalfd");
}

static bool open_listeners(const struct settings *settings, struct err *err)
{
    struct handover *h = &s.handover;

    if (!handover_take(h, err) || !listener_check(settings, h->listeners, h->count, err))
        return false;
    s.other_address = is_successor() && !listener_matches(settings, h->listeners, h->count);
    s.shared = h->count > 0 && !is_successor();
    return h->count || listener_open(settings, h->listeners, &h->count, err);
}

static bool prepare(struct err *err)
{
    const struct settings *settings = s.origin.settings;

    if (!open_signals(err) || !open_listeners(settings, err))
        return false;
    if (is_successor())
        prctl(PR_SET_PDEATHSIG, SIGKILL); /* a binary with capabilities has lost it by its exec */
    s.origin.listeners = s.handover.listeners;
    s.origin.listener_count = s.handover.count;
    s.origin.in_child = in_child;
    return family_open(&s.origin, err);
}

int supervisor_main(const struct settings *settings, const struct roles *roles, char **argv)
{
    struct err err;
    int status;

    program_find(&s.program, argv);
    s.origin.settings = settings;
    s.origin.frame = __builtin_frame_address(0);
    s.origin.roles = roles;
    if (!prepare(&err)) {
        log_line(LOG_ERROR, "%s", err.text);
        return 1;
    }
    if (!is_successor())
        begin_to_listen();
    while (do_what_is_due() && !is_over())
        wait_and_read();
    if (family_is_child(&status))
        return status;
    log_line(LOG_INFO, "stopped");
    return s.status;
}
