/* identity.h - texts of objects, "table: 0x5d01c6b1f2e4", that do not reveal their addresses. */
/* SPDX-License-Identifier: MIT */
#pragma once

#include <luajit-2.1/lua.h>
#include <stdbool.h>

/* In LuaJIT's texts, the number is the object's address, which tells an attacker where to write.
 * Here it is the address under a secret permutation of each vm: two objects that live have two
 * numbers, one object has the same number each time, and nothing else can be read from it.
 *
 * Of LuaJIT's functions that functions find, tostring and string.format alone print addresses: for
 * objects without __tostring, and for "%p". Compiled code prints none: LuaJIT leaves such calls to
 * the interpreter.
 */

/* Makes tostring, in the globals, print no addresses. May raise. */
void l_identity_open(lua_State *L);

/* Does tostring of this LuaJIT call the function that l_identity_open puts in its place? */
bool identity_works(void);

/* Prepares the arguments of string.format, the format first: values for "%s" and "%q" become
 * texts, by __tostring where they have it, and "%p" becomes "%s" with the text for it. What is
 * wrong in them is left to string.format. May raise. */
void l_identity_arguments(lua_State *L);
