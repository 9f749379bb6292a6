/* text.h - where the code of LuaJIT itself lies. */
/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Is `address` in the code of LuaJIT's archive? The build puts all of it into one section. What
 * LuaJIT compiled (mcode.h) and what it calls is not. For a signal's handler too. */
bool text_has(uintptr_t address);
