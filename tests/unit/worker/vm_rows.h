/* vm_rows.h - tables of Lua expressions, each evaluated in a vm of its own. */
/* SPDX-License-Identifier: MIT */
#pragma once

#include "vm_fixture.h"

#include "wire/message.h"

/* An expression, and what tostring makes of its value, or a part of the error that it raises. */
struct row {
    const char *expression, *expected;
};

static inline bool evaluate(const char *expression, struct answer *answer, struct err *err)
{
    char source[8192];
    int len = snprintf(source, sizeof(source),
                       "local json = require 'json'\nreturn function() return %s\nend", expression);

    assert_in_range(len, 1, sizeof(source) - 1);
    return ask_source(source, 32 * MIB, answer, err);
}

static inline void expect_values(const struct row *rows, size_t count)
{
    struct answer answer;
    struct err err;

    for (size_t i = 0; i < count; i++) {
        if (!evaluate(rows[i].expression, &answer, &err))
            fail_msg("%s raised: %s", rows[i].expression, err.text);
        if (strcmp(answer.text, rows[i].expected) != 0)
            fail_msg("%s is %s, not %s", rows[i].expression, answer.text, rows[i].expected);
    }
}

static inline void expect_errors(const struct row *rows, size_t count)
{
    struct answer answer;
    struct err err;

    for (size_t i = 0; i < count; i++) {
        if (evaluate(rows[i].expression, &answer, &err))
            fail_msg("%s did not raise but is %s", rows[i].expression, answer.text);
        if (err.code != ERR_FUNCTION_ERROR || !strstr(err.text, rows[i].expected))
            fail_msg("%s raised: %s, without: %s", rows[i].expression, err.text, rows[i].expected);
    }
}

/* A version called "probe" with modules: a name and a text each. */
static inline struct code *code_with_modules(const char *source, const struct row *modules,
                                             size_t count)
{
    static uint64_t version = 1000000;
    struct buf text = {0};

    for (size_t i = 0; i < count; i++)
        message_put_module(&text, str_of(modules[i].expression), str_of(modules[i].expected));
    assert_true(loader_add(&vm_loader, ++version, STR("probe"), str_of(source), buf_str(&text)));
    buf_fini(&text);
    return loader_find(&vm_loader, version);
}

#define EXPECT_VALUES(rows) expect_values(rows, COUNT(rows))
#define EXPECT_ERRORS(rows) expect_errors(rows, COUNT(rows))
