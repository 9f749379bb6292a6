/* settings_help.c - the text of --help. */
/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include "base/settings.h"
#include "base/tokens.h"

static void print_number(const char *flag, const char *env, long long value, long long least,
                         long long most, const char *help)
{
    printf("  --%-19s N %s\n%26sdefault %lld, from %lld to %lld (%s)\n", flag, help, "", value,
           least, most, env);
}

void settings_help(const char *program)
{
    printf(
        "usage: %s [flags]\n"
        "Serves Lua functions over HTTP. A flag wins over its environment variable, and that\n"
        "over the settings file. SIGTERM drains and ends it, SIGHUP reloads binary and "
        "settings.\n\n"
        "  --settings FILE         lines NAME = VALUE, the names as of these flags; # begins a\n"
        "                          line of comment (FAAS_SETTINGS)\n"
        "  --listen HOST:PORT      127.0.0.1:8088. A port alone keeps the host, :PORT is every\n"
        "                          address, port 0 any free one (FAAS_LISTEN; PORT)\n"
        "  --local-clients[=BOOL]  only this machine reaches the address, as with a container "
        "whose\n"
        "                          port is published on loopback: no admin token is needed\n"
        "                          (FAAS_LOCAL_CLIENTS)\n"
        "  --functions DIR         one more folder of functions, repeatable; in a later one a\n"
        "                          file of the same name wins (FAAS_FUNCTIONS, one folder)\n"
        "  --optimized[=BOOL]      calls use warm instances where idle (OPTIMIZED)\n"
        "  --http2[=BOOL]          HTTP/2 too: over TLS, or from its first byte (FAAS_HTTP2)\n"
        "  --tls-cert FILE         certificate (PEM, with its chain): every listener speaks\n"
        "                          TLS (FAAS_TLS_CERT)\n"
        "  --tls-key FILE          its key (FAAS_TLS_KEY)\n"
        "  --walls[=BOOL]          processes give up what they do not need; on unless a machine\n"
        "                          does not let them (FAAS_WALLS)\n"
        "  --log-level LEVEL       debug, info, warn or error (FAAS_LOG_LEVEL)\n",
        program);
#define X(field, flag, env, def, least, most, help) print_number(flag, env, def, least, most, help);
    SETTINGS_NUMBERS(X)
#undef X
    printf("  --help, --version       this text; the version\n"
           "  --health                asks the server with these settings for /health; status 0: "
           "OK\n\n"
           "From the environment alone, each %d to %d characters, for Authorization: Bearer:\n"
           "  FAAS_ADMIN_TOKEN        changes of the server, /debug/ and /fn/logs/ need it; "
           "without it,\n"
           "                          or --local-clients, only loopback is listened on\n"
           "  FAAS_INVOKE_TOKEN       calls need it, or the admin token\n\n"
           "Profiles are pushed to a Pyroscope server when its address is set:\n"
           "  --pyroscope-server-address URL     http://HOST:4040, or https:// "
           "(PYROSCOPE_SERVER_ADDRESS)\n"
           "  --pyroscope-application-name NAME  faas-server (PYROSCOPE_APPLICATION_NAME)\n"
           "  --pyroscope-labels NAME=VALUE,...  on all profiles (PYROSCOPE_LABELS)\n"
           "  --pyroscope-tenant-id ID           for X-Scope-OrgID (PYROSCOPE_TENANT_ID)\n"
           "  --pyroscope-upload-interval TIME   10s, from 100ms to 600s "
           "(PYROSCOPE_UPLOAD_INTERVAL)\n\n"
           "From the environment alone, as Pyroscope's agents take them:\n"
           "  PYROSCOPE_AUTH_TOKEN      for Authorization: Bearer; or instead of it\n"
           "  PYROSCOPE_BASIC_AUTH_USER, PYROSCOPE_BASIC_AUTH_PASSWORD\n"
           "  PYROSCOPE_PROFILER_ALLOC  --profile-alloc-bytes with a unit: 512k\n"
           "  PYROSCOPE_PROFILER_LOCK   --profile-lock-ns with a unit: 10ms\n",
           TOKEN_LEN_MIN, TOKEN_LEN_MAX);
}
