/* labels.c - reading and checking labels. */
/* SPDX-License-Identifier: MIT */
#include "base/labels.h"

/* Pyroscope's own begin with "__"; samples have "function" and "start". */
static const char *const reserved[] = {"service_name", "function", "start"};

static bool is_name(struct str name)
{
    if (!name.len || name.len > LABEL_NAME_MAX || (name.at[0] >= '0' && name.at[0] <= '9'))
        return false;
    for (size_t i = 0; i < name.len; i++) {
        char c = name.at[i], lower = (char)(c | ' ');

        if (c != '_' && (c < '0' || c > '9') && (lower < 'a' || lower > 'z'))
            return false;
    }
    return true;
}

static bool is_reserved(struct str name)
{
    for (size_t i = 0; i < sizeof(reserved) / sizeof(*reserved); i++)
        if (str_equal(name, str_of(reserved[i])))
            return true;
    return str_starts(name, STR("__"));
}

static bool is_there(const struct labels *labels, struct str name)
{
    for (size_t i = 0; i < labels->count; i++)
        if (str_equal(name, labels->all[i].name))
            return true;
    return false;
}

bool label_is_value(struct str text, size_t most)
{
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)text.at[i] < ' ' || text.at[i] == '\x7f')
            return false;
    return text.len && text.len <= most && str_utf8_prefix(text) == text.len;
}

/* For a sentence: the first bytes of what may be long. */
static int shown(struct str text)
{
    return text.len < 40 ? (int)text.len : 40;
}

static bool add(struct labels *labels, const char *setting, struct str name, struct str value,
                struct err *err)
{
    if (!is_name(name))
        return err_set(err, ERR_BAD_REQUEST,
                       "%s has the name \"%.*s\", but names are [a-zA-Z_][a-zA-Z0-9_]*, of up to "
                       "%d characters",
                       setting, shown(name), name.at, LABEL_NAME_MAX);
    if (is_reserved(name))
        return err_set(err, ERR_BAD_REQUEST,
                       "%s has the name \"%.*s\", but service_name, function, start and those "
                       "beginning with __ are the server's",
                       setting, shown(name), name.at);
    if (!label_is_value(value, LABEL_VALUE_MAX))
        return err_set(err, ERR_BAD_REQUEST,
                       "%s has a value of \"%.*s\" that is not 1 to %d bytes of text", setting,
                       shown(name), name.at, LABEL_VALUE_MAX);
    if (is_there(labels, name))
        return err_set(err, ERR_BAD_REQUEST, "%s has \"%.*s\" twice", setting, shown(name),
                       name.at);
    if (labels->count == LABELS_MAX)
        return err_set(err, ERR_BAD_REQUEST, "%s has more than %d labels", setting, LABELS_MAX);
    labels->all[labels->count].name = name;
    labels->all[labels->count++].value = value;
    return true;
}

bool labels_parse(struct labels *labels, const char *setting, struct str text, struct err *err)
{
    struct str rest = str_trim(text);

    labels->count = 0;
    if (!rest.len)
        return true;
    while (rest.at) {
        struct str value = str_cut(&rest, ','), name = str_cut(&value, '=');

        if (!value.at)
            return err_set(err, ERR_BAD_REQUEST, "%s has \"%.*s\", but takes name=value,...",
                           setting, shown(name), name.at);
        if (!add(labels, setting, str_trim(name), str_trim(value), err))
            return false;
    }
    return true;
}
