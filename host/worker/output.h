/* output.h - print and the library `io`: what a function writes becomes lines of its log. */
/* SPDX-License-Identifier: MIT */
#pragma once

#include <luajit-2.1/lua.h>

struct vm;

/* An unfinished line: what io.write was given since the last newline. It lies in the vm's heap, so
 * that it counts towards the call's memory and is part of a warm image. */
struct output;

/* The global `print`: a line of level info, which an unfinished line is put before. */
int l_print(lua_State *L);

/* Opens `io`: write, stdout (level info) and stderr (level warn), whose lines go to the log; stdin,
 * read and lines, which find nothing to read; open, which finds no file; flush and type. */
int l_io_open(lua_State *L);

/* Logs the unfinished line, when a file has been loaded and when a call ends; also of a dead vm. */
void output_finish(struct vm *vm);
