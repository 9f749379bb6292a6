/* pool.c - warm instances. */
/* SPDX-License-Identifier: MIT */
#include "worker/pool.h"

#include <stdlib.h>

#include "base/clock.h"

static bool add(struct code *code, size_t limit_bytes, struct err *err)
{
    if (code->idle_room <= code->pool_size) {
        size_t room = code->idle_room ? 2 * code->idle_room : 8;
        struct vm **grown = realloc(code->idle, room * sizeof(*grown));

        if (!grown)
            return err_set_errno(err, "memory for a pool");
        code->idle = grown;
        code->idle_room = room;
    }
    struct vm *vm = vm_open(code, limit_bytes, err);
    if (!vm)
        return false;
    if (!vm_seal(vm, err)) {
        vm_close(vm);
        return false;
    }
    code->idle[code->idle_count++] = vm;
    code->pool_size++;
    return true;
}

bool pool_close_one(struct code *code)
{
    if (code->idle_count == 0)
        return false;
    vm_close(code->idle[--code->idle_count]);
    code->pool_size--;
    return true;
}

bool pool_resize(struct code *code, size_t target, size_t limit_bytes, uint64_t until_ns,
                 struct err *err)
{
    code->pool_target = target;
    while (code->pool_size != target) {
        if (code->pool_size < target ? !add(code, limit_bytes, err) : !pool_close_one(code))
            return code->pool_size > target; /* the others are in use */
        if (clock_now_ns() >= until_ns)
            break;
    }
    return true;
}

struct vm *pool_take(struct code *code)
{
    return code->idle_count ? code->idle[--code->idle_count] : NULL;
}

void pool_give(struct vm *vm)
{
    struct code *code = vm->code;

    if (code->pool_size <= code->pool_target && vm_reset(vm)) {
        code->idle[code->idle_count++] = vm;
        return;
    }
    vm_close(vm);
    pool_lose(code);
}

void pool_lose(struct code *code)
{
    code->pool_size--;
}
