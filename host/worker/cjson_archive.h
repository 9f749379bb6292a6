/* cjson_archive.h - what lua-cjson's archive calls in place of libc and Lua.
 *
 * The build renames these symbols in a copy of the archive (CMakeLists.txt). Each does what the
 * function of its name does, and more. */
/* SPDX-License-Identifier: MIT */
#pragma once

#include <luajit-2.1/lua.h>
#include <stddef.h>

/* Memory of the vm entered last, instead of malloc's. Leave the vm at its limit: never NULL. */
void *cjson_malloc(size_t size);
void *cjson_realloc(void *block, size_t size);
void cjson_free(void *block);

/* End the call and not the worker. */
void cjson_exit(int status);
void cjson_assert_fail(const char *assertion, const char *file, unsigned line,
                       const char *function);

/* The decoder asks for two slots before it makes a list, and for three before an object. */
int cjson_checkstack(lua_State *L, int slots);
void cjson_createtable(lua_State *L, int items, int members);

/* Refuses text that is not UTF-8 or holds NUL; and leaves the vm when the call is to end. */
const char *cjson_checklstring(lua_State *L, int index, size_t *len);
void cjson_rawset(lua_State *L, int index);
void cjson_rawseti(lua_State *L, int index, int key);

/* In place of the archive's fpconv.o, whose numbers have 14 digits. */
void fpconv_init(void);
double fpconv_strtod(const char *text, char **end);
int fpconv_g_fmt(char *text, double number, int precision);

/* lua-cjson's module. */
int luaopen_cjson(lua_State *L);
