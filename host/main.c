/* main.c - reads settings, finds the built-in functions, starts the supervisor. */
/* SPDX-License-Identifier: MIT */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/pace.h"
#include "base/settings.h"
#include "base/str.h"
#include "front/probe.h"
#include "front/replaced.h"
#include "front/server.h"
#include "front/tls.h"
#include "push/pusher.h"
#include "supervise/supervisor.h"
#include "worker/worker.h"

static bool is_folder(const char *path)
{
    struct stat s;

    return stat(path, &s) == 0 && S_ISDIR(s.st_mode);
}

/* Beside the binary as installed (bin/, share/), else as built (build/release/, lua/). */
static const char *find_builtin(void)
{
    static const char *const places[] = {"../share/faas-server/functions", "../../lua/functions"};
    static char found[PATH_MAX];
    char exe[PATH_MAX], path[2 * PATH_MAX];
    ssize_t len = readlink("/proc/self/exe", exe, sizeof(exe) - 1);

    if (len < 0)
        return NULL;
    exe[len] = '\0';
    *strrchr(exe, '/') = '\0';
    for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
        snprintf(path, sizeof(path), "%s/%s", exe, places[i]);
        if (realpath(path, found))
            return found;
    }
    return NULL;
}

static bool check_folders(const struct settings *s, struct err *err)
{
    for (size_t i = 0; i < s->functions_count; i++)
        if (!is_folder(s->functions[i]))
            return err_set(err, ERR_BAD_REQUEST, "functions folder \"%s\" is not a folder",
                           s->functions[i]);
    return true;
}

/* The front reads them again; what is wrong with them is told before anything starts. */
static bool check_tls(const struct settings *s, struct err *err)
{
    SSL_CTX *tls;

    if (!tls_open(s, &tls, err))
        return false;
    SSL_CTX_free(tls);
    return true;
}

/* Returns the exit status, or -1 with `err`. */
static int act(enum settings_action action, const struct settings *settings, char **argv,
               struct err *err)
{
    static const struct roles roles = {server_main, worker_main, worker_fits, worker_rehearse,
                                       pusher_main};

    if (action == SETTINGS_HELP) {
        settings_help(argv[0]);
        return 0;
    }
    if (action == SETTINGS_VERSION) {
        puts("faas-server " FAAS_VERSION);
        return 0;
    }
    if (action == SETTINGS_HEALTH)
        return probe_health(settings, err) ? 0 : -1;
    if (!replaced_check_all(err) || !check_folders(settings, err) || !check_tls(settings, err))
        return -1;
    if (settings->push_address && !pusher_rehearse(err))
        return -1;
    log_init("supervisor", settings->log_level);
    pace_init();
    return supervisor_main(settings, &roles, argv);
}

int main(int argc, char **argv)
{
    const char *builtin = find_builtin();
    enum settings_action action;
    struct settings settings;
    struct err err;
    int status = -1;

    if (!builtin)
        fprintf(stderr, "%s: the built-in functions are not where they should be\n", argv[0]);
    if (settings_read(&settings, argc, argv, builtin, &action, &err))
        status = act(action, &settings, argv, &err);
    if (status < 0)
        fprintf(stderr, "%s: %s\n", argv[0], err.text);
    settings_fini(&settings);
    return status < 0 ? 2 : status;
}
