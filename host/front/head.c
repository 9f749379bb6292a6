/* head.c - strict reading of request heads. */
/* SPDX-License-Identifier: MIT */
#include "front/head.h"

#include <strings.h>

/* Digits of the largest length that cannot overflow. */
enum { LENGTH_DIGITS_MAX = 18, VERSION_LEN = sizeof("HTTP/1.1") - 1 };

struct seen {
    unsigned lengths, encodings, hosts;
};

static bool refuse(struct err *err, const char *what)
{
    return err_set(err, ERR_BAD_REQUEST, "the head of the request is refused: %s", what);
}

static bool cut_line(struct str *raw, struct str *line, struct err *err)
{
    const char *end = raw->len ? memchr(raw->at, '\n', raw->len) : NULL;

    if (!end)
        return refuse(err, "it has no end");
    *line = (struct str){raw->at, (size_t)(end - raw->at)};
    raw->len -= line->len + 1;
    raw->at = end + 1;
    if (line->len == 0 || line->at[line->len - 1] != '\r')
        return refuse(err, "a line ends without CR LF");
    line->len--;
    if (memchr(line->at, '\r', line->len))
        return refuse(err, "it has a CR inside a line");
    return true;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static bool check_length(struct str value, struct err *err)
{
    bool digits = value.len > 0 && value.len <= LENGTH_DIGITS_MAX;

    for (size_t i = 0; digits && i < value.len; i++)
        digits = value.at[i] >= '0' && value.at[i] <= '9';
    return digits || refuse(err, "Content-Length is no plain number");
}

static bool check_encoding(struct str value, struct err *err)
{
    if (value.len == 7 && strncasecmp(value.at, "chunked", 7) == 0)
        return true;
    return refuse(err, "Transfer-Encoding is something else than chunked");
}

/* What no host and port has, and what makes another part of a URL of it. */
static bool ends_a_host(char c)
{
    return c <= ' ' || c == ',' || c == '/' || c == '@' || c == '?' || c == '#' || c == '\\' ||
           c == 0x7F;
}

static bool check_host(struct str value, struct err *err)
{
    for (size_t i = 0; i < value.len; i++)
        if (ends_a_host(value.at[i]))
            return refuse(err, "Host is no host");
    return true;
}

static bool is_name(struct str name, const char *wanted)
{
    return strncasecmp(name.at, wanted, name.len) == 0;
}

/* The lengths of these names differ. */
static bool check_value(struct str name, struct str value, struct seen *seen, struct err *err)
{
    if (name.len == sizeof("host") - 1 && is_name(name, "host"))
        return ++seen->hosts == 1 ? check_host(value, err) : refuse(err, "Host is given twice");
    if (name.len == sizeof("content-length") - 1 && is_name(name, "content-length"))
        return ++seen->lengths == 1 ? check_length(value, err)
                                    : refuse(err, "Content-Length is given twice");
    if (name.len == sizeof("transfer-encoding") - 1 && is_name(name, "transfer-encoding"))
        return ++seen->encodings == 1 ? check_encoding(value, err)
                                      : refuse(err, "Transfer-Encoding is given twice");
    return true;
}

static bool cut_field(struct str line, struct str *name, struct str *value, struct err *err)
{
    const char *colon = memchr(line.at, ':', line.len);

    if (is_blank(line.at[0]))
        return refuse(err, "a header goes on in a second line");
    if (!colon || colon == line.at)
        return refuse(err, "a header has no name");
    *name = (struct str){line.at, (size_t)(colon - line.at)};
    if (is_blank(colon[-1]))
        return refuse(err, "there is a space before a colon");
    *value = (struct str){colon + 1, line.len - name->len - 1};
    while (value->len && is_blank(value->at[0]))
        *value = (struct str){value->at + 1, value->len - 1};
    while (value->len && is_blank(value->at[value->len - 1]))
        value->len--;
    return true;
}

static bool check_version(struct str line, bool *old, struct err *err)
{
    const char *version = line.at + line.len - VERSION_LEN;

    if (line.len < VERSION_LEN || memcmp(version, "HTTP/1.", VERSION_LEN - 1) != 0)
        return refuse(err, "it names no version of HTTP/1");
    *old = version[VERSION_LEN - 1] == '0';
    return true;
}

static bool check_seen(const struct seen *seen, bool old, struct err *err)
{
    if (seen->lengths && seen->encodings)
        return refuse(err, "it has a Content-Length beside a Transfer-Encoding");
    if (seen->encodings && old)
        return refuse(err, "HTTP/1.0 has no Transfer-Encoding");
    if (!seen->hosts && !old)
        return refuse(err, "Host is missing");
    return true;
}

/* One empty line may come first: some clients send one behind a body. */
static struct str without_empty_line(struct str raw)
{
    if (raw.len >= 2 && memcmp(raw.at, "\r\n", 2) == 0)
        return (struct str){raw.at + 2, raw.len - 2};
    return raw;
}

bool head_check(struct str raw, struct err *err)
{
    struct str rest = without_empty_line(raw), line = {NULL, 0}, name = line, value = line;
    struct seen seen = {0, 0, 0};
    bool old = false;

    if (!cut_line(&rest, &line, err) || !check_version(line, &old, err))
        return false;
    while (cut_line(&rest, &line, err)) {
        if (line.len == 0)
            return memchr(raw.at, '\0', (size_t)(rest.at - raw.at)) ? refuse(err, "it has a NUL")
                                                                    : check_seen(&seen, old, err);
        if (!cut_field(line, &name, &value, err) || !check_value(name, value, &seen, err))
            return false;
    }
    return false;
}
