/* debugging.h - the library `debug`, as far as it shows a function its own stack. */
/* SPDX-License-Identifier: MIT */
#pragma once

#include <luajit-2.1/lua.h>

/* Opens `debug`: traceback; getinfo, but no function objects and no line tables; gethook, which
 * says that the host has the hook; setmetatable, which takes away the metatable of strings and puts
 * it back. Nothing that it gives has an address or a value of another frame. */
int l_debugging_open(lua_State *L);
