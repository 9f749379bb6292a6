/* settings.c - reading settings from a file, the environment and the flags. */
/* SPDX-License-Identifier: MIT */
#include "base/settings.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/amount.h"
#include "base/clock.h"
#include "base/push_secrets.h"
#include "base/push_settings.h"
#include "base/str.h"
#include "base/tokens.h"

enum { FOLDERS_MAX = 64, FILE_MAX = 64 << 10 };
enum {
    FLAG_SETTINGS = 1,
    FLAG_HELP,
    FLAG_VERSION,
    FLAG_HEALTH,
    FLAG_FIRST_WORD = 256,
    FLAG_FIRST_NUMBER = 512
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

void settings_range(const char *flag, int64_t *least, int64_t *most)
{
    const struct number *n = numbers;

    while (strcmp(n->flag, flag) != 0)
        n++;
    *least = n->least;
    *most = n->most;
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

static bool set_port_alone(struct settings *s, const char *name, const char *text, struct err *err)
{
    return set_port(s, name, str_of(text), err);
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

static bool set_optimized(struct settings *s, const char *name, const char *text, struct err *err)
{
    return set_bool(&s->optimized, name, text, err);
}

static bool set_walls(struct settings *s, const char *name, const char *text, struct err *err)
{
    return set_bool(&s->walls, name, text, err);
}

static bool set_http2(struct settings *s, const char *name, const char *text, struct err *err)
{
    return set_bool(&s->http2, name, text, err);
}

static bool set_local_clients(struct settings *s, const char *name, const char *text,
                              struct err *err)
{
    return set_bool(&s->local_clients, name, text, err);
}

static bool set_tls_cert(struct settings *s, const char *name, const char *text, struct err *err)
{
    (void)name;
    (void)err;
    s->tls_cert = *text ? text : NULL;
    return true;
}

static bool set_tls_key(struct settings *s, const char *name, const char *text, struct err *err)
{
    (void)name;
    (void)err;
    s->tls_key = *text ? text : NULL;
    return true;
}

static bool add_folder(struct settings *s, const char *name, const char *folder, struct err *err)
{
    (void)name;
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

/* As Pyroscope's agents have it. */
static bool set_amount(int64_t *value, enum amount unit, const char *flag, const char *name,
                       const char *text, struct err *err)
{
    int64_t least, most;

    settings_range(flag, &least, &most);
    if (amount_parse(str_of(text), unit, most, value))
        return true;
    return err_set(err, ERR_BAD_REQUEST,
                   "%s is \"%s\", but takes up to %lld %s, such as %s; 0: none", name, text,
                   (long long)most, unit == AMOUNT_BYTES ? "bytes" : "ns",
                   unit == AMOUNT_BYTES ? "512k" : "10ms");
}

static bool set_alloc(struct settings *s, const char *name, const char *text, struct err *err)
{
    return set_amount(&s->profile_alloc_bytes, AMOUNT_BYTES, "profile-alloc-bytes", name, text,
                      err);
}

static bool set_lock(struct settings *s, const char *name, const char *text, struct err *err)
{
    return set_amount(&s->profile_lock_ns, AMOUNT_NS, "profile-lock-ns", name, text, err);
}

/* What is no number. A flag that may stand alone means "true". */
static const struct word {
    const char *flag, *env; /* flag NULL: by the environment only */
    int argument;
    bool (*set)(struct settings *s, const char *name, const char *text, struct err *err);
} words[] = {
    {"listen", "FAAS_LISTEN", required_argument, set_listen},
    {NULL, "PORT", required_argument, set_port_alone}, /* wins over the port of the one above */
    {"local-clients", "FAAS_LOCAL_CLIENTS", optional_argument, set_local_clients},
    {"functions", "FAAS_FUNCTIONS", required_argument, add_folder},
    {"optimized", "OPTIMIZED", optional_argument, set_optimized},
    {"http2", "FAAS_HTTP2", optional_argument, set_http2},
    {"tls-cert", "FAAS_TLS_CERT", required_argument, set_tls_cert},
    {"tls-key", "FAAS_TLS_KEY", required_argument, set_tls_key},
    {"walls", "FAAS_WALLS", optional_argument, set_walls},
    {"log-level", "FAAS_LOG_LEVEL", required_argument, set_level},
    {NULL, "PYROSCOPE_PROFILER_ALLOC", required_argument, set_alloc},
    {NULL, "PYROSCOPE_PROFILER_LOCK", required_argument, set_lock},
    {"pyroscope-server-address", "PYROSCOPE_SERVER_ADDRESS", required_argument, push_set_address},
    {"pyroscope-application-name", "PYROSCOPE_APPLICATION_NAME", required_argument,
     push_set_application},
    {"pyroscope-labels", "PYROSCOPE_LABELS", required_argument, push_set_labels},
    {"pyroscope-tenant-id", "PYROSCOPE_TENANT_ID", required_argument, push_set_tenant},
    {"pyroscope-upload-interval", "PYROSCOPE_UPLOAD_INTERVAL", required_argument,
     push_set_interval},
};

enum { WORDS = sizeof(words) / sizeof(*words) };

/* -- The file -------------------------------------------------------------------------------- */

static bool set_by_name(struct settings *s, struct str flag, const char *where, const char *text,
                        struct err *err)
{
    char name[320];

    snprintf(name, sizeof(name), "%s: %.*s", where, STR_ARG(flag));
    for (size_t i = 0; i < WORDS; i++)
        if (words[i].flag && str_equal(flag, str_of(words[i].flag)))
            return words[i].set(s, name, text, err);
    for (size_t i = 0; i < NUMBERS; i++)
        if (str_equal(flag, str_of(numbers[i].flag)))
            return set_number(s, &numbers[i], name, text, err);
    return err_set(err, ERR_BAD_REQUEST, "%s: unknown setting \"%.*s\"", where,
                   flag.len < 64 ? (int)flag.len : 64, flag.at);
}

/* `line` ends with a NUL behind it, which a value that is kept then ends with too. */
static bool read_line(struct settings *s, char *line, const char *where, struct err *err)
{
    struct str value = str_trim(str_of(line));

    if (value.len == 0 || value.at[0] == '#')
        return true;
    struct str flag = str_trim(str_cut(&value, '='));
    if (!value.at)
        return err_set(err, ERR_BAD_REQUEST, "%s: a line is NAME = VALUE", where);
    value = str_trim(value);
    line[(size_t)(value.at - line) + value.len] = '\0';
    return set_by_name(s, flag, where, value.at, err);
}

static bool read_lines(struct settings *s, const char *path, size_t len, struct err *err)
{
    char where[256];
    int number = 0;

    for (char *line = s->file_text, *end; line; line = end) {
        end = strchr(line, '\n');
        if (end)
            *end++ = '\0';
        else if (line + strlen(line) != s->file_text + len)
            return err_set(err, ERR_BAD_REQUEST, "%s is no text", path);
        snprintf(where, sizeof(where), "%.240s:%d", path, ++number);
        if (!read_line(s, line, where, err))
            return false;
    }
    return true;
}

static bool read_file(struct settings *s, const char *path, struct err *err)
{
    FILE *file = fopen(path, "re");

    s->file_text = malloc(FILE_MAX + 1);
    size_t len = file && s->file_text ? fread(s->file_text, 1, FILE_MAX + 1, file) : 0;
    bool failed = !file || !s->file_text || ferror(file);
    int why = errno;
    if (file)
        fclose(file);
    if (failed)
        return err_set(err, ERR_BAD_REQUEST, "the settings file \"%s\" cannot be read: %s", path,
                       strerror(why));
    if (len > FILE_MAX)
        return err_set(err, ERR_BAD_REQUEST, "the settings file \"%s\" is more than %d bytes", path,
                       FILE_MAX);
    s->file_text[len] = '\0';
    return read_lines(s, path, len, err);
}

/* -- The environment and the flags ----------------------------------------------------------- */

static bool read_environment(struct settings *s, struct err *err)
{
    const char *text;

    for (size_t i = 0; i < WORDS; i++) {
        text = getenv(words[i].env);
        if (text && (*text || words[i].set != add_folder) &&
            !words[i].set(s, words[i].env, text, err))
            return false;
    }
    for (size_t i = 0; i < NUMBERS; i++)
        if ((text = getenv(numbers[i].env)) &&
            !set_number(s, &numbers[i], numbers[i].env, text, err))
            return false;
    return tokens_read(err) && push_secrets_check(err);
}

static int next_flag(int argc, char **argv)
{
    struct option options[NUMBERS + WORDS + 5] = {
        {"settings", required_argument, NULL, FLAG_SETTINGS},
        {"help", no_argument, NULL, FLAG_HELP},
        {"version", no_argument, NULL, FLAG_VERSION},
        {"health", no_argument, NULL, FLAG_HEALTH},
    };
    size_t count = 4;

    for (int i = 0; i < WORDS; i++)
        if (words[i].flag)
            options[count++] =
                (struct option){words[i].flag, words[i].argument, NULL, FLAG_FIRST_WORD + i};
    for (int i = 0; i < NUMBERS; i++)
        options[count++] =
            (struct option){numbers[i].flag, required_argument, NULL, FLAG_FIRST_NUMBER + i};
    return getopt_long(argc, argv, "", options, NULL);
}

/* The file comes before the flags, but a flag tells which it is. */
static const char *find_file(int argc, char **argv)
{
    const char *path = getenv("FAAS_SETTINGS");
    int flag, told = opterr;

    opterr = 0;
    optind = 1;
    while ((flag = next_flag(argc, argv)) != -1)
        if (flag == FLAG_SETTINGS)
            path = optarg;
    opterr = told;
    return path && *path ? path : NULL;
}

static bool apply_flag(struct settings *s, int flag, enum settings_action *action, struct err *err)
{
    char name[64];

    if (flag == FLAG_SETTINGS)
        return true;
    if (flag >= FLAG_HELP && flag <= FLAG_HEALTH) {
        static const enum settings_action actions[] = {SETTINGS_HELP, SETTINGS_VERSION,
                                                       SETTINGS_HEALTH};

        *action = actions[flag - FLAG_HELP];
        return true;
    }
    if (flag >= FLAG_FIRST_NUMBER) {
        const struct number *n = &numbers[flag - FLAG_FIRST_NUMBER];

        snprintf(name, sizeof(name), "--%s", n->flag);
        return set_number(s, n, name, optarg, err);
    }
    if (flag < FLAG_FIRST_WORD)
        return err_set(err, ERR_BAD_REQUEST, "see --help for the flags");
    const struct word *w = &words[flag - FLAG_FIRST_WORD];
    snprintf(name, sizeof(name), "--%s", w->flag);
    return w->set(s, name, optarg ? optarg : "true", err);
}

static bool read_flags(struct settings *s, int argc, char **argv, enum settings_action *action,
                       struct err *err)
{
    int flag;

    optind = 1;
    while ((flag = next_flag(argc, argv)) != -1)
        if (!apply_flag(s, flag, action, err))
            return false;
    if (optind < argc)
        return err_set(err, ERR_BAD_REQUEST, "unknown flag \"%s\"; see --help", argv[optind]);
    return true;
}

bool settings_read(struct settings *s, int argc, char **argv, const char *builtin,
                   enum settings_action *action, struct err *err)
{
    const char *path = find_file(argc, argv);

    *action = SETTINGS_RUN;
    *s = (struct settings){.host = "127.0.0.1",
                           .port = 8088,
                           .walls = true,
                           .log_level = LOG_INFO,
                           .push_application = "faas-server",
                           .push_interval_ns = 10 * (int64_t)NS_PER_S};
    s->functions = calloc(FOLDERS_MAX, sizeof(*s->functions));
    if (!s->functions)
        return err_set_errno(err, "settings");
    for (size_t i = 0; i < NUMBERS; i++)
        *number_in(s, &numbers[i]) = numbers[i].value;
    if (builtin && !add_folder(s, NULL, builtin, err))
        return false;
    return (!path || read_file(s, path, err)) && read_environment(s, err) &&
           read_flags(s, argc, argv, action, err);
}

void settings_fini(struct settings *s)
{
    free(s->functions);
    free(s->file_text);
    s->functions = NULL;
    s->file_text = NULL;
}
