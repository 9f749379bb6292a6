/* safepoint.c - a timer, and a way into compiled code. */
/* SPDX-License-Identifier: MIT */
#include "worker/safepoint.h"

#include <luajit-2.1/lauxlib.h>
#include <luajit-2.1/luajit.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/walk.h"
#include "engine/leaf.h"
#include "engine/text.h"
#include "native.h"
#include "wire/control.h"

/* The state's global part begins where the pointer at GLOBAL_AT of a lua_State points to (LuaJIT's
 * GC64 layout); the mask is looked for in its first SCAN bytes. */
enum {
    PROFILE_BIT = 0x80,
    ACTIVE_BIT = 0x10,
    GLOBAL_AT = 16,
    SCAN = 4096,
    RETRY_NS = 1000000,
    TURN_NS = 500000
};

/* From when on the handler jumps, and how soon it tries again where it may not. */
enum { GRACE_NS = 2000000, TEAR_RETRY_NS = 100000 };

/* ThreadSanitizer runs handlers later than the signal: they interrupt other code than they see. */
#ifdef __SANITIZE_THREAD__
enum { MAY_TEAR = 0 };
#else
enum { MAY_TEAR = 1 };
#endif

static struct {
    timer_t timer;
    size_t mask_at;             /* offset of the hook mask; 0: not found */
    lua_State *volatile target; /* what runs, from enter to leave */
    safepoint_exit volatile leave;
    void *volatile owner;
    const struct mcode *volatile mcode;
    volatile bool closing;     /* what runs is lua_close, */
    uint64_t kept_ns;          /* and this the deadline from before */
    volatile uint64_t told_ns; /* when what runs was told to end; 0: it was not */
    bool (*is_cancelled)(void);
    volatile uint64_t deadline_ns; /* of what runs */
    volatile bool shares;
    volatile uint64_t armed_ns; /* when the timer goes off next; 0: it does not */
    void (*visit)(lua_State *);
    volatile bool asked;  /* the hook is set for a visit, */
    bool overflows;       /* or for an error: the Lua stack is full */
    volatile bool busy;   /* the hook is being changed, */
    volatile bool missed; /* when a signal wanted to set it */
} s;

/* -- Reaching a state ------------------------------------------------------------------------ */

static unsigned char *global_of(lua_State *L)
{
    unsigned char *global;

    memcpy(&global, (char *)L + GLOBAL_AT, sizeof(global));
    return global;
}

static enum err_code reason(void)
{
    return clock_now_ns() >= s.deadline_ns ? ERR_DEADLINE : ERR_CANCELLED;
}

static void leave(lua_State *at)
{
    s.target = NULL;
    s.leave(s.owner, reason(), false, s.closing ? NULL : at);
}

static void clear_hook(lua_State *L)
{
    volatile unsigned char *mask = global_of(L) + s.mask_at;

    if (s.mask_at)
        *mask &= (unsigned char)~PROFILE_BIT;
    lua_sethook(L, NULL, 0, 0);
}

static void set_hook(lua_State *L);

static void end_change(lua_State *L)
{
    s.busy = false;
    if (s.missed) {
        s.missed = false;
        set_hook(L);
    }
}

/* LuaJIT takes what an error's handler does for part of the hook that raised the error, and calls
 * no hooks in it: so the hook ends before. */
static void raise_overflow(lua_State *L)
{
    volatile unsigned char *mask = global_of(L) + s.mask_at;

    s.overflows = false;
    if (s.mask_at)
        *mask &= (unsigned char)~ACTIVE_BIT;
    luaL_error(L, "stack overflow");
}

static void on_hook(lua_State *L, lua_Debug *frame)
{
    (void)frame;
    if (native_stopped())
        leave(L);
    s.asked = false;
    s.busy = true;
    clear_hook(L);
    end_change(L);
    if (s.overflows)
        raise_overflow(L);
    if (s.visit)
        s.visit(L);
}

static void on_profile(void *unused, lua_State *L, int samples, int state)
{
    (void)unused;
    (void)samples;
    (void)state;
    if (s.target && native_stopped())
        leave(L);
}

/* Takes the hook off first: that makes LuaJIT build its dispatch table anew, which the signal may
 * have interrupted it in. Not in the midst of a change of our own: that sets it when it is done. */
static void set_hook(lua_State *L)
{
    volatile unsigned char *mask = global_of(L) + s.mask_at;

    if (s.busy) {
        s.missed = true;
        return;
    }
    s.busy = true;
    clear_hook(L);
    if (s.mask_at)
        *mask |= PROFILE_BIT;
    lua_sethook(L, on_hook, LUA_MASKCOUNT | LUA_MASKCALL | LUA_MASKRET, 1);
    end_change(L);
}

void safepoint_on_visit(void (*visit)(lua_State *L))
{
    s.visit = visit;
}

void safepoint_ask(void)
{
    if (!s.target || !s.visit || s.closing)
        return;
    s.asked = true;
    set_hook(s.target);
}

void safepoint_overflow(void)
{
    if (!s.target || s.closing)
        return;
    s.overflows = true;
    s.asked = true;
    set_hook(s.target);
}

/* -- Jumping out of LuaJIT ------------------------------------------------------------------- */

/* The hook may have been in the midst of a change. A signal that comes before the jump finds no
 * target. */
static void tear(const ucontext_t *context, enum err_code why)
{
    sigset_t before = context->uc_sigmask;

    s.target = NULL;
    s.busy = s.missed = false;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    s.leave(s.owner, why, true, NULL);
}

static bool may_tear(uint64_t pc)
{
    if (!MAY_TEAR || native_held)
        return false;
    return leaf_runs || text_has(pc) || (s.mcode && mcode_has(s.mcode, pc));
}

/* -- Time ------------------------------------------------------------------------------------ */

static void arm(uint64_t at_ns)
{
    const struct itimerspec at = {.it_value = clock_timespec(at_ns)};

    s.armed_ns = at_ns;
    timer_settime(s.timer, TIMER_ABSTIME, &at, NULL);
}

static uint64_t next_look(uint64_t now)
{
    uint64_t turn = now + TURN_NS;

    return s.shares && turn < s.deadline_ns ? turn : s.deadline_ns;
}

static void end_what_runs(uint64_t now, const ucontext_t *context)
{
    if (!s.told_ns)
        s.told_ns = now;
    atomic_store_explicit(&native_stop, true, memory_order_relaxed);
    bool patient = !s.closing && now - s.told_ns < GRACE_NS;
    if (!patient && may_tear(walk_pc(context)))
        tear(context, reason());
    if (!s.closing)
        set_hook(s.target);
    arm(now + (patient ? RETRY_NS : TEAR_RETRY_NS)); /* until it has left */
}

/* The timer is not set for each quick call: it goes off at the earliest deadline there was, looks
 * what runs then, and is set for that. */
static void on_signal(int signal, siginfo_t *info, void *context)
{
    (void)signal;
    (void)info;
    s.armed_ns = 0;
    if (!s.target || s.deadline_ns == 0)
        return;
    uint64_t now = clock_now_ns();
    if (now >= s.deadline_ns || (s.is_cancelled && s.is_cancelled())) {
        end_what_runs(now, context);
        return;
    }
    if (s.shares)
        sched_yield();
    arm(next_look(clock_now_ns()));
}

void safepoint_share(bool shares)
{
    s.shares = shares;
}

void safepoint_limit(uint64_t deadline_ns)
{
    s.deadline_ns = deadline_ns;
}

static void enter(lua_State *L, const struct mcode *mcode, safepoint_exit leave_to, void *owner)
{
    s.mcode = mcode;
    s.leave = leave_to;
    s.owner = owner;
    s.told_ns = 0;
    native_held = 0;
    leaf_runs = false;
    atomic_store(&native_stop, false);
    s.target = L;
    if (s.deadline_ns && (s.shares || s.armed_ns == 0 || s.armed_ns > s.deadline_ns))
        arm(next_look(clock_now_ns()));
}

void safepoint_enter(lua_State *L, const struct mcode *mcode, safepoint_exit leave_to, void *owner)
{
    s.closing = false;
    enter(L, mcode, leave_to, owner);
}

void safepoint_enter_close(lua_State *L, const struct mcode *mcode, uint64_t deadline_ns,
                           safepoint_exit leave_to, void *owner)
{
    s.closing = true;
    s.kept_ns = s.deadline_ns;
    s.deadline_ns = deadline_ns;
    enter(L, mcode, leave_to, owner);
}

void safepoint_look(void)
{
    if (native_stopped() && s.target)
        leave(s.target);
}

void safepoint_tear(void)
{
    if (!native_stopped() || !s.target || native_held)
        return;
    s.target = NULL;
    s.busy = s.missed = false;
    s.leave(s.owner, reason(), true, NULL);
}

/* Our own code may be left too: what it holds across calls is marked. */
void safepoint_leave_full(const ucontext_t *context)
{
    uint64_t pc = walk_pc(context);

    if (s.target && !s.closing && !native_held && (walk_is_own(pc) || may_tear(pc)))
        tear(context, ERR_FUNCTION_ERROR);
}

/* The handler does nothing once there is no target: what it set before that is for what ran. */
enum err_code safepoint_leave(void)
{
    lua_State *L = s.target;

    s.target = NULL;
    if (L && s.asked && !s.closing)
        clear_hook(L);
    s.asked = s.missed = s.overflows = false;
    enum err_code why = atomic_exchange(&native_stop, false) ? reason() : ERR_NONE;
    if (s.closing)
        s.deadline_ns = s.kept_ns;
    s.closing = false;
    return why;
}

/* -- Start ----------------------------------------------------------------------------------- */

/* The one byte that follows every mask given to lua_sethook; 0 when there is not exactly one. */
static size_t find_mask(lua_State *L)
{
    static const int masks[] = {LUA_MASKCALL, LUA_MASKRET, LUA_MASKLINE, LUA_MASKCOUNT, 0};
    static bool follows[SCAN];
    size_t at = 0, found = 0;

    memset(follows, true, sizeof(follows));
    for (size_t m = 0; m < sizeof(masks) / sizeof(*masks); m++) {
        lua_sethook(L, masks[m] ? on_hook : NULL, masks[m], 1000000);
        for (size_t i = 0; i < SCAN; i++)
            follows[i] &= global_of(L)[i] == masks[m];
    }
    for (size_t i = 0; i < SCAN; i++)
        if (follows[i]) {
            at = i;
            found++;
        }
    return found == 1 ? at : 0;
}

/* LuaJIT's profiler serves one state of a process: one that never runs has it, with an interval
 * that never ends. Others that ask for it get no samples, but the checks in their code. */
static void occupy_profiler(void)
{
    static const struct itimerval off;

    luaJIT_profile_start(luaL_newstate(), "i100000000", on_profile, NULL);
    setitimer(ITIMER_PROF, &off, NULL);
}

bool safepoint_init(bool (*is_cancelled)(void))
{
    struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_RESTART | SA_SIGINFO};
    struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = CONTROL_SIGNAL};
    lua_State *L = luaL_newstate();

    s.is_cancelled = is_cancelled;
    sigaddset(&action.sa_mask, SIGPROF); /* the profiler's, which change the hook too */
    sigaddset(&action.sa_mask, SIGVTALRM);
    if (!L)
        return false;
    s.mask_at = find_mask(L);
    lua_close(L);
    if (s.mask_at)
        occupy_profiler();
    event._sigev_un._tid = (pid_t)syscall(SYS_gettid);
    sigaction(CONTROL_SIGNAL, &action, NULL);
    return timer_create(CLOCK_MONOTONIC, &event, &s.timer) == 0 && s.mask_at;
}

void safepoint_prepare(lua_State *L)
{
    if (s.mask_at)
        luaJIT_profile_start(L, "l", on_profile, NULL);
    else
        luaJIT_setmode(L, 0, LUAJIT_MODE_ENGINE | LUAJIT_MODE_OFF);
}
