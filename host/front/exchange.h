/* exchange.h - one HTTP request and its one reply. */
/* SPDX-License-Identifier: MIT */
#pragma once

#include <h2o.h>

#include "front/compose.h"
#include "front/held.h"

/* Lives in the request's memory: gone as soon as h2o drops the request, which is after the reply,
 * or before it when the client leaves. */
struct exchange {
    struct timer left; /* first: found from its address */
    h2o_req_t *req;
    struct str call_id, traceparent;
    struct held held;          /* the reply, while it is sent */
    size_t body_bytes;         /* taken from what all calls may hold */
    uint64_t expires_ns;       /* X-Timeout-Ms; 0: none */
    unsigned retry_s;          /* for Retry-After */
    void (*gone)(void *owner); /* while somebody works on the reply */
    void *owner;
};

/* Reads the headers that every call may have.
 *
 *   fails   false, with ERR_BAD_REQUEST for a header value that makes no sense, or ERR_TOO_LARGE;
 *           the exchange can then still send that error
 */
bool exchange_open(h2o_req_t *req, struct exchange **exchange, struct err *err);

struct str exchange_body(const struct exchange *ex);
struct str exchange_path(const struct exchange *ex);

/* The first header of that lower-case name, or a text with a NULL pointer. */
struct str exchange_asked(const struct exchange *ex, struct str name);

/* Whom the request is for, as Host says: "localhost:8088". May be empty. */
struct str exchange_authority(const struct exchange *ex);

/* The value of a query parameter, or one with a NULL pointer. Nothing is decoded. */
struct str exchange_query(const struct exchange *ex, struct str name);

/* The reply comes later, unless the client leaves before it: then `gone` is called, once, and the
 * exchange is forgotten. A client that closes only its own half still gets a reply that is quick:
 * it cannot be told from one that leaves. */
void exchange_wait(struct exchange *ex, void (*gone)(void *owner), void *owner);

/* `name` is lower-case and a literal; the value is copied, and has been checked. */
void exchange_header(struct exchange *ex, const char *name, struct str value);

/* The reply; after it the exchange may be gone. The body is copied. */
void exchange_send(struct exchange *ex, int status, const char *content_type, struct str body);
void exchange_send_json(struct exchange *ex, int status, struct str body);
void exchange_send_error(struct exchange *ex, const struct err *err, struct str function);

/* As exchange_send_error, with what `failure` says beside `err`; NULL: nothing. */
void exchange_send_failure(struct exchange *ex, const struct err *err, struct str function,
                           const struct failure *failure);

/* Alike, of a body that lives on; 304 sends none. */
void exchange_send_lasting(struct exchange *ex, int status, const char *content_type,
                           struct str body);

/* Requests that have not been answered, or whose answer is still being sent. */
size_t exchange_count(void);

/* Those of them that somebody works on: exchange_wait. */
size_t exchange_waiting(void);

/* From now on replies close their connections. */
void exchange_close_connections(void);

/* Limits bodies to `body_max` bytes, and gives h2o's own refusals the form of our errors. */
void exchange_configure(h2o_globalconf_t *config, h2o_hostconf_t *host, size_t body_max,
                        struct timers *timers);
