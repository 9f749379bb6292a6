/* settings.c - reading settings from the environment and the flags. */
/* SPDX-License-Identifier: MIT */
#include "base/settings.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/str.h"

enum { FOLDERS_MAX = 64, FLAG_FIRST_NUMBER = 256 };
enum {
    FLAG_LISTEN = 1,
    FLAG_FUNCTIONS,
    FLAG_OPTIMIZED,
    FLAG_WALLS,
    FLAG_LOG_LEVEL,
    FLAG_HELP,
    FLAG_VERSION
};

struct number {
    const char *flag, *env, *help;
    int64_t value, least, most;
    size_t at;
};

static const struct number numbers[] = {
#define X(field, flag, env, def, least, most, help)                                                \
    {flag, env, help, def, least, most, offsetof(struct settings, field)},
    SETTINGS_NUMBERS(X)
#undef X
};

enum { NUMBERS = sizeof(numbers) / sizeof(*numbers) };

static int64_t *number_in(struct settings *s, const struct number *n)
{
    return (int64_t *)((char *)s + n->at);
}

static bool set_number(struct settings *s, const struct number *n, const char *name,
                       const char *text, struct err *err)
{
    if (str_to_int64(str_of(text), n->least, n->most, number_in(s, n)))
        return true;
    return err_set(err, ERR_BAD_REQUEST, "%s is \"%s\", but takes a whole number from %lld to %lld",
                   name, text, (long long)n->least, (long long)n->most);
}

static bool set_port(struct settings *s, const char *name, struct str text, struct err *err)
{
    int64_t port;

    if (!str_to_int64(text, 0, 65535, &port))
        return err_set(err, ERR_BAD_REQUEST, "%s has the port \"%.*s\", but takes 0 to 65535", name,
                       STR_ARG(text));
    s->port = (uint16_t)port;
    return true;
}

/* HOST:PORT, [IPV6]:PORT, :PORT (every address), or a port alone. */
static bool set_listen(struct settings *s, const char *name, const char *text, struct err *err)
{
    const char *colon = strrchr(text, ':');

    if (!colon)
        return set_port(s, name, str_of(text), err);
    struct str host = {text, (size_t)(colon - text)};
    if (host.len >= 2 && host.at[0] == '[' && host.at[host.len - 1] == ']')
        host = (struct str){host.at + 1, host.len - 2};
    else if (memchr(host.at, ':', host.len))
        return err_set(err, ERR_BAD_REQUEST,
                       "%s is \"%s\", but an IPv6 address stands in brackets: "
                       "[::1]:8088",
                       name, text);
    if (host.len >= sizeof(s->host))
        return err_set(err, ERR_BAD_REQUEST, "%s has a host of more than 255 characters", name);
    memcpy(s->host, host.at, host.len);
    s->host[host.len] = '\0';
    return set_port(s, name, str_of(colon + 1), err);
}

static bool set_bool(bool *value, const char *name, const char *text, struct err *err)
{
    static const char *const yes[] = {"true", "1", "yes", "on"}, *const no[] = {"false", "0", "no",
                                                                                "off", ""};

    for (size_t i = 0; i < sizeof(yes) / sizeof(*yes); i++)
        if (strcmp(text, yes[i]) == 0)
            return *value = true;
    for (size_t i = 0; i < sizeof(no) / sizeof(*no); i++)
        if (strcmp(text, no[i]) == 0) {
            *value = false;
            return true;
        }
    return err_set(err, ERR_BAD_REQUEST, "%s is \"%s\", but takes true or false", name, text);
}

static bool add_folder(struct settings *s, const char *folder, struct err *err)
{
    if (s->functions_count == FOLDERS_MAX)
        return err_set(err, ERR_BAD_REQUEST, "more than %d functions folders", FOLDERS_MAX);
    s->functions[s->functions_count++] = folder;
    return true;
}

static bool set_level(struct settings *s, const char *name, const char *text, struct err *err)
{
    if (log_level_parse(str_of(text), &s->log_level))
        return true;
    return err_set(err, ERR_BAD_REQUEST, "%s is \"%s\", but takes debug, info, warn or error", name,
                   text);
}

static bool read_environment(struct settings *s, struct err *err)
{
    const char *text;

    if ((text = getenv("FAAS_LISTEN")) && !set_listen(s, "FAAS_LISTEN", text, err))
        return false;
    if ((text = getenv("PORT")) && !set_port(s, "PORT", str_of(text), err))
        return false;
    if ((text = getenv("FAAS_FUNCTIONS")) && *text && !add_folder(s, text, err))
        return false;
    if ((text = getenv("OPTIMIZED")) && !set_bool(&s->optimized, "OPTIMIZED", text, err))
        return false;
    if ((text = getenv("FAAS_WALLS")) && !set_bool(&s->walls, "FAAS_WALLS", text, err))
        return false;
    if ((text = getenv("FAAS_LOG_LEVEL")) && !set_level(s, "FAAS_LOG_LEVEL", text, err))
        return false;
    for (size_t i = 0; i < NUMBERS; i++)
        if ((text = getenv(numbers[i].env)) &&
            !set_number(s, &numbers[i], numbers[i].env, text, err))
            return false;
    return true;
}

static bool apply_flag(struct settings *s, int flag, enum settings_action *action, struct err *err)
{
    switch (flag) {
    case FLAG_LISTEN:
        return set_listen(s, "--listen", optarg, err);
    case FLAG_FUNCTIONS:
        return add_folder(s, optarg, err);
    case FLAG_OPTIMIZED:
        return set_bool(&s->optimized, "--optimized", optarg ? optarg : "true", err);
    case FLAG_WALLS:
        return set_bool(&s->walls, "--walls", optarg ? optarg : "true", err);
    case FLAG_LOG_LEVEL:
        return set_level(s, "--log-level", optarg, err);
    case FLAG_HELP:
        *action = SETTINGS_HELP;
        return true;
    case FLAG_VERSION:
        *action = SETTINGS_VERSION;
        return true;
    default:
        break;
    }
    if (flag < FLAG_FIRST_NUMBER)
        return err_set(err, ERR_BAD_REQUEST, "see --help for the flags");
    const struct number *n = &numbers[flag - FLAG_FIRST_NUMBER];
    char name[64];

    snprintf(name, sizeof(name), "--%s", n->flag);
    return set_number(s, n, name, optarg, err);
}

static bool read_flags(struct settings *s, int argc, char **argv, enum settings_action *action,
                       struct err *err)
{
    struct option options[NUMBERS + 8] = {
        {"listen", required_argument, NULL, FLAG_LISTEN},
        {"functions", required_argument, NULL, FLAG_FUNCTIONS},
        {"optimized", optional_argument, NULL, FLAG_OPTIMIZED},
        {"walls", optional_argument, NULL, FLAG_WALLS},
        {"log-level", required_argument, NULL, FLAG_LOG_LEVEL},
        {"help", no_argument, NULL, FLAG_HELP},
        {"version", no_argument, NULL, FLAG_VERSION},
    };
    int flag;

    for (int i = 0; i < NUMBERS; i++)
        options[7 + i] =
            (struct option){numbers[i].flag, required_argument, NULL, FLAG_FIRST_NUMBER + i};
    optind = 1;
    while ((flag = getopt_long(argc, argv, "", options, NULL)) != -1)
        if (!apply_flag(s, flag, action, err))
            return false;
    if (optind < argc)
        return err_set(err, ERR_BAD_REQUEST, "\"%s\" is no flag; see --help", argv[optind]);
    return true;
}

bool settings_read(struct settings *s, int argc, char **argv, const char *builtin,
                   enum settings_action *action, struct err *err)
{
    *action = SETTINGS_RUN;
    *s = (struct settings){.host = "127.0.0.1", .port = 8088, .walls = true, .log_level = LOG_INFO};
    s->functions = calloc(FOLDERS_MAX, sizeof(*s->functions));
    if (!s->functions)
        return err_set_errno(err, "settings");
    for (size_t i = 0; i < NUMBERS; i++)
        *number_in(s, &numbers[i]) = numbers[i].value;
    if (builtin && !add_folder(s, builtin, err))
        return false;
    return read_environment(s, err) && read_flags(s, argc, argv, action, err);
}

void settings_fini(struct settings *s)
{
    free(s->functions);
    s->functions = NULL;
}

void settings_help(const char *program)
{
    printf(
        "usage: %s [flags]\n"
        "Serves Lua functions over HTTP. A flag wins over its environment variable.\n\n"
        "  --listen HOST:PORT      127.0.0.1:8088. A port alone keeps the host, :PORT is every\n"
        "                          address, port 0 any free one (FAAS_LISTEN; PORT)\n"
        "  --functions DIR         one more folder of functions, repeatable; in a later one a\n"
        "                          file of the same name wins (FAAS_FUNCTIONS, one folder)\n"
        "  --optimized[=BOOL]      calls use warm instances where idle (OPTIMIZED)\n"
        "  --walls[=BOOL]          processes give up what they do not need; on unless a machine\n"
        "                          does not let them (FAAS_WALLS)\n"
        "  --log-level LEVEL       debug, info, warn or error (FAAS_LOG_LEVEL)\n",
        program);
    for (size_t i = 0; i < NUMBERS; i++)
        printf("  --%-19s N %s\n%26sdefault %lld, from %lld to %lld (%s)\n", numbers[i].flag,
               numbers[i].help, "", (long long)numbers[i].value, (long long)numbers[i].least,
               (long long)numbers[i].most, numbers[i].env);
    printf("  --help, --version       this text; the version\n");
}
