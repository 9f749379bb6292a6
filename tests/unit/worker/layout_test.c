/* layout_test.c - the LuaJIT that is linked fits, and that is found out fast. */
/* SPDX-License-Identifier: MIT */
#include "vm_fixture.h"

#include "base/clock.h"
#include "worker/layout.h"

static void the_linked_luajit_fits(void **state)
{
    struct err err;

    (void)state;
    if (!layout_check(&err))
        fail_msg("%s", err.text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_linked_luajit_fits)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
