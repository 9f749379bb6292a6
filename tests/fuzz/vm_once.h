/* vm_once.h - a vm for fuzz targets that need Lua values. */
/* SPDX-License-Identifier: MIT */
#pragma once

#include "fuzz.h"

#include "worker/json.h"
#include "worker/vm.h"

enum { FUZZ_HEAP_MAX = 8 << 20 };

/* Runs `fn` with `argument` as its first value (a light userdata), in a new vm. False when the vm's
 * memory was not enough, or when `fn` raised. */
static inline bool vm_once(lua_CFunction fn, void *argument, struct err *err)
{
    static struct loader loader;
    static struct code *code;

    json_init();
    if (!code) {
        MUST(loader_add(&loader, 1, STR("fuzz"), STR("return function() end"), STR("")));
        code = loader_find(&loader, 1);
    }
    struct vm *vm = vm_open(code, FUZZ_HEAP_MAX, err);
    MUST(vm);
    bool ok = vm_protect(vm, fn, argument, err);
    vm_close(vm);
    return ok;
}
