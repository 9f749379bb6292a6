/* routes.h - which path does what. */
/* SPDX-License-Identifier: MIT */
#pragma once

#include "base/settings.h"
#include "front/access.h"
#include "front/query.h"

enum { ROUTE_QUERIES_MAX = 4 };

/* What /openapi.json tells of a route beside its path. */
struct route_doc {
    const char *words;        /* a sentence; NULL: it is left out */
    const char *name;         /* parameter of openapi.json that stands for the star */
    const char *body, *reply; /* schemas of openapi.json; a reply may be a media type instead */
    enum query queries[ROUTE_QUERIES_MAX];
    const char *unready; /* schema of its 503; NULL: an error's */
};

/* A path that ends with a star takes a name in its place. */
struct route {
    const char *method, *path;
    enum access access;
    void (*serve)(struct exchange *ex, struct str name);
    struct route_doc doc;
};

void routes_init(const struct settings *settings);

/* All of them. */
const struct route *routes_table(size_t *count);

/* Serves any request; h2o's handler. */
int routes_serve(h2o_handler_t *self, h2o_req_t *req);

/* From now on /ready says so. */
void routes_drain(void);
