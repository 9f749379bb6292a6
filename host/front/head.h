/* head.h - whether the head of an HTTP/1 request says one thing only. */
/* SPDX-License-Identifier: MIT */
#pragma once

#include "base/err.h"
#include "base/str.h"

/* Checks what libh2o lets pass: a head that another HTTP program could take for one of another
 * length, and so for more than one request. `raw` begins with the head and may go on behind it.
 *
 *   fails   ERR_BAD_REQUEST, with what is wrong; nothing behind this head may be taken as a request
 */
bool head_check(struct str raw, struct err *err);
