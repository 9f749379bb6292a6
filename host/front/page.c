/* page.c - sending the page's files, compressed to clients that take it, or not at all. */
/* SPDX-License-Identifier: MIT */
#include "front/page.h"

#include <strings.h>

#include "embedded_page.h"

static const struct file {
    const char *name, *etag;
    const char *plain, *plain_end, *gzip, *gzip_end;
} files[] = {
#define X(name, sum, at) {name, "W/\"" sum "\"", at, at##_end, at##_gzip, at##_gzip_end},
    EMBEDDED_PAGE(X)
#undef X
};

enum { FILES = sizeof(files) / sizeof(*files) };

static const struct {
    const char *suffix, *type;
} types[] = {{".html", "text/html; charset=utf-8"},
             {".css", "text/css; charset=utf-8"},
             {".js", "text/javascript; charset=utf-8"},
             {".svg", "image/svg+xml"}};

/* What functions return and log is shown on the page: nothing of it may run. */
static const struct {
    const char *name;
    struct str value;
} headers[] = {
    {"cache-control", STR("no-cache")}, /* asked for each time, sent when it is another */
    {"vary", STR("accept-encoding")},
    {"content-security-policy",
     STR("default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
         "img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")},
    {"x-content-type-options", STR("nosniff")},
    {"referrer-policy", STR("no-referrer")},
};

static const char *type_of(const struct file *file)
{
    struct str name = str_of(file->name);

    for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++) {
        struct str suffix = str_of(types[i].suffix);

        if (name.len > suffix.len &&
            memcmp(name.at + name.len - suffix.len, suffix.at, suffix.len) == 0)
            return types[i].type;
    }
    return "application/octet-stream";
}

/* "gzip" in a list like "br;q=1, gzip;q=0.5", unless its weight is 0. */
static bool takes_gzip(const struct exchange *ex)
{
    struct str rest = exchange_asked(ex, STR("accept-encoding"));

    while (rest.len) {
        struct str weight = str_cut(&rest, ','), coding = str_trim(str_cut(&weight, ';'));

        if (coding.len != 4 || strncasecmp(coding.at, "gzip", 4) != 0)
            continue;
        weight = str_trim(weight);
        for (size_t i = 2; i < weight.len; i++)
            if (weight.at[i] >= '1' && weight.at[i] <= '9')
                return true;
        return weight.len == 0;
    }
    return false;
}

/* The sum in its quotes is nowhere else in the list. */
static bool has_it(const struct exchange *ex, const struct file *file)
{
    struct str known = exchange_asked(ex, STR("if-none-match"));
    struct str quoted = str_of(file->etag + 2);

    return known.len && (str_equal(str_trim(known), STR("*")) ||
                         memmem(known.at, known.len, quoted.at, quoted.len));
}

static void send_file(struct exchange *ex, const struct file *file)
{
    struct str body = {file->plain, (size_t)(file->plain_end - file->plain)};

    exchange_header(ex, "etag", str_of(file->etag));
    for (size_t i = 0; i < sizeof(headers) / sizeof(*headers); i++)
        exchange_header(ex, headers[i].name, headers[i].value);
    if (takes_gzip(ex)) {
        body = (struct str){file->gzip, (size_t)(file->gzip_end - file->gzip)};
        exchange_header(ex, "content-encoding", STR("gzip"));
    }
    exchange_send_lasting(ex, has_it(ex, file) ? 304 : 200, type_of(file), body);
}

void serve_page_file(struct exchange *ex, struct str name)
{
    const struct str none = {NULL, 0};
    struct err err;

    for (size_t i = 0; i < FILES; i++)
        if (str_equal(name, str_of(files[i].name))) {
            send_file(ex, &files[i]);
            return;
        }
    err_set(&err, ERR_NOT_FOUND, "the page has no file \"%.*s\"", STR_ARG(name));
    exchange_send_error(ex, &err, none);
}

void serve_page(struct exchange *ex, struct str name)
{
    (void)name;
    serve_page_file(ex, STR("index.html"));
}
