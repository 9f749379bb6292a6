/* text.c - the bounds of the section luajit_text. */
/* SPDX-License-Identifier: MIT */
#include "engine/text.h"

/* Made by the linker. */
extern const char __start_luajit_text[], __stop_luajit_text[];

bool text_has(uintptr_t address)
{
    return address >= (uintptr_t)__start_luajit_text && address < (uintptr_t)__stop_luajit_text;
}
