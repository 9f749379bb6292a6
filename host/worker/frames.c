/* frames.c - stacks as texts and addresses. */
/* SPDX-License-Identifier: MIT */
#include "worker/frames.h"

#include <stdio.h>
#include <string.h>

#include "worker/traceback.h"

enum { LEVELS = 64, FRAME_TEXT = 256 };

static struct {
    const void *stack_top;
    char text[SAMPLE_FRAMES_BYTES];
    size_t len;
    bool full; /* what comes last is left out */
} f;

void frames_init(const void *frame)
{
    f.stack_top = frame;
    walk_init();
}

void frames_note(struct frames_at *at, const ucontext_t *context)
{
    at->native = native_watch.running ? native_watch.fn : NULL;
    at->count = walk_take(at->pcs, context, at->native ? native_watch.frame : f.stack_top,
                          at->native == NULL);
}

/* -- Texts ----------------------------------------------------------------------------------- */

static void put(const char *text, size_t len)
{
    f.full |= len > sizeof(f.text) - f.len;
    if (f.full)
        return;
    memcpy(f.text + f.len, text, len);
    f.len += len;
}

static void put_plain(const char *name)
{
    put(name, strlen(name));
    put("\n", 1);
}

/* -- Lua ------------------------------------------------------------------------------------- */

/* `outermost` is how it is called when it has no name. */
static void put_lua_frame(lua_State *L, lua_Debug *frame, const struct frames_at *at, bool is_top,
                          const char *outermost)
{
    char text[FRAME_TEXT], name[SAMPLE_NAME_MAX];

    lua_getinfo(L, "Snl", frame);
    if (frame->currentline > 0) {
        const char *what = frame->name ? frame->name : outermost;
        if (!frame->name && strcmp(frame->what, "main") == 0)
            what = "main chunk";
        int len = snprintf(text, sizeof(text), "%s:%d %.60s\t%s\t%d\n", frame->short_src,
                           frame->currentline, what, frame->short_src, frame->currentline);
        put(text, (size_t)len < sizeof(text) ? (size_t)len : sizeof(text) - 1);
        return;
    }
    if (is_top && at->native && native_name(at->native, name, sizeof(name)))
        put_plain(name);
    else if (frame->name)
        put_plain(frame->name);
}

static void put_lua(lua_State *L, const struct frames_at *at, bool is_handlers)
{
    const char *unnamed = is_handlers ? "handler" : "function";
    lua_Debug frame;
    int levels = 0;

    while (levels < LEVELS && lua_getstack(L, levels, &frame))
        levels++;
    if (levels == LEVELS)
        put_plain("[deeper]");
    for (int level = levels - 1; level >= 0; level--) {
        if (!lua_getstack(L, level, &frame) || !lua_getinfo(L, "Sl", &frame) ||
            traceback_hides(L, level, &frame))
            continue;
        put_lua_frame(L, &frame, at, level == 0, unnamed);
        unnamed = "function";
    }
}

/* -- All ------------------------------------------------------------------------------------- */

static const char *const phases[] = {
    [PHASE_LOOP] = "loop",     [PHASE_NEWSTATE] = "newstate",     [PHASE_LIBRARIES] = "libraries",
    [PHASE_LOAD] = "load",     [PHASE_PARAMETERS] = "parameters", [PHASE_RUN] = "run",
    [PHASE_RESULT] = "result", [PHASE_CLOSE] = "close",           [PHASE_RESET] = "reset",
};

static void put_c(struct sample *sample, const struct frames_at *at, bool in_lua)
{
    sample->pc_count = 0;
    sample->leaf = (struct str){NULL, 0};
    if (at->count == 0)
        return;
    uint64_t leaf = at->pcs[0];
    if (!walk_is_code(leaf)) {
        sample->leaf = str_of("[JIT trace]");
        return;
    }
    uint32_t count = in_lua && !at->native ? 1 : at->count; /* LuaJIT's have no frame pointers */
    if (at->native && !walk_is_own(leaf) && count == 1)
        sample->pcs[sample->pc_count++] = (uint64_t)(uintptr_t)at->native + 1;
    while (count > 0 && sample->pc_count < SAMPLE_PCS)
        sample->pcs[sample->pc_count++] = at->pcs[--count];
}

void frames_put(struct sample *sample, const struct call *call, enum phase phase, lua_State *L,
                const struct frames_at *at)
{
    char text[FRAME_TEXT];

    f.len = 0;
    f.full = false;
    put_plain("worker");
    if (call) {
        snprintf(text, sizeof(text), "invoke:%.128s", call->code->function.name);
        put_plain(text);
    }
    put_plain(phases[phase]);
    lua_State *thread = L && call && phase == PHASE_RUN ? call->vm->thread : NULL;
    if (thread && L != thread) {
        put_lua(thread, &(struct frames_at){0}, true);
        put_plain("[coroutine]");
    }
    if (L)
        put_lua(L, at, L == thread);
    put_c(sample, at, L != NULL);
    sample->frames = (struct str){f.text, f.len};
}
