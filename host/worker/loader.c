/* loader.c - func versions and their bytecode. */
/* SPDX-License-Identifier: MIT */
#include "worker/loader.h"

#include <luajit-2.1/lauxlib.h>
#include <stdio.h>
#include <stdlib.h>

#include "wire/message.h"
#include "worker/libraries.h"

enum { BYTECODE_MARK = '\033' };

static void *must(void *p)
{
    if (!p)
        abort(); /* the worker is replaced, its calls are told */
    return p;
}

static void chunk_init(struct chunk *c, struct str name, struct str source, const char *folder)
{
    *c = (struct chunk){.name = must(strndup(name.at, name.len)),
                        .source = must(malloc(source.len + 1)),
                        .source_len = source.len,
                        .libraries = libraries_named(source)};
    if (source.len)
        memcpy(c->source, source.at, source.len);
    if (asprintf(&c->chunk_name, "@%s%s.lua", folder, c->name) < 0)
        abort();
    for (char *p = c->chunk_name + 1 + strlen(folder); *p; p++)
        if (*p == '.' && strcmp(p, ".lua") != 0)
            *p = '/';
}

static void chunk_fini(struct chunk *c)
{
    free(c->name);
    free(c->chunk_name);
    free(c->source);
    free(c->bytecode);
}

bool loader_add(struct loader *loader, uint64_t version, struct str name, struct str source,
                struct str modules)
{
    struct code *code = must(calloc(1, sizeof(*code)));
    struct str module, text;

    code->version = version;
    chunk_init(&code->function, name, source, "");
    while (message_next_module(&modules, &module, &text)) {
        code->modules =
            must(realloc(code->modules, (code->module_count + 1) * sizeof(*code->modules)));
        chunk_init(&code->modules[code->module_count++], module, text, "lib/");
    }
    code->next = loader->first;
    loader->first = code;
    return modules.len == 0;
}

struct code *loader_find(struct loader *loader, uint64_t version)
{
    struct code *code = loader->first;

    while (code && code->version != version)
        code = code->next;
    return code;
}

struct code *loader_unused(struct loader *loader)
{
    struct code *code = loader->first;

    while (code && (!code->forgotten || code->users))
        code = code->next;
    return code;
}

void loader_remove(struct loader *loader, struct code *code)
{
    struct code **link = &loader->first;

    while (*link != code)
        link = &(*link)->next;
    *link = code->next;
    chunk_fini(&code->function);
    for (size_t i = 0; i < code->module_count; i++)
        chunk_fini(&code->modules[i]);
    free(code->modules);
    free(code->idle);
    free(code);
}

struct chunk *loader_module(struct code *code, const char *name)
{
    for (size_t i = 0; i < code->module_count; i++)
        if (strcmp(code->modules[i].name, name) == 0)
            return &code->modules[i];
    return NULL;
}

static int keep_bytecode(lua_State *L, const void *part, size_t len, void *chunk)
{
    struct chunk *c = chunk;
    char *grown = realloc(c->bytecode, c->bytecode_len + len);

    (void)L;
    if (!grown)
        return 1;
    memcpy(grown + c->bytecode_len, part, len);
    c->bytecode = grown;
    c->bytecode_len += len;
    return 0;
}

/* Want of memory may jump out of lua_dump: what it wrote so far stays with the chunk, unused, and
 * the next time starts anew. */
static void keep_all_bytecode(lua_State *L, struct chunk *chunk)
{
    free(chunk->bytecode);
    chunk->bytecode = NULL;
    chunk->bytecode_len = 0;
    chunk->compiled = lua_dump(L, keep_bytecode, chunk) == 0;
}

int loader_load(lua_State *L, struct chunk *chunk)
{
    if (chunk->compiled)
        return luaL_loadbufferx(L, chunk->bytecode, chunk->bytecode_len, chunk->chunk_name, "b");
    if (chunk->source_len && chunk->source[0] == BYTECODE_MARK) {
        lua_pushfstring(L, "%s:1: this is bytecode; Lua files are text", chunk->chunk_name + 1);
        return LUA_ERRSYNTAX;
    }
    int status = luaL_loadbufferx(L, chunk->source, chunk->source_len, chunk->chunk_name, "t");
    if (status != 0)
        return status;
    keep_all_bytecode(L, chunk);
    return 0;
}
