/* frames_test.c - walking a stack whose registers say something else. */
/* SPDX-License-Identifier: MIT */
#include "../base/cases.h"

#include "worker/frames.h"

#if defined(__x86_64__)
static void set_registers(ucontext_t *context, uintptr_t pc, uintptr_t sp, uintptr_t fp)
{
    context->uc_mcontext.gregs[REG_RIP] = (greg_t)pc;
    context->uc_mcontext.gregs[REG_RSP] = (greg_t)sp;
    context->uc_mcontext.gregs[REG_RBP] = (greg_t)fp;
}
#elif defined(__aarch64__)
static void set_registers(ucontext_t *context, uintptr_t pc, uintptr_t sp, uintptr_t fp)
{
    context->uc_mcontext.pc = pc;
    context->uc_mcontext.sp = sp;
    context->uc_mcontext.regs[29] = fp;
}
#endif

/* In the interpreter the frame's register holds anything: also addresses between two variables,
 * which AddressSanitizer has poisoned. */
static void a_frame_may_be_anywhere_on_the_stack(void **state)
{
    static struct frames_at at;
    static ucontext_t context;
    char volatile low[64];
    uintptr_t first = (uintptr_t)low & ~(uintptr_t)7, end = (uintptr_t)__builtin_frame_address(0);

    (void)state;
    low[0] = 0;
    frames_init((const void *)end);
    for (uintptr_t fp = first; fp + 16 <= end; fp += 8) {
        set_registers(&context, (uintptr_t)a_frame_may_be_anywhere_on_the_stack, first, fp);
        frames_note(&at, &context);
        assert_in_range(at.count, 1, FRAMES_PCS);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_frame_may_be_anywhere_on_the_stack),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
