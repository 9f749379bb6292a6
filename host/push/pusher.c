/* pusher.c - takes uploads, sends them, tries again, gives up. */
/* SPDX-License-Identifier: MIT */
#include "push/pusher.h"

#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "push/push_wall.h"
#include "push/retry.h"
#include "push/transfer.h"
#include "push/waiting.h"

enum { WAIT_MOST_MS = 60000 };

static struct {
    const struct uploads *uploads;
    struct upload_figures *figures;
    struct waiting waiting;
    struct waiting_upload sending;
    bool is_sending, is_ending;
    uint64_t next_ns;     /* when the next try may be */
    enum verdict verdict; /* the last one */
} p;

/* -- What becomes of uploads ----------------------------------------------------------------- */

static void forget(const struct waiting_upload *one)
{
    close(one->upload.fd);
    atomic_fetch_sub(&p.figures->queued, 1);
}

static void drop(const struct waiting_upload *one, enum upload_drop why)
{
    atomic_fetch_add(&p.figures->dropped[why], 1);
    forget(one);
}

static void drop_all(void)
{
    struct waiting_upload one;

    while (waiting_take(&p.waiting, &one))
        drop(&one, UPLOAD_ENDED);
}

/* A line when it begins to fail, and one when it is back, not one for each upload. */
static void note(enum verdict verdict, const struct transfer_result *r)
{
    if (verdict == p.verdict)
        return;
    p.verdict = verdict;
    if (verdict == VERDICT_TAKEN)
        log_line(LOG_INFO, "profiles are pushed again");
    else
        log_line(LOG_WARN, "profiles are %s status=%ld reason=%s",
                 verdict == VERDICT_AGAIN ? "not pushed, trying again" : "refused", r->status,
                 log_quoted(str_of(r->said)));
}

static void try_again(struct waiting_upload *one, const struct transfer_result *r)
{
    p.next_ns =
        clock_now_ns() + retry_wait_ms(one->tries + 1, r->retry_s, arc4random()) * NS_PER_MS;
    if (++one->tries == RETRY_TRIES_MAX)
        drop(one, UPLOAD_FAILED);
    else if (waiting_put_back(&p.waiting, one))
        atomic_fetch_add(&p.figures->retries, 1);
    else
        drop(one, UPLOAD_OVERFLOW);
}

static void settle(const struct transfer_result *r)
{
    enum verdict verdict = retry_judge(r->status);

    p.is_sending = false;
    note(verdict, r);
    if (verdict == VERDICT_TAKEN) {
        atomic_fetch_add(&p.figures->sent, 1);
        atomic_fetch_add(&p.figures->bytes, p.sending.upload.bytes);
        forget(&p.sending);
    } else if (verdict == VERDICT_REFUSED) {
        drop(&p.sending, UPLOAD_REFUSED);
    } else if (!p.is_ending) {
        try_again(&p.sending, r);
    } else {
        drop(&p.sending, UPLOAD_ENDED);
        if (!r->status)
            drop_all(); /* nobody is there: waiting for that again would hold up the end */
    }
}

/* -- The loop -------------------------------------------------------------------------------- */

static void take_new(void)
{
    struct waiting_upload gone;
    struct upload upload;
    enum uploads_state state;

    while (!p.is_ending && (state = uploads_take(p.uploads, &upload)) != UPLOADS_NONE) {
        p.is_ending = state == UPLOADS_END;
        if (p.is_ending)
            return;
        atomic_fetch_add(&p.figures->queued, 1);
        if (waiting_put(&p.waiting, &upload, &gone))
            drop(&gone, UPLOAD_OVERFLOW);
    }
}

static void start_next(void)
{
    while (!p.is_sending && (p.is_ending || clock_now_ns() >= p.next_ns) &&
           waiting_take(&p.waiting, &p.sending)) {
        p.is_sending = !retry_is_too_old(p.sending.upload.from_wall_ms, clock_wall_ms());
        if (p.is_sending)
            transfer_start(&p.sending.upload);
        else
            drop(&p.sending, UPLOAD_OLD);
    }
}

static int wait_ms(void)
{
    uint64_t now = clock_now_ns();

    if (p.is_sending || !p.waiting.count || p.next_ns > now + WAIT_MOST_MS * NS_PER_MS)
        return WAIT_MOST_MS;
    return p.next_ns > now ? (int)((p.next_ns - now) / NS_PER_MS) + 1 : 0;
}

static void push(void)
{
    struct transfer_result result;

    for (;;) {
        take_new();
        start_next();
        if (p.is_ending && !p.is_sending)
            return;
        if (transfer_turn(p.is_ending ? -1 : p.uploads->from_front, wait_ms(), &result))
            settle(&result);
    }
}

/* What a pusher before this one had is gone with it. */
static void count_lost(void)
{
    atomic_fetch_add(&p.figures->dropped[UPLOAD_ENDED], atomic_exchange(&p.figures->queued, 0));
}

int pusher_main(const struct uploads *uploads, const struct settings *settings)
{
    struct err err;

    p.uploads = uploads;
    p.figures = uploads->figures;
    atomic_store(&p.figures->pusher, getpid());
    count_lost();
    if (!transfer_open(settings, &err) || (settings->walls && !push_wall_raise(&err))) {
        log_line(LOG_ERROR, "%s", err.text);
        return 1;
    }
    log_line(LOG_INFO, "pushing profiles url=%s", log_quoted(str_of(settings->push_address)));
    push();
    return 0;
}

bool pusher_rehearse(struct err *err)
{
    int status = -1;
    pid_t pid = fork();

    if (pid == 0)
        _exit(!transfer_load(err));
    if (pid > 0 && waitpid(pid, &status, 0) == pid && status == 0)
        return true;
    return err_set(err, ERR_INTERNAL,
                   "profiles cannot be pushed: libcurl.so.4 cannot be loaded (Debian: libcurl4)");
}
