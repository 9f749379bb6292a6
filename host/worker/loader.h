/* loader.h - the func versions a worker knows: source, modules, and the bytecode made of them. */
/* SPDX-License-Identifier: MIT */
#pragma once

#include <luajit-2.1/lua.h>

#include "base/str.h"

struct vm;

/* One Lua text and, once it was compiled, its bytecode. Bytecode never comes from outside: LuaJIT
 * does not check it, and loading a wrong one is a crash. */
struct chunk {
    char *name;       /* "hash", or for a module "text.words" */
    char *chunk_name; /* "@hash.lua", "@lib/text/words.lua": what error messages begin with */
    char *source;
    size_t source_len;
    unsigned libraries; /* that it names */
    char *bytecode;
    size_t bytecode_len;
    bool compiled; /* the bytecode is whole */
};

/* A func version in this worker, with its warm pool. */
struct code {
    uint64_t version;
    struct chunk function;
    struct chunk *modules;
    size_t module_count;
    struct vm **idle; /* warm instances that serve no call */
    size_t idle_count, idle_room;
    size_t pool_size, pool_target; /* instances there are, and shall be */
    size_t users;                  /* calls that run or are parked on this version */
    bool forgotten;                /* dies with its last user */
    struct code *next;
};

struct loader {
    struct code *first;
};

/* Adds a version; texts are copied. False when `modules` (message.h) is malformed. */
bool loader_add(struct loader *loader, uint64_t version, struct str name, struct str source,
                struct str modules);
struct code *loader_find(struct loader *loader, uint64_t version);

/* A version that is forgotten and has no users, or NULL. */
struct code *loader_unused(struct loader *loader);

/* Frees `code`, whose pool is closed and which has no users. */
void loader_remove(struct loader *loader, struct code *code);

/* The module called `name`, or NULL. */
struct chunk *loader_module(struct code *code, const char *name);

/* Pushes the compiled chunk, or an error message; returns what lua_load would. The first time in
 * this worker the text is compiled, after that the bytecode is loaded. */
int loader_load(lua_State *L, struct chunk *chunk);
