/* compiler.h - LuaJIT's compiler, turned on without asking the processor each time what it is. */
/* SPDX-License-Identifier: MIT */
#pragma once

#include <luajit-2.1/lua.h>
#include <stdbool.h>

/* What luaopen_jit does for the compiler, without its library. LuaJIT looks at the processor with
 * CPUID in every new state, and a virtual machine's monitor has to answer for it, which takes some
 * 7 us each of four times. The linker leads that question here (--wrap), where it is asked once a
 * process. Never raises, and allocates nothing. */
void compiler_open(lua_State *L);

/* Once a compiler was opened: was the question led here? Always true where there is no CPUID. */
bool compiler_remembers(void);
