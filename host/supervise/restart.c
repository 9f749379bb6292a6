/* restart.c - pauses between the lives of a process. */
/* SPDX-License-Identifier: MIT */
#include "supervise/restart.h"

#include <signal.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/log.h"

/* A process that dies sooner than QUICK_MS after its start, QUICK_DEATHS times in a row, is started
 * again only PAUSE_MS later: a fault at start must not become a storm of forks. */
enum { QUICK_MS = 200, QUICK_DEATHS = 5, PAUSE_MS = 500 };

void restart_begun(struct restart *restart)
{
    restart->started_ns = clock_now_ns();
    restart->due_ns = 0;
}

void restart_later(struct restart *restart)
{
    restart->due_ns = clock_now_ns() + PAUSE_MS * NS_PER_MS;
}

void restart_after_death(struct restart *restart)
{
    uint64_t now = clock_now_ns();
    bool quick = now - restart->started_ns < QUICK_MS * NS_PER_MS;

    restart->quick_deaths = quick ? restart->quick_deaths + 1 : 0;
    restart->due_ns = now;
    if (restart->quick_deaths >= QUICK_DEATHS)
        restart_later(restart);
}

bool restart_is_due(const struct restart *restart, uint64_t now_ns)
{
    return restart->due_ns && restart->due_ns <= now_ns;
}

uint64_t restart_first(uint64_t a_ns, uint64_t b_ns)
{
    if (a_ns == 0 || b_ns == 0)
        return a_ns | b_ns;
    return a_ns < b_ns ? a_ns : b_ns;
}

void restart_log_death(const char *what, pid_t pid, int status)
{
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS)
        log_line(LOG_WARN, "%s died pid=%d signal=%d cause=\"a forbidden system call\"", what,
                 (int)pid, SIGSYS);
    else if (WIFSIGNALED(status))
        log_line(LOG_WARN, "%s died pid=%d signal=%d", what, (int)pid, WTERMSIG(status));
    else
        log_line(LOG_WARN, "%s died pid=%d exit=%d", what, (int)pid, WEXITSTATUS(status));
}
