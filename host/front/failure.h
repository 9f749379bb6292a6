/* failure.h - what the reply of a failed call says beside its err. */
/* SPDX-License-Identifier: MIT */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "wire/message.h"

/* Zeroed says nothing. Texts are borrowed. */
struct failure {
    int status;           /* that the function chose; 0: that of the err's code */
    struct str code;      /* that the function chose; empty: that of the err's code */
    struct str child;     /* whose error the function passes on; empty: it is its own */
    struct str details;   /* that the function gave, as JSON; empty: none */
    struct str traceback; /* empty: none */
};

/* Reads what a worker says of a call that failed. A function may have taken its worker over, so
 * that nothing is believed: not the code's letters, the status, the lengths, nor the JSON.
 *
 *   fails   false: `failure` says nothing
 */
bool failure_read(struct failure *failure, const struct message *m, const struct str *texts);

/* `failure` may be NULL here. */
int failure_status(const struct failure *failure, const struct err *err);
struct str failure_code(const struct failure *failure, const struct err *err);
