/* transfer.c - libcurl's multi interface, with one handle. */
/* SPDX-License-Identifier: MIT */
#include "push/transfer.h"

#include <curl/curl.h>
#include <dlfcn.h>
#include <stdio.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/push_secrets.h"

enum { TRY_MS = 10000 };

#define FUNCTIONS(X)                                                                               \
    X(global_init)                                                                                 \
    X(easy_init)                                                                                   \
    X(easy_setopt)                                                                                 \
    X(easy_getinfo)                                                                                \
    X(easy_strerror)                                                                               \
    X(slist_append)                                                                                \
    X(multi_init)                                                                                  \
    X(multi_add_handle)                                                                            \
    X(multi_remove_handle)                                                                         \
    X(multi_perform)                                                                               \
    X(multi_poll)                                                                                  \
    X(multi_info_read)

static struct {
#define X(name) __typeof__(curl_##name) *(name);
    FUNCTIONS(X)
#undef X
} curl;

static struct {
    CURL *easy;
    CURLM *multi;
    struct curl_slist *headers;
    char error[CURL_ERROR_SIZE];
    const struct upload *upload; /* NULL: none runs */
    uint64_t at;                 /* how much of it was read */
    char said[sizeof(((struct transfer_result *)NULL)->said)];
    size_t said_len;
} t;

/* -- The library ----------------------------------------------------------------------------- */

bool transfer_load(struct err *err)
{
    static const struct {
        const char *name;
        void **at;
    } functions[] = {
#define X(name) {"curl_" #name, (void **)&curl.name},
        FUNCTIONS(X)
#undef X
    };
    void *library = dlopen("libcurl.so.4", RTLD_NOW | RTLD_LOCAL);

    for (size_t i = 0; i < sizeof(functions) / sizeof(*functions); i++)
        if (!library || !(*functions[i].at = dlsym(library, functions[i].name)))
            return err_set(err, ERR_INTERNAL,
                           "profiles cannot be pushed without libcurl.so.4 (Debian: libcurl4): %s",
                           dlerror());
    return true;
}

/* -- What libcurl calls ---------------------------------------------------------------------- */

static size_t on_read(char *to, size_t size, size_t count, void *unused)
{
    ssize_t len = pread(t.upload->fd, to, size * count, (off_t)t.at);

    (void)unused;
    if (len < 0)
        return CURL_READFUNC_ABORT;
    t.at += (uint64_t)len;
    return (size_t)len;
}

/* A connection that was kept may turn out to be closed; the next one begins anew. */
static int on_seek(void *unused, curl_off_t offset, int origin)
{
    (void)unused;
    if (origin != SEEK_SET)
        return CURL_SEEKFUNC_CANTSEEK;
    t.at = (uint64_t)offset;
    return CURL_SEEKFUNC_OK;
}

static size_t on_reply(char *bytes, size_t size, size_t count, void *unused)
{
    size_t len = size * count;

    (void)unused;
    for (size_t i = 0; i < len && t.said_len < sizeof(t.said) - 1; i++)
        t.said[t.said_len++] = bytes[i];
    return len;
}

/* -- One request ----------------------------------------------------------------------------- */

void transfer_start(const struct upload *upload)
{
    t.upload = upload;
    t.at = 0;
    t.said_len = 0;
    t.error[0] = '\0';
    curl.easy_setopt(t.easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)upload->bytes);
    curl.multi_add_handle(t.multi, t.easy);
}

static void tell(CURLcode code, struct transfer_result *result)
{
    curl_off_t retry_s = 0;

    *result = (struct transfer_result){.status = 0};
    if (code != CURLE_OK) {
        snprintf(result->said, sizeof(result->said), "%s",
                 t.error[0] ? t.error : curl.easy_strerror(code));
        return;
    }
    curl.easy_getinfo(t.easy, CURLINFO_RESPONSE_CODE, &result->status);
    curl.easy_getinfo(t.easy, CURLINFO_RETRY_AFTER, &retry_s);
    result->retry_s = retry_s;
    memcpy(result->said, t.said, t.said_len);
}

bool transfer_turn(int fd, int wait_ms, struct transfer_result *result)
{
    struct curl_waitfd extra = {.fd = fd, .events = CURL_WAIT_POLLIN};
    const CURLMsg *message;
    int running, left;

    curl.multi_perform(t.multi, &running);
    while ((message = curl.multi_info_read(t.multi, &left)))
        if (message->msg == CURLMSG_DONE && t.upload) {
            tell(message->data.result, result);
            curl.multi_remove_handle(t.multi, t.easy);
            t.upload = NULL;
            return true;
        }
    curl.multi_poll(t.multi, &extra, fd >= 0, wait_ms, NULL);
    return false;
}

/* -- Start ----------------------------------------------------------------------------------- */

static void add_header(const char *name, const char *value)
{
    struct buf line = {0};

    buf_format(&line, "%s:%s%s", name, *value ? " " : "", value);
    buf_put(&line, "", 1);
    t.headers = curl.slist_append(t.headers, line.at);
    explicit_bzero(line.at, line.len);
    buf_fini(&line);
}

static void set_headers(const struct settings *settings)
{
    char bearer[sizeof("Bearer ") + PUSH_TOKEN_MAX];

    add_header("Content-Type", "application/proto");
    add_header("Content-Encoding", "gzip");
    add_header("Expect", ""); /* libcurl would wait for a word of the server before large bodies */
    if (settings->push_tenant)
        add_header("X-Scope-OrgID", settings->push_tenant);
    if (push_secrets_get(PUSH_TOKEN)) {
        snprintf(bearer, sizeof(bearer), "Bearer %s", push_secrets_get(PUSH_TOKEN));
        add_header("Authorization", bearer);
        explicit_bzero(bearer, sizeof(bearer));
    }
    curl.easy_setopt(t.easy, CURLOPT_HTTPHEADER, t.headers);
}

static void set_address(const struct settings *settings)
{
    struct buf url = {0};
    struct str address = str_of(settings->push_address);

    while (address.len && address.at[address.len - 1] == '/')
        address.len--;
    buf_put_str(&url, address);
    buf_put_str(&url, STR("/push.v1.PusherService/Push"));
    buf_put(&url, "", 1);
    curl.easy_setopt(t.easy, CURLOPT_URL, url.at);
    buf_fini(&url);
}

static void set_user(void)
{
    if (!push_secrets_get(PUSH_USER))
        return;
    curl.easy_setopt(t.easy, CURLOPT_HTTPAUTH, (long)CURLAUTH_BASIC);
    curl.easy_setopt(t.easy, CURLOPT_USERNAME, push_secrets_get(PUSH_USER));
    curl.easy_setopt(t.easy, CURLOPT_PASSWORD, push_secrets_get(PUSH_PASSWORD));
}

static void set_options(void)
{
    curl.easy_setopt(t.easy, CURLOPT_POST, 1L);
    curl.easy_setopt(t.easy, CURLOPT_TIMEOUT_MS, (long)TRY_MS);
    curl.easy_setopt(t.easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl.easy_setopt(t.easy, CURLOPT_USERAGENT, "faas-server");
    curl.easy_setopt(t.easy, CURLOPT_NOSIGNAL, 1L);
    curl.easy_setopt(t.easy, CURLOPT_QUICK_EXIT, 1L); /* does not wait for a slow name service */
    curl.easy_setopt(t.easy, CURLOPT_ERRORBUFFER, t.error);
    curl.easy_setopt(t.easy, CURLOPT_READFUNCTION, on_read);
    curl.easy_setopt(t.easy, CURLOPT_SEEKFUNCTION, on_seek);
    curl.easy_setopt(t.easy, CURLOPT_WRITEFUNCTION, on_reply);
}

bool transfer_open(const struct settings *settings, struct err *err)
{
    if (!transfer_load(err))
        return false;
    if (curl.global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK || !(t.easy = curl.easy_init()) ||
        !(t.multi = curl.multi_init()))
        return err_set(err, ERR_INTERNAL, "libcurl does not start");
    set_options();
    set_address(settings);
    set_headers(settings);
    set_user();
    push_secrets_wipe();
    return true;
}
