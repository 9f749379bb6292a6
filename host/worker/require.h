/* require.h - require and package: the modules of a function, natives and Lua's own libraries. */
/* SPDX-License-Identifier: MIT */
#pragma once

#include <luajit-2.1/lua.h>

/* The global `require`. It looks in package.loaded, package.preload, the function's lib/, the
 * natives and Lua's own libraries, in this order; a module whose name is that of an own library of
 * Lua is refused. Needs SLOT_LOADED. */
int l_require(lua_State *L);

/* Opens the library `package`: loaded, preload, and the strings path, cpath and config. */
int l_package_open(lua_State *L);
