/* walls.c - the rehearsal of a worker's wall, and the supervisor's own. */
/* SPDX-License-Identifier: MIT */
#include "supervise/walls.h"

#include <errno.h>
#include <linux/capability.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "base/pace.h"
#include "base/wall.h"

/* Function files of anybody; the addresses of the next binary. The front keeps both too: it reads
 * the supervisor's figures, which the kernel grants to no process with fewer capabilities. */
static const uint64_t kept = UINT64_C(1) << CAP_DAC_READ_SEARCH | UINT64_C(1)
                                                                      << CAP_NET_BIND_SERVICE;

/* What the child says comes back in memory that both have. */
static bool try_in_child(const struct switchboard *board,
                         bool (*rehearse)(const struct switchboard *board, struct err *err),
                         struct err *said)
{
    int status;
    pid_t pid = fork();

    if (pid == 0)
        _exit(!rehearse(board, said));
    if (pid < 0)
        return err_set_errno(said, "fork");
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    if (WIFSIGNALED(status))
        return err_set(said, ERR_INTERNAL, "trying it ended with signal %d", WTERMSIG(status));
    return status == 0;
}

bool walls_try(const struct switchboard *board,
               bool (*rehearse)(const struct switchboard *board, struct err *err), struct err *err)
{
    struct err *said =
        mmap(NULL, sizeof(*said), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    if (said == MAP_FAILED)
        return err_set_errno(err, "shared memory");
    bool ok = try_in_child(board, rehearse, said);
    if (!ok)
        err_set(err, ERR_INTERNAL, "workers cannot run here: %s", said->text);
    munmap(said, sizeof(*said));
    return ok;
}

static bool workers_can(const struct switchboard *board,
                        bool (*rehearse)(const struct switchboard *board, struct err *err),
                        struct err *err)
{
    struct err said;

    return walls_try(board, rehearse, &said) ||
           err_set(err, ERR_INTERNAL, "%s (--walls=false serves without walls)", said.text);
}

bool walls_raise(const struct settings *settings, const struct switchboard *board,
                 bool (*rehearse)(const struct switchboard *board, struct err *err),
                 struct err *err)
{
    if (settings->walls)
        return workers_can(board, rehearse, err) && wall_renounce(kept | pace_capabilities(), err);
    log_line(LOG_WARN, "walls are off: code that breaks out of Lua can do what this user can");
    return true;
}
