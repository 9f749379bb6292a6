/* replaced_test.c - the check says of each library whether it calls the program's function. */
/* SPDX-License-Identifier: MIT */
#include "../base/cases.h"

#include "front/replaced.h"

enum { OURS = 2 };

/* X(library, whether it was linked so that its function can be replaced). Each is built from
 * replaced_library.c; CMakeLists.txt says with which flags. */
#define LIBRARIES(X) X(bound_now, true) X(bound_late, true) X(symbolic, false)

#define X(kind, replaceable)                                                                       \
    int kind##_answer(void);                                                                       \
    int kind##_ask(void);                                                                          \
    int kind##_answer(void)                                                                        \
    {                                                                                              \
        return OURS;                                                                               \
    }
LIBRARIES(X)
#undef X

static const struct {
    const char *symbol, *library;
    int (*ours)(void), (*ask)(void);
    bool replaceable;
} cases[] = {
#define X(kind, replaceable)                                                                       \
    {#kind "_answer", "libreplaced_" #kind ".so", kind##_answer, kind##_ask, replaceable},
    LIBRARIES(X)
#undef X
};

/* The check comes first: a call would bind what is bound late. */
static void the_verdict_is_what_the_library_then_does(void **state)
{
    struct err err;

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        bool verdict = replaced_check(cases[i].symbol, (const void *)cases[i].ours, &err);

        assert_int_equal(verdict, cases[i].replaceable);
        assert_int_equal(cases[i].ask() == OURS, verdict);
        if (verdict)
            continue;
        assert_int_equal(err.code, ERR_INTERNAL);
        expect_contains(err.text, cases[i].symbol);
        expect_contains(err.text, cases[i].library);
    }
}

static void a_function_that_no_library_has_is_an_error(void **state)
{
    struct err err;

    (void)state;
    assert_false(replaced_check("nowhere_answer", (const void *)cases[0].ours, &err));
    expect_contains(err.text, "nowhere_answer");
}

static void another_function_than_the_one_called_is_an_error(void **state)
{
    struct err err;

    (void)state;
    assert_false(replaced_check(cases[0].symbol, (const void *)cases[1].ours, &err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_verdict_is_what_the_library_then_does),
        cmocka_unit_test(a_function_that_no_library_has_is_an_error),
        cmocka_unit_test(another_function_than_the_one_called_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
