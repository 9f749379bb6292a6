/* handover_test.c - listening sockets go through exec and are found behind it. */
/* SPDX-License-Identifier: MIT */
#include "../base/cases.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "supervise/handover.h"

enum { FD_FIRST = 3, FD_FAR = 60 };

static const char program[] = "/proc/self/exe";

static struct handover open_two(void)
{
    const struct settings any = {.host = "127.0.0.1"};
    struct handover h = {.launcher = -1};
    struct err err;
    int more[LISTENERS_MAX];
    size_t count;

    assert_true(listener_open(&any, h.listeners, &count, &err));
    assert_true(listener_open(&any, more, &count, &err));
    h.listeners[1] = more[0];
    h.count = 2;
    return h;
}

/* What the program does behind the exec, with the URL that the first socket must have as its
 * argument: the status tells what was found. */
static int be_successor(const char *url)
{
    struct handover h;
    struct err err;
    char found[URL_MAX];
    char word[2] = "";

    if (!handover_take(&h, &err) || h.count != 2 || h.launcher < 0)
        return 1;
    listener_url(h.listeners[0], false, found);
    if (strcmp(found, url) != 0 || !(fcntl(h.listeners[1], F_GETFD) & FD_CLOEXEC))
        return 2;
    if (getenv("LISTEN_FDS") || getenv("LISTEN_PID") || getenv("FAAS_LAUNCHER"))
        return 3;
    return read(h.launcher, word, 1) == 1 && word[0] == '!' ? 0 : 4;
}

/* The exit status of a successor that gets the sockets from these places. */
static int status_from(const int at[2])
{
    struct handover h = open_two();
    char url[URL_MAX], *argv[] = {(char *)"successor", url, NULL};
    int pair[2], status;

    listener_url(h.listeners[0], false, url);
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
    assert_int_equal(write(pair[0], "!", 1), 1);
    pid_t pid = fork();
    if (pid == 0) {
        for (int i = 0; i < 2; i++)
            h.listeners[i] = dup2(fcntl(h.listeners[i], F_DUPFD, 100), at[i]);
        h.launcher = dup2(pair[1], FD_FAR);
        handover_exec(&h, program, argv);
        _exit(99);
    }
    close(pair[0]);
    close(pair[1]);
    close(h.listeners[0]);
    close(h.listeners[1]);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void sockets_go_through_exec_wherever_they_were(void **state)
{
    static const int places[][2] = {{20, 30},
                                    {FD_FIRST, FD_FIRST + 1},
                                    {FD_FIRST + 1, FD_FIRST},
                                    {FD_FIRST + 2, FD_FIRST},
                                    {FD_FAR + 1, FD_FIRST + 2}};

    (void)state;
    for (size_t i = 0; i < COUNT(places); i++)
        assert_int_equal(status_from(places[i]), 0);
}

static void a_program_that_is_not_there_is_told(void **state)
{
    int status;

    (void)state;
    pid_t pid = fork();
    if (pid == 0) {
        struct handover h = open_two();
        char *argv[] = {NULL};

        h.launcher = dup(0);
        handover_exec(&h, "/does/not/exist", argv);
        _exit(errno == ENOENT ? 7 : 8);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(WEXITSTATUS(status), 7);
}

static void a_socket_that_is_closed_is_told(void **state)
{
    int status;

    (void)state;
    pid_t pid = fork();
    if (pid == 0) {
        struct handover h = open_two();

        close(h.listeners[1]);
        handover_exec(&h, program, NULL);
        _exit(errno == EBADF ? 7 : 8);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(WEXITSTATUS(status), 7);
}

/* The variables as given, "" for this process's id; in a child, for they are forgotten. */
static int taken_with(const char *pid, const char *count, const char *launcher)
{
    struct handover h;
    struct err err;
    char self[16];

    snprintf(self, sizeof(self), "%d", getpid());
    setenv("LISTEN_PID", *pid ? pid : self, 1);
    setenv("LISTEN_FDS", count, 1);
    setenv("FAAS_LAUNCHER", launcher, 1);
    bool ok = handover_take(&h, &err);
    assert_null(getenv("LISTEN_PID"));
    assert_null(getenv("LISTEN_FDS"));
    assert_null(getenv("FAAS_LAUNCHER"));
    return ok ? (int)h.count : -1;
}

static void what_is_for_others_or_makes_no_sense_is_not_taken(void **state)
{
    static const struct {
        const char *pid, *count, *launcher;
        int taken;
    } cases[] = {
        {"1", "1", "", 0},    {"x", "1", "", 0},  {"", "0", "", -1},  {"", "17", "", -1},
        {"", "x", "", -1},    {"", "", "", -1},   {"", "-1", "", -1}, {"", "16", "", -1},
        {"1", "1", "900", 0}, {"1", "x", "x", 0},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_int_equal(taken_with(cases[i].pid, cases[i].count, cases[i].launcher),
                         cases[i].taken);
}

static void nothing_told_is_nothing_taken(void **state)
{
    struct handover h;
    struct err err;

    (void)state;
    assert_true(handover_take(&h, &err));
    assert_int_equal(h.count, 0);
    assert_int_equal(h.launcher, -1);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_told_is_nothing_taken),
        cmocka_unit_test(sockets_go_through_exec_wherever_they_were),
        cmocka_unit_test(a_program_that_is_not_there_is_told),
        cmocka_unit_test(a_socket_that_is_closed_is_told),
        cmocka_unit_test(what_is_for_others_or_makes_no_sense_is_not_taken),
    };

    if (argc > 1)
        return be_successor(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
