/* vm_fixture.h - function texts in a vm: opening it, calling the handler, looking at the result. */
/* SPDX-License-Identifier: MIT */
#pragma once

#include "../base/cases.h"

#include <luajit-2.1/lauxlib.h>
#include <stdio.h>

#include "worker/json.h"
#include "worker/sandbox.h"
#include "worker/vm.h"

enum { MIB = 1 << 20, ANSWER_BYTES = 4096 };

static struct loader vm_loader;

/* A version called "probe" of this text, to be dropped with code_drop. */
static inline struct code *code_of(const char *source)
{
    static uint64_t version;

    assert_true(
        loader_add(&vm_loader, ++version, STR("probe"), str_of(source), (struct str){NULL, 0}));
    return loader_find(&vm_loader, version);
}

static inline void code_drop(struct code *code)
{
    loader_remove(&vm_loader, code);
}

struct answer {
    char text[ANSWER_BYTES]; /* tostring of the handler's first result, cut */
};

static inline int l_ask(lua_State *L)
{
    struct answer *answer = lua_touserdata(L, 1);
    size_t len;

    lua_getglobal(L, "tostring");
    lua_rawgeti(L, LUA_REGISTRYINDEX, SLOT_HANDLER);
    lua_call(L, 0, 1);
    lua_call(L, 1, 1);
    const char *text = lua_tolstring(L, -1, &len);
    snprintf(answer->text, sizeof(answer->text), "%.*s", (int)len, text);
    return 0;
}

/* Calls the handler without arguments, outside a coroutine. */
static inline bool ask(struct vm *vm, struct answer *answer, struct err *err)
{
    return vm_protect(vm, l_ask, answer, err);
}

/* Opens `source`, asks it once, and closes it. */
static inline bool ask_source(const char *source, size_t limit, struct answer *answer,
                              struct err *err)
{
    struct code *code = code_of(source);
    struct vm *vm = vm_open(code, limit, err);
    bool ok = vm && ask(vm, answer, err);

    vm_close(vm);
    code_drop(code);
    return ok;
}

static inline int vm_group_setup(void **state)
{
    (void)state;
    json_init();
    return 0;
}

static inline int vm_group_teardown(void **state)
{
    (void)state;
    vm_drop_spare_heaps();
    return vm_loader.first != NULL;
}

#define RUN_VM_TESTS(tests) cmocka_run_group_tests(tests, vm_group_setup, vm_group_teardown)
