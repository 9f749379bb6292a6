/* rates.c - the profiler's rates, in the memory of all that take samples. */
/* SPDX-License-Identifier: MIT */
#include "front/rates.h"

#include <math.h>
#include <string.h>

#include "base/log.h"
#include "front/params.h"

static const struct rate {
    const char *key, *flag;
    size_t setting;
} rates[SAMPLE_TYPES] = {
    [SAMPLE_CPU] = {"cpu_hz", "profile-cpu-hz", offsetof(struct settings, profile_cpu_hz)},
    [SAMPLE_WALL] = {"wall_hz", "profile-wall-hz", offsetof(struct settings, profile_wall_hz)},
    [SAMPLE_ALLOC] = {"alloc_bytes", "profile-alloc-bytes",
                      offsetof(struct settings, profile_alloc_bytes)},
    [SAMPLE_MUTEX] = {"lock_ns", "profile-lock-ns", offsetof(struct settings, profile_lock_ns)},
};

static const struct str none = {NULL, 0};

/* -- In shared memory ------------------------------------------------------------------------ */

static void set_one(struct sampling *s, enum sample_type type, uint64_t rate)
{
    switch (type) {
    case SAMPLE_CPU:
        atomic_store(&s->cpu_hz, (uint32_t)rate);
        break;
    case SAMPLE_WALL:
        atomic_store(&s->wall_hz, (uint32_t)rate);
        break;
    case SAMPLE_ALLOC:
        atomic_store(&s->alloc_bytes, rate);
        break;
    default:
        atomic_store(&s->lock_ns, rate);
        break;
    }
}

/* What is read is this, never what a worker may have written. */
static uint64_t current[SAMPLE_TYPES];

static void set_all(const uint64_t *wanted)
{
    memcpy(current, wanted, sizeof(current));
    for (size_t i = 0; i < switchboard_sources(crew.board); i++)
        for (enum sample_type type = 0; type < SAMPLE_TYPES; type++)
            set_one(switchboard_source(crew.board, i).sampling, type, wanted[type]);
}

uint64_t rates_get(enum sample_type type)
{
    return current[type];
}

void rates_init(const struct settings *settings)
{
    uint64_t wanted[SAMPLE_TYPES];

    for (enum sample_type type = 0; type < SAMPLE_TYPES; type++) {
        const char *setting = (const char *)settings + rates[type].setting;

        memcpy(&wanted[type], setting, sizeof(wanted[type]));
    }
    set_all(wanted);
}

const char *rates_flag(enum sample_type type)
{
    return rates[type].flag;
}

const char *rates_key(enum sample_type type)
{
    return rates[type].key;
}

/* -- Over HTTP ------------------------------------------------------------------------------- */

static bool find_key(const char *key, enum sample_type *type)
{
    for (*type = 0; *type < SAMPLE_TYPES; (*type)++)
        if (strcmp(key, rates[*type].key) == 0)
            return true;
    return false;
}

static bool read_rate(enum sample_type type, const json_t *value, uint64_t *rate, struct err *err)
{
    double number = json_number_value(value);
    int64_t least, most;

    settings_range(rates[type].flag, &least, &most);
    if (!json_is_number(value) || floor(number) != number || number < (double)least ||
        number > (double)most)
        return err_set(err, ERR_BAD_PARAMS, "%s must be a whole number from %lld to %lld",
                       rates[type].key, (long long)least, (long long)most);
    *rate = (uint64_t)number;
    return true;
}

/* Those that `changes` has; NULL: none. */
static bool read_rates(json_t *changes, uint64_t *wanted, struct err *err)
{
    enum sample_type type;
    const char *key;
    json_t *value;

    json_object_foreach(changes, key, value)
    {
        if (!find_key(key, &type))
            return err_set(err, ERR_BAD_PARAMS,
                           "\"%.40s\" is no rate, but cpu_hz, wall_hz, alloc_bytes and lock_ns are",
                           key);
        if (!read_rate(type, value, &wanted[type], err))
            return false;
    }
    return true;
}

void serve_rates(struct exchange *ex, struct str name)
{
    struct buf body = {0};

    (void)name;
    for (enum sample_type type = 0; type < SAMPLE_TYPES; type++)
        buf_format(&body, "%s\"%s\":%llu", type ? "," : "{", rates[type].key,
                   (unsigned long long)rates_get(type));
    buf_put_str(&body, STR("}"));
    exchange_send_json(ex, 200, buf_str(&body));
    buf_fini(&body);
}

void serve_rate_changes(struct exchange *ex, struct str name)
{
    uint64_t wanted[SAMPLE_TYPES];
    json_t *changes;
    struct err err;

    for (enum sample_type type = 0; type < SAMPLE_TYPES; type++)
        wanted[type] = rates_get(type);
    bool ok = params_parse(exchange_body(ex), &changes, &err) && read_rates(changes, wanted, &err);
    json_decref(changes);
    if (!ok) {
        exchange_send_error(ex, &err, none);
        return;
    }
    set_all(wanted);
    log_line(LOG_INFO, "profiling cpu_hz=%llu wall_hz=%llu alloc_bytes=%llu lock_ns=%llu",
             (unsigned long long)wanted[SAMPLE_CPU], (unsigned long long)wanted[SAMPLE_WALL],
             (unsigned long long)wanted[SAMPLE_ALLOC], (unsigned long long)wanted[SAMPLE_MUTEX]);
    serve_rates(ex, name);
}
