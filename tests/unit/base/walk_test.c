/* walk_test.c - stacks of any content are walked within their bounds. */
/* SPDX-License-Identifier: MIT */
#include "cases.h"

#include "base/walk.h"

enum { WORDS = 256 };

/* What a walk may look at, and beyond it what it may not: that would be taken for a return. */
static uintptr_t stack[WORDS + 2];

static ucontext_t context;

#if defined(__x86_64__)
static void interrupt(uintptr_t pc, uintptr_t sp, uintptr_t fp)
{
    greg_t *r = context.uc_mcontext.gregs;

    r[REG_RIP] = (greg_t)pc;
    r[REG_RSP] = (greg_t)sp;
    r[REG_RBP] = (greg_t)fp;
}
#elif defined(__aarch64__)
static void interrupt(uintptr_t pc, uintptr_t sp, uintptr_t fp)
{
    context.uc_mcontext.pc = pc;
    context.uc_mcontext.sp = sp;
    context.uc_mcontext.regs[29] = fp;
}
#endif

static uintptr_t at(size_t word)
{
    return (uintptr_t)&stack[word];
}

/* Of ours, as what is returned to. */
static uintptr_t code(void)
{
    return (uintptr_t)code;
}

static uintptr_t librarys(void)
{
    return (uintptr_t)strtok;
}

/* Frames at each second word from `from` on, the last one's frame pointer is `end`. */
static void chain(size_t from, size_t count, uintptr_t end)
{
    for (size_t i = 0; i < WORDS + 2; i++)
        stack[i] = code();
    for (size_t i = 0; i < count; i++)
        stack[from + 2 * i] = i + 1 < count ? at(from + 2 * i + 2) : end;
}

static void frames_are_followed_while_they_make_sense(void **state)
{
    enum { SP = 8, TOP = 64 };
    const struct {
        uintptr_t fp, end;
        size_t count;
        bool with;
        uint32_t expected;
    } cases[] = {
        {at(SP), at(TOP), 3, true, 4},
        {at(SP), at(TOP), 3, false, 3},
        {at(SP), 0, 3, true, 4},
        {at(SP), at(SP + 4), 3, true, 4}, /* to itself */
        {at(SP), at(SP), 3, true, 4},     /* down */
        {at(SP), at(TOP + 2), 3, true, 4},
        {at(SP), UINTPTR_MAX - 7, 3, true, 4},
        {at(SP), at(TOP) - 1, 3, true, 4},
        {at(SP), at(TOP), 28, true, 29},
        {0, 0, 0, true, 1},
        {UINTPTR_MAX, 0, 0, true, 1},
        {UINTPTR_MAX - 7, 0, 0, true, 1},
        {at(SP - 1), 0, 0, true, 1},
        {at(SP) + 1, 0, 0, true, 1},
        {at(TOP), 0, 0, true, 1},
        {at(WORDS), 0, 0, true, 1},
    };
    uint64_t pcs[WALK_PCS];

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        chain(SP, cases[i].count, cases[i].end);
        interrupt(code(), at(SP), cases[i].fp);
        uint32_t count = walk_take(pcs, &context, &stack[TOP], cases[i].with);
        if (count != cases[i].expected)
            fail_msg("case %zu: %u frames", i, count);
        for (uint32_t j = 0; j < count; j++)
            assert_true(walk_is_own(pcs[j]));
    }
}

static void a_walk_ends_where_returns_are_no_code(void **state)
{
    uint64_t pcs[WALK_PCS];

    (void)state;
    chain(0, 5, at(WORDS));
    stack[5] = 12345;
    interrupt(code(), at(0), at(0));
    assert_int_equal(walk_take(pcs, &context, &stack[WORDS], true), 3);
}

static void deep_stacks_are_cut(void **state)
{
    uint64_t pcs[WALK_PCS];

    (void)state;
    chain(0, WORDS / 2, at(WORDS));
    interrupt(code(), at(0), at(0));
    assert_int_equal(walk_take(pcs, &context, &stack[WORDS], true), WALK_PCS);
}

static void the_caller_of_a_librarys_leaf_is_seen(void **state)
{
    uint64_t pcs[WALK_PCS];

    (void)state;
    chain(2, 1, at(WORDS));
    interrupt(librarys(), at(0), 0);
    assert_false(walk_is_own(librarys()));
    assert_true(walk_is_code(librarys()));
    assert_int_equal(walk_take(pcs, &context, &stack[WORDS], true), 2);
    assert_int_equal(pcs[1], code());
    assert_int_equal(walk_take(pcs, &context, &stack[1], true), 1); /* not past the end */
    stack[0] = 12345;
    assert_int_equal(walk_take(pcs, &context, &stack[WORDS], true), 1);
}

/* In the interpreter the frame's register holds anything: also addresses between two variables,
 * which AddressSanitizer has poisoned. */
static void a_frame_may_be_anywhere_on_the_stack(void **state)
{
    char volatile low[64];
    uintptr_t first = (uintptr_t)low & ~(uintptr_t)7, end = (uintptr_t)__builtin_frame_address(0);
    uint64_t pcs[WALK_PCS];

    (void)state;
    low[0] = 0;
    for (uintptr_t fp = first; fp + 16 <= end; fp += 8) {
        interrupt(code(), first, fp);
        assert_in_range(walk_take(pcs, &context, (const void *)end, true), 1, WALK_PCS);
    }
}

static void what_is_no_code_is_told(void **state)
{
    (void)state;
    assert_true(walk_is_code(code()));
    assert_false(walk_is_code(0));
    assert_false(walk_is_code((uint64_t)(uintptr_t)stack));
    assert_false(walk_is_code(UINT64_MAX));
}

static int init(void **state)
{
    (void)state;
    walk_init();
    walk_init(); /* changes nothing */
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_are_followed_while_they_make_sense),
        cmocka_unit_test(a_walk_ends_where_returns_are_no_code),
        cmocka_unit_test(deep_stacks_are_cut),
        cmocka_unit_test(the_caller_of_a_librarys_leaf_is_seen),
        cmocka_unit_test(a_frame_may_be_anywhere_on_the_stack),
        cmocka_unit_test(what_is_no_code_is_told),
    };

    return cmocka_run_group_tests(tests, init, NULL);
}
