/* frames.c - walking stacks without a debugger's tables. */
/* SPDX-License-Identifier: MIT */
#include "worker/frames.h"

#include <link.h>
#include <stdio.h>
#include <string.h>

/* Frame pointers are followed as long as they point up the stack, and return addresses into this
 * program; LuaJIT and most libraries have none, so they end a walk. */
enum { LIBRARIES = 32, LEVELS = 64, FRAME_TEXT = 256 };

struct range {
    uintptr_t from, to;
};

static struct {
    struct range program, libraries[LIBRARIES];
    size_t library_count;
    uintptr_t stack_top;
    char text[SAMPLE_FRAMES_BYTES];
    size_t len;
    bool full; /* what comes last is left out */
} f;

/* -- C --------------------------------------------------------------------------------------- */

static bool is_in(const struct range *range, uintptr_t address)
{
    return address >= range->from && address < range->to;
}

static bool is_in_library(uintptr_t address)
{
    for (size_t i = 0; i < f.library_count; i++)
        if (is_in(&f.libraries[i], address))
            return true;
    return false;
}

static int take_object(struct dl_phdr_info *info, size_t size, void *unused)
{
    static bool is_first = true; /* that is the program */

    (void)size;
    (void)unused;
    for (size_t i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *part = &info->dlpi_phdr[i];
        if (part->p_type != PT_LOAD || !(part->p_flags & PF_X))
            continue;
        struct range range = {info->dlpi_addr + part->p_vaddr,
                              info->dlpi_addr + part->p_vaddr + part->p_memsz};
        if (is_first)
            f.program = range;
        else if (f.library_count < LIBRARIES)
            f.libraries[f.library_count++] = range;
    }
    is_first = false;
    return 0;
}

void frames_init(const void *frame)
{
    f.stack_top = (uintptr_t)frame;
    dl_iterate_phdr(take_object, NULL);
}

static void push(struct frames_at *at, uintptr_t pc)
{
    if (at->count < FRAMES_PCS)
        at->pcs[at->count++] = pc;
}

/* What is taken for a frame may lie between two variables, which AddressSanitizer minds. */
__attribute__((no_sanitize("address"))) static uintptr_t word_at(uintptr_t address)
{
    return *(const volatile uintptr_t *)address;
}

struct registers {
    uintptr_t pc, sp, fp;
};

#if defined(__x86_64__)
static struct registers registers_of(const ucontext_t *context)
{
    const greg_t *r = context->uc_mcontext.gregs;

    return (struct registers){(uintptr_t)r[REG_RIP], (uintptr_t)r[REG_RSP], (uintptr_t)r[REG_RBP]};
}
#elif defined(__aarch64__)
static struct registers registers_of(const ucontext_t *context)
{
    const mcontext_t *m = &context->uc_mcontext;

    return (struct registers){m->pc, m->sp, m->regs[29]};
}
#endif

void frames_note(struct frames_at *at, const ucontext_t *context)
{
    struct registers r = registers_of(context);
    uintptr_t end = f.stack_top;

    at->count = 0;
    at->native = native_watch.running ? native_watch.fn : NULL;
    if (at->native)
        end = (uintptr_t)native_watch.frame;
    push(at, r.pc);
    /* a library's leaf has no frame of its own yet, or never */
    if (is_in_library(r.pc) && r.sp + sizeof(uintptr_t) < end && is_in(&f.program, word_at(r.sp)))
        push(at, word_at(r.sp));
    for (uintptr_t fp = r.fp; fp >= r.sp && fp < end && fp % sizeof(uintptr_t) == 0;) {
        uintptr_t up = word_at(fp), back = word_at(fp + sizeof(uintptr_t));

        if (!is_in(&f.program, back) || (up == end && at->native))
            break;
        push(at, back);
        if (up <= fp)
            break;
        fp = up;
    }
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
    lua_Debug frame;
    int levels = 0;

    while (levels < LEVELS && lua_getstack(L, levels, &frame))
        levels++;
    if (levels == LEVELS)
        put_plain("[deeper]");
    for (int level = levels - 1; level >= 0; level--)
        if (lua_getstack(L, level, &frame))
            put_lua_frame(L, &frame, at, level == 0,
                          is_handlers && level == levels - 1 ? "handler" : "function");
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
    uintptr_t leaf = at->pcs[0];
    if (!is_in(&f.program, leaf) && !is_in_library(leaf)) {
        sample->leaf = str_of("[JIT trace]");
        return;
    }
    uint32_t count = in_lua && !at->native ? 1 : at->count; /* LuaJIT's have no frame pointers */
    if (at->native && !is_in(&f.program, leaf) && count == 1)
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
