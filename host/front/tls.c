/* tls.c - loading a certificate and its key. */
/* SPDX-License-Identifier: MIT */
#include "front/tls.h"

#include <h2o.h>
#include <openssl/err.h>

#include "base/log.h"

static const h2o_iovec_t offered[] = {{(char *)"h2", 2}, {(char *)"http/1.1", 8}, {NULL, 0}};

/* Nobody is there to be asked for the password of a key. */
static int no_password(char *buf, int size, int writing, void *data)
{
    (void)buf;
    (void)size;
    (void)writing;
    (void)data;
    return -1;
}

/* With OpenSSL's reason, of which the first says most. */
static bool refuse(struct err *err, const char *what, const char *file)
{
    const char *reason = ERR_reason_error_string(ERR_get_error());

    ERR_clear_error();
    return err_set(err, ERR_BAD_REQUEST, "%s \"%s\": %s", what, file, reason ? reason : "no use");
}

static bool load(const struct settings *settings, SSL_CTX *tls, struct err *err)
{
    if (SSL_CTX_use_certificate_chain_file(tls, settings->tls_cert) != 1)
        return refuse(err, "cannot use the certificate of --tls-cert", settings->tls_cert);
    if (SSL_CTX_use_PrivateKey_file(tls, settings->tls_key, SSL_FILETYPE_PEM) != 1)
        return refuse(err, "cannot use the key of --tls-key", settings->tls_key);
    return SSL_CTX_check_private_key(tls) == 1 ||
           refuse(err, "the certificate of --tls-cert is not that of the key", settings->tls_key);
}

bool tls_open(const struct settings *settings, SSL_CTX **tls, struct err *err)
{
    *tls = NULL;
    if (!settings->tls_cert && !settings->tls_key)
        return true;
    if (!settings->tls_cert || !settings->tls_key)
        return err_set(err, ERR_BAD_REQUEST, "--tls-cert and --tls-key go together: %s is missing",
                       settings->tls_cert ? "--tls-key" : "--tls-cert");
    SSL_CTX *fresh = SSL_CTX_new(TLS_server_method());
    if (!fresh)
        return err_set(err, ERR_INTERNAL, "no TLS context");
    SSL_CTX_set_min_proto_version(fresh, TLS1_2_VERSION);
    SSL_CTX_set_options(fresh, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                   SSL_OP_CIPHER_SERVER_PREFERENCE);
    SSL_CTX_set_mode(fresh, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_default_passwd_cb(fresh, no_password);
    h2o_ssl_register_alpn_protocols(fresh, settings->http2 ? offered : offered + 1);
    if (!load(settings, fresh, err)) {
        SSL_CTX_free(fresh);
        return false;
    }
    *tls = fresh;
    return true;
}

void tls_warn(const struct settings *settings, const SSL_CTX *tls)
{
    const X509 *cert = SSL_CTX_get0_certificate(tls);

    if (X509_cmp_current_time(X509_get0_notAfter(cert)) < 0)
        log_line(LOG_WARN, "the certificate has expired file=%s",
                 log_quoted(str_of(settings->tls_cert)));
    if (X509_cmp_current_time(X509_get0_notBefore(cert)) > 0)
        log_line(LOG_WARN, "the certificate is not valid yet file=%s",
                 log_quoted(str_of(settings->tls_cert)));
}
