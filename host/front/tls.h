/* tls.h - the certificate that listeners show. */
/* SPDX-License-Identifier: MIT */
#pragma once

#include <openssl/ssl.h>

#include "base/err.h"
#include "base/settings.h"

/* Reads certificate and key, and sets what is spoken: TLS 1.2 and 1.3, ALPN. `*tls` is NULL where
 * the settings name none.
 *
 *   owns    the caller: SSL_CTX_free
 *   fails   ERR_BAD_REQUEST, with the file and what is wrong with it
 */
bool tls_open(const struct settings *settings, SSL_CTX **tls, struct err *err);

/* Says in the log when the certificate is out of its time. */
void tls_warn(const struct settings *settings, const SSL_CTX *tls);
