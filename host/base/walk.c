/* walk.c - following frame pointers. */
/* SPDX-License-Identifier: MIT */
#include "base/walk.h"

#include <link.h>
#include <stddef.h>

/* Frame pointers are followed as long as they point up the stack, and return addresses to code;
 * LuaJIT and most libraries have none, so they end a walk. */
enum { LIBRARIES = 32 };

struct range {
    uintptr_t from, to;
};

static struct {
    struct range program, libraries[LIBRARIES];
    size_t library_count;
} w;

static bool is_in(const struct range *range, uintptr_t address)
{
    return address >= range->from && address < range->to;
}

static bool is_in_library(uintptr_t address)
{
    for (size_t i = 0; i < w.library_count; i++)
        if (is_in(&w.libraries[i], address))
            return true;
    return false;
}

bool walk_is_own(uint64_t pc)
{
    return is_in(&w.program, pc);
}

bool walk_is_code(uint64_t pc)
{
    return is_in(&w.program, pc) || is_in_library(pc);
}

/* The program comes first. */
static int take_object(struct dl_phdr_info *info, size_t size, void *count)
{
    size_t object = (*(size_t *)count)++;

    (void)size;
    for (size_t i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *part = &info->dlpi_phdr[i];
        if (part->p_type != PT_LOAD || !(part->p_flags & PF_X))
            continue;
        struct range range = {info->dlpi_addr + part->p_vaddr,
                              info->dlpi_addr + part->p_vaddr + part->p_memsz};
        if (object == 0)
            w.program = range;
        else if (w.library_count < LIBRARIES)
            w.libraries[w.library_count++] = range;
    }
    return 0;
}

void walk_init(void)
{
    size_t count = 0;

    if (!w.program.to)
        dl_iterate_phdr(take_object, &count);
}

/* What is taken for a frame may lie between two variables, which AddressSanitizer minds. */
__attribute__((no_sanitize("address", "thread"))) static uintptr_t word_at(uintptr_t address)
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

uint64_t walk_pc(const ucontext_t *context)
{
    return registers_of(context).pc;
}

uint64_t walk_sp(const ucontext_t *context)
{
    return registers_of(context).sp;
}

uint32_t walk_take(uint64_t pcs[WALK_PCS], const ucontext_t *context, const void *end, bool with)
{
    struct registers r = registers_of(context);
    uintptr_t top = (uintptr_t)end;
    uint32_t count = 0;

    pcs[count++] = r.pc;
    /* a library's leaf has no frame of its own yet, or never */
    if (is_in_library(r.pc) && r.sp + sizeof(uintptr_t) < top && walk_is_own(word_at(r.sp)))
        pcs[count++] = word_at(r.sp);
    for (uintptr_t fp = r.fp; fp >= r.sp && fp < top && fp % sizeof(uintptr_t) == 0;) {
        uintptr_t up = word_at(fp), back = word_at(fp + sizeof(uintptr_t));

        if (count == WALK_PCS || !walk_is_code(back) || (up == top && !with))
            break;
        pcs[count++] = back;
        if (up <= fp)
            break;
        fp = up;
    }
    return count;
}
