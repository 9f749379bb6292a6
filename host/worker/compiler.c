/* compiler.c - remembers what CPUID said. */
/* SPDX-License-Identifier: MIT */
#include "worker/compiler.h"

#include <luajit-2.1/lualib.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

int l_compiler_open(lua_State *L)
{
    return luaopen_jit(L);
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
