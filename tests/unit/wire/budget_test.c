/* budget_test.c - what workers may take together, and what is left when one is gone. */
/* SPDX-License-Identifier: MIT */
#include "../base/cases.h"

#include "wire/budget.h"

static void all_together_have_the_limit_and_not_more(void **state)
{
    struct budget b = {.limit_bytes = 100};

    (void)state;
    assert_true(budget_take(&b, 0, 60));
    assert_true(budget_take(&b, BUDGET_SLOTS_MAX - 1, 40));
    assert_false(budget_take(&b, 0, 1));
    assert_false(budget_take(&b, 7, 1));
    assert_int_equal(budget_used(&b), 100);
    budget_give(&b, 0, 1);
    assert_true(budget_take(&b, 7, 1));
}

static void what_one_had_that_is_gone_is_free_again(void **state)
{
    struct budget b = {.limit_bytes = 100};

    (void)state;
    assert_true(budget_take(&b, 3, 90));
    assert_false(budget_take(&b, 4, 20));
    budget_reset(&b, 3);
    assert_true(budget_take(&b, 4, 100));
}

static void without_a_limit_it_only_counts(void **state)
{
    struct budget b = {.limit_bytes = 0};

    (void)state;
    assert_true(budget_take(&b, 0, SIZE_MAX / 2));
    assert_int_equal(budget_used(&b), SIZE_MAX / 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_together_have_the_limit_and_not_more),
        cmocka_unit_test(what_one_had_that_is_gone_is_free_again),
        cmocka_unit_test(without_a_limit_it_only_counts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
