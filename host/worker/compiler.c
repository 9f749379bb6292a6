/* compiler.c - remembers what CPUID said. */
/* SPDX-License-Identifier: MIT */
#include "worker/compiler.h"

#include <luajit-2.1/lualib.h>
#include <setjmp.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* luaopen_jit sets the compiler up, and then makes tables of libraries that no function gets. Their
 * first allocation leaves it. LuaJIT allocates a block before it changes anything for it, as that
 * may fail: at most some values were pushed. */
static struct {
    lua_Alloc alloc;
    sigjmp_buf made;
} opening;

static void *leave(void *heap, void *block, size_t old_size, size_t size)
{
    if (!block && size)
        siglongjmp(opening.made, 1);
    return opening.alloc(heap, block, old_size, size);
}

void compiler_open(lua_State *L)
{
    int top = lua_gettop(L);
    void *heap;

    opening.alloc = lua_getallocf(L, &heap);
    if (sigsetjmp(opening.made, 0) == 0) {
        lua_setallocf(L, leave, heap);
        luaopen_jit(L);
    }
    lua_getallocf(L, &heap);
    lua_setallocf(L, opening.alloc, heap);
    lua_settop(L, top);
}

#ifdef __x86_64__

/* LuaJIT's own: runs CPUID for `leaf`, leaves EAX to EDX in `registers` and returns EAX. */
int __real_lj_vm_cpuid(uint32_t leaf, uint32_t registers[4]);
int __wrap_lj_vm_cpuid(uint32_t leaf, uint32_t registers[4]);

enum { LEAVES = 8 };

static struct {
    bool known;
    int result;
    uint32_t registers[4];
} answers[LEAVES];

int __wrap_lj_vm_cpuid(uint32_t leaf, uint32_t registers[4])
{
    if (leaf >= LEAVES)
        return __real_lj_vm_cpuid(leaf, registers);
    if (!answers[leaf].known) {
        answers[leaf].result = __real_lj_vm_cpuid(leaf, answers[leaf].registers);
        answers[leaf].known = true;
    }
    memcpy(registers, answers[leaf].registers, sizeof(answers[leaf].registers));
    return answers[leaf].result;
}

bool compiler_remembers(void)
{
    return answers[0].known;
}

#else

bool compiler_remembers(void)
{
    return true;
}

#endif
