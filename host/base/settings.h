/* settings.h - every setting: its flag, environment variable, default, range and help, in one list.
 */
/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/labels.h"
#include "base/log.h"

/* X(field, flag, environment, default, least, most, help) for the numbers. */
#define SETTINGS_NUMBERS(X)                                                                        \
    X(workers, "workers", "FAAS_WORKERS", 0, 0, 64,                                                \
      "worker processes; 0: four for each processor")                                              \
    X(timeout_ms, "timeout-ms", "FAAS_TIMEOUT_MS", 30000, 1, 600000,                               \
      "run time of a call whose function declares none")                                           \
    X(load_timeout_ms, "load-timeout-ms", "FAAS_LOAD_TIMEOUT_MS", 250, 1, 60000,                   \
      "time a function file has to load")                                                          \
    X(memory_mb, "memory-mb", "FAAS_MEMORY_MB", 64, 1, 1024,                                       \
      "heap of a call whose function declares none, MiB")                                          \
    X(memory_mb_max, "memory-mb-max", "FAAS_MEMORY_MB_MAX", 1024, 1, 1024,                         \
      "largest heap of a call, MiB, whatever its function declares")                               \
    X(heaps_mb, "heaps-mb", "FAAS_HEAPS_MB", 0, 0, 1 << 20,                                        \
      "heaps of all calls together, MiB; 0: three quarters of the memory that a cgroup allows")    \
    X(body_max, "body-max", "FAAS_BODY_MAX", 1 << 20, 1024, 64 << 20, "request body, bytes")       \
    X(reply_max, "reply-max", "FAAS_REPLY_MAX", 6 << 20, 1024, 64 << 20,                           \
      "what a function returns, bytes of JSON")                                                    \
    X(file_max, "file-max", "FAAS_FILE_MAX", 1 << 20, 1024, 16 << 20, "function file, bytes")      \
    X(queue_max, "queue-max", "FAAS_QUEUE_MAX", 1024, 1, 65536, "calls that wait for a worker")    \
    X(queue_wait_ms, "queue-wait-ms", "FAAS_QUEUE_WAIT_MS", 5000, 1, 600000,                       \
      "how long a call waits for a worker")                                                        \
    X(calls_max, "calls-max", "FAAS_CALLS_MAX", 16384, 16, 65536,                                  \
      "calls running or asleep at once")                                                           \
    X(connections_max, "connections-max", "FAAS_CONNECTIONS_MAX", 10000, 1, 100000,                \
      "client connections; more wait in the kernel")                                               \
    X(buffers_max, "buffers-max", "FAAS_BUFFERS_MAX", 256 << 20, 1 << 20, 1 << 30,                 \
      "bytes of requests being read, of bodies of calls, of replies being sent, of each")          \
    X(read_timeout_ms, "read-timeout-ms", "FAAS_READ_TIMEOUT_MS", 10000, 100, 600000,              \
      "time a client has to send a request, and idle time of a connection")                        \
    X(write_stall_ms, "write-stall-ms", "FAAS_WRITE_STALL_MS", 15000, 100, 600000,                 \
      "time a client may leave a reply unread")                                                    \
    X(nesting_max, "nesting-max", "FAAS_NESTING_MAX", 3, 0, 16,                                    \
      "how deep calls made by functions may be nested")                                            \
    X(pool_max, "pool-max", "FAAS_POOL_MAX", 1024, 1, 4096, "warm instances of one function")      \
    X(drain_ms, "drain-ms", "FAAS_DRAIN_MS", 30000, 0, 600000,                                     \
      "time running calls have to end after SIGTERM or SIGHUP")                                    \
    X(reload_ms, "reload-ms", "FAAS_RELOAD_MS", 30000, 100, 600000,                                \
      "time new processes have to become ready after SIGHUP")                                      \
    X(profile_cpu_hz, "profile-cpu-hz", "FAAS_PROFILE_CPU_HZ", 100, 0, 1000,                       \
      "samples of a second of processor time; 0: none")                                            \
    X(profile_wall_hz, "profile-wall-hz", "FAAS_PROFILE_WALL_HZ", 100, 0, 1000,                    \
      "samples a second of what calls do, asleep or not; 0: none")                                 \
    X(profile_alloc_bytes, "profile-alloc-bytes", "FAAS_PROFILE_ALLOC_BYTES", 524288, 0, 1 << 30,  \
      "bytes allocated for a sample; 0: none")                                                     \
    X(profile_lock_ns, "profile-lock-ns", "FAAS_PROFILE_LOCK_NS", 10000000, 0, 60000000000,        \
      "nanoseconds of waiting for locks for a sample; 0: none")

struct settings {
    char host[256];         /* "" is every address */
    uint16_t port;          /* 0: any */
    const char **functions; /* folders in order, the built-in one first; borrowed texts */
    size_t functions_count;
    char *file_text; /* what texts of the settings file are borrowed from */
    bool optimized, walls, http2;
    bool local_clients;             /* whatever the address, only this machine reaches it */
    const char *tls_cert, *tls_key; /* files; NULL: none. Borrowed */
    const char *push_address;       /* of a Pyroscope server, as a URL; NULL: none. Borrowed */
    const char *push_application, *push_tenant; /* tenant NULL: none. Borrowed */
    struct labels push_labels;
    int64_t push_interval_ns;
    enum log_level log_level;
#define X(field, flag, env, def, least, most, help) int64_t field;
    SETTINGS_NUMBERS(X)
#undef X
};

enum settings_action { SETTINGS_RUN, SETTINGS_HELP, SETTINGS_VERSION, SETTINGS_HEALTH };

/* Fills `s` from defaults, then the settings file, the environment, the flags: the later wins.
 *
 *   owns    the caller: settings_fini. Texts are borrowed from argv, the environment, `builtin`.
 *   fails   with a sentence that names the setting and its range
 */
bool settings_read(struct settings *s, int argc, char **argv, const char *builtin,
                   enum settings_action *action, struct err *err);
void settings_fini(struct settings *s);

/* The range of the number with this flag, which is one of the list. */
void settings_range(const char *flag, int64_t *least, int64_t *most);

/* The text of --help, on standard output. */
void settings_help(const char *program);
