/* supervisor.h - the process that starts the others and replaces those that die. */
/* SPDX-License-Identifier: MIT */
#pragma once

#include "base/settings.h"
#include "wire/channel.h"

/* What the child processes run, so that this floor knows neither of them. */
struct roles {
    int (*front)(const struct switchboard *board, const struct settings *settings,
                 const int *listeners, size_t listener_count, int control);
    void (*worker)(const struct switchboard *board, size_t slot, const struct settings *settings);
    /* Tries in a child what a worker is to give up. */
    bool (*fits)(const struct switchboard *board, struct err *err); /* NULL: nobody asks */
    bool (*rehearse)(const struct switchboard *board, struct err *err);
    int (*pusher)(const struct uploads *uploads, const struct settings *settings);
};

/* Serves until SIGTERM or SIGINT; returns the exit status. In a child process it returns too, with
 * the status of its role. At SIGHUP the program that `argv` calls is started anew beside this one,
 * and this one's front and workers retire.
 *
 *   thread  the process's only one
 */
int supervisor_main(const struct settings *settings, const struct roles *roles, char **argv);
