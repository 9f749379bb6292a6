/* regex.c - whole-string matches of regular expressions, each match within fixed limits. */
/* SPDX-License-Identifier: MIT */
#define PCRE2_CODE_UNIT_WIDTH 8
#include "args.h"

#include <pcre2.h>
#include <stdbool.h>

enum {
    PATTERN_BYTES_MAX = 4096,
    SUBJECT_BYTES_MAX = 4 << 20, /* one item of a pattern goes through it in some 6 ms, unwatched */
    MATCH_LIMIT = 100000,        /* steps, each of which may go through all of a subject */
    STEPS_BYTES = 30000000,      /* steps times bytes of a match that nobody watches: some 3 ms */
    DEPTH_LIMIT = 2000,
    HEAP_LIMIT_KIB = 1024,
    JIT_STACK_MIN = 32 * 1024,
    JIT_STACK_MAX = HEAP_LIMIT_KIB * 1024,
    BATCH = 64, /* subjects read from a list, then matched: few enough to stay at hand */
};

typedef int (*match_fn)(const pcre2_code *, PCRE2_SPTR, PCRE2_SIZE, PCRE2_SIZE, uint32_t,
                        pcre2_match_data *, pcre2_match_context *);

struct text {
    const char *bytes;
    size_t length;
};

struct machine {
    pcre2_code *code; /* NULL: not compiled */
    match_fn match;
};

/* Long subjects that take many steps are matched again by code that pcre2 lets us look up in
 * between its items: it is several times slower, and short subjects do without it. */
struct matcher {
    struct machine quick, watched;
    struct text pattern;
    pcre2_match_data *data;
    pcre2_match_context *limits;
    pcre2_jit_stack *stack; /* NULL until a match needs more than the 32 KiB it has anyway */
};

/* What a run came to. Kept apart from raising it: nothing of pcre2 is held by then. */
struct outcome {
    size_t matched;
    int error;         /* of pcre2, or 0 */
    bool bad_pattern;  /* the error is the pattern's, at `offset` */
    bool long_subject; /* a subject is longer than SUBJECT_BYTES_MAX: it ended there */
    PCRE2_SIZE offset; /* into the pattern */
};

static void matcher_fini(struct matcher *matcher)
{
    pcre2_jit_stack_free(matcher->stack);
    pcre2_match_context_free(matcher->limits);
    pcre2_match_data_free(matcher->data);
    pcre2_code_free(matcher->watched.code);
    pcre2_code_free(matcher->quick.code);
}

/* pcre2_jit_match leaves out a third of the work of a short match. What it also leaves out are the
 * checks that subjects are UTF-8, for patterns that say they are, and that there is machine code:
 * a pattern may forbid it, or be beyond what can be compiled. */
static match_fn match_choose(const pcre2_code *code)
{
    size_t machine_code_bytes = 0;
    uint32_t options = PCRE2_UTF;
    pcre2_pattern_info(code, PCRE2_INFO_JITSIZE, &machine_code_bytes);
    pcre2_pattern_info(code, PCRE2_INFO_ALLOPTIONS, &options);
    return machine_code_bytes > 0 && !(options & PCRE2_UTF) ? pcre2_jit_match : pcre2_match;
}

static bool machine_compile(struct machine *machine, struct text pattern, uint32_t options,
                            struct outcome *outcome)
{
    machine->code = pcre2_compile((PCRE2_SPTR)pattern.bytes, pattern.length,
                                  PCRE2_ANCHORED | PCRE2_ENDANCHORED | options, &outcome->error,
                                  &outcome->offset, NULL);
    if (!machine->code) {
        outcome->bad_pattern = true;
        return false;
    }
    outcome->error = 0;
    pcre2_jit_compile(machine->code, PCRE2_JIT_COMPLETE); /* where it fails, the interpreter runs */
    machine->match = match_choose(machine->code);
    return true;
}

/* Any number but 0 ends the match. */
static int watch(pcre2_callout_block *block, void *unused)
{
    (void)block;
    (void)unused;
    return native_stopped() ? PCRE2_ERROR_CALLOUT : 0;
}

static bool matcher_init(struct matcher *matcher, struct text pattern, struct outcome *outcome)
{
    *matcher = (struct matcher){.pattern = pattern};
    if (!machine_compile(&matcher->quick, pattern, 0, outcome))
        return false;
    matcher->data = pcre2_match_data_create_from_pattern(matcher->quick.code, NULL);
    matcher->limits = pcre2_match_context_create(NULL);
    if (!matcher->data || !matcher->limits) {
        outcome->error = PCRE2_ERROR_NOMEMORY;
        matcher_fini(matcher);
        return false;
    }
    pcre2_set_match_limit(matcher->limits, MATCH_LIMIT);
    pcre2_set_depth_limit(matcher->limits, DEPTH_LIMIT);
    pcre2_set_heap_limit(matcher->limits, HEAP_LIMIT_KIB);
    pcre2_set_callout(matcher->limits, watch, NULL);
    return true;
}

static int match_once(const struct matcher *matcher, const struct machine *machine,
                      struct text subject)
{
    return machine->match(machine->code, (PCRE2_SPTR)subject.bytes, subject.length, 0, 0,
                          matcher->data, matcher->limits);
}

static int match_by(struct matcher *matcher, const struct machine *machine, struct text subject)
{
    int status = match_once(matcher, machine, subject);
    if (status != PCRE2_ERROR_JIT_STACKLIMIT || matcher->stack)
        return status;
    matcher->stack = pcre2_jit_stack_create(JIT_STACK_MIN, JIT_STACK_MAX, NULL);
    pcre2_jit_stack_assign(matcher->limits, NULL, matcher->stack);
    return match_once(matcher, machine, subject);
}

/* With few steps first; few subjects need more. */
static int match_long(struct matcher *matcher, struct text subject, struct outcome *outcome)
{
    pcre2_set_match_limit(matcher->limits, (uint32_t)(STEPS_BYTES / subject.length));
    int status = match_by(matcher, &matcher->quick, subject);
    pcre2_set_match_limit(matcher->limits, MATCH_LIMIT);
    if (status != PCRE2_ERROR_MATCHLIMIT)
        return status;
    if (!matcher->watched.code &&
        !machine_compile(&matcher->watched, matcher->pattern, PCRE2_AUTO_CALLOUT, outcome))
        return outcome->error;
    return match_by(matcher, &matcher->watched, subject);
}

static int match(struct matcher *matcher, struct text subject, struct outcome *outcome)
{
    if (subject.length > STEPS_BYTES / MATCH_LIMIT)
        return match_long(matcher, subject, outcome);
    return match_by(matcher, &matcher->quick, subject);
}

static bool ends(const struct outcome *outcome)
{
    return outcome->error || outcome->long_subject;
}

/* Counts the subjects that match, up to the first error. */
static void match_all(struct matcher *matcher, const struct text *subjects, size_t count,
                      struct outcome *outcome)
{
    for (size_t i = 0; i < count && !ends(outcome) && !native_stopped(); i++) {
        outcome->long_subject = subjects[i].length > SUBJECT_BYTES_MAX;
        if (outcome->long_subject)
            return;
        int status = match(matcher, subjects[i], outcome);
        if (status >= 0)
            outcome->matched++;
        else if (status != PCRE2_ERROR_NOMATCH)
            outcome->error = status;
    }
}

/* -- Binding ------------------------------------------------------------------------------- */

static struct text l_text(lua_State *L, int arg)
{
    struct text text;
    text.bytes = luaL_checklstring(L, arg, &text.length);
    return text;
}

static struct text l_pattern(lua_State *L)
{
    struct text pattern = l_text(L, 1);
    luaL_argcheck(L, pattern.length <= PATTERN_BYTES_MAX, 1, "pattern longer than 4096 bytes");
    return pattern;
}

static void l_outcome_check(lua_State *L, const struct outcome *outcome)
{
    if (!ends(outcome) || native_stopped())
        return;
    if (outcome->long_subject)
        luaL_error(L, "regex: a subject is longer than 4 MiB");
    PCRE2_UCHAR message[256];
    pcre2_get_error_message(outcome->error, message, sizeof(message));
    if (outcome->bad_pattern)
        luaL_error(L, "regex: %s at offset %d of the pattern", message, (int)outcome->offset);
    luaL_error(L, "regex: %s", message);
}

/* How many strings there are from index `first` of the list on, in a batch of `count` at most. */
static size_t batch_read(lua_State *L, struct text *batch, size_t first, size_t count)
{
    size_t read = 0;
    while (read < count && read < BATCH &&
           arg_list_string(L, 2, first + read, &batch[read].bytes, &batch[read].length))
        read++;
    return read;
}

/* The index of the first item of the list that is no string, or 0. It calls nothing that raises or
 * takes memory of the heap, as the caller holds the matcher. */
static size_t match_list(lua_State *L, struct matcher *matcher, size_t count,
                         struct outcome *outcome)
{
    struct text batch[BATCH];
    for (size_t done = 0; done < count && !ends(outcome) && !native_stopped();) {
        size_t read = batch_read(L, batch, done + 1, count - done);
        if (read == 0)
            return done + 1;
        match_all(matcher, batch, read, outcome);
        done += read;
    }
    return 0;
}

static int l_count(lua_State *L)
{
    struct text pattern = l_pattern(L);
    size_t count = l_arg_list(L, 2);
    struct outcome outcome = {0};
    struct matcher matcher;
    size_t wrong = 0;
    native_hold();
    if (matcher_init(&matcher, pattern, &outcome)) {
        wrong = match_list(L, &matcher, count, &outcome);
        matcher_fini(&matcher);
    }
    native_release();
    if (wrong > 0) {
        size_t length;
        l_arg_list_string(L, 2, wrong, &length);
    }
    l_outcome_check(L, &outcome);
    lua_pushnumber(L, (lua_Number)outcome.matched);
    return 1;
}

static int l_matches(lua_State *L)
{
    struct text pattern = l_pattern(L);
    struct text subject = l_text(L, 2);
    struct outcome outcome = {0};
    struct matcher matcher;
    if (matcher_init(&matcher, pattern, &outcome)) {
        match_all(&matcher, &subject, 1, &outcome);
        matcher_fini(&matcher);
    }
    l_outcome_check(L, &outcome);
    lua_pushboolean(L, outcome.matched == 1);
    return 1;
}

static const struct native_fn fns[] = {
    {"count",
     "regex.count(pattern, list) -> how many strings of list, of up to 4 MiB each, match wholly",
     l_count},
    {"matches", "regex.matches(pattern, subject) -> whether subject matches wholly", l_matches},
    {NULL, NULL, NULL},
};

const struct native native_regex = {"regex", "Perl-compatible regular expressions", fns};
