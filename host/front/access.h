/* access.h - who may ask for what. */
/* SPDX-License-Identifier: MIT */
#pragma once

#include "front/exchange.h"

enum access {
    ACCESS_OPEN,   /* anybody */
    ACCESS_INVOKE, /* anybody, or who has the invoke token or the admin token, once it is set */
    ACCESS_ADMIN   /* who has the admin token; without one, any program on this machine: the server
                    * then listens on loopback only, or is told that nobody else reaches it */
};

/*   fails   ERR_UNAUTHORIZED without the right token; ERR_FORBIDDEN for a page of another site */
bool access_allows(const struct exchange *ex, enum access access, struct err *err);
