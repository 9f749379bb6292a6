/* errors_test.c - what a call fails with: error values of any type, and where they were raised. */
/* SPDX-License-Identifier: MIT */
#include "bridge_fixture.h"

/* -- Error values ---------------------------------------------------------------------------- */

#define RAISE(value)  "return function(p, ctx) error(" value ", 0) end"
#define RETURN(value) "return function(p, ctx) return nil, " value " end"
#define META(value)   "setmetatable({}, {__tostring = function(e) " value " end})"

static const struct {
    const char *source, *text, *code, *details, *note;
    int status;
} values[] = {
    {RETURN("'text'"), "text", "", "", "", 0},
    {RETURN("404"), "404", "", "", "", 0},
    {RETURN("true"), "the function failed with true instead of a message", "", "", "", 0},
    {RETURN("false"), "the function failed with false instead of a message", "", "", "", 0},
    {RETURN("print"), "the function failed with a function instead of a message", "", "", "", 0},
    {RETURN("require 'json'.null"), "the function failed with a userdata instead of a message", "",
     "", "", 0},
    {RETURN("{}"), "the function failed without a message", "", "", "", 0},
    {RETURN("''"), "the function failed without a message", "", "", "", 0},
    {RAISE("''"), "the function failed without a message", "", "", "", 0},
    {RAISE("{message = '', error = ''}"), "the function failed without a message", "", "", "", 0},
    {RETURN("{1, 2}"), "the function failed without a message", "", "", "", 0},
    {RETURN("{code = 'sold_out'}"), "the function failed with the code sold_out", "sold_out", "",
     "", 0},
    {RETURN("{message = 'none left', code = 'sold_out', status = 409, details = {left = 0}}"),
     "none left", "sold_out", "{\"left\":0}", "", 409},
    {RAISE("{message = 'none left', code = 'sold_out', status = 409, details = {left = 0}}"),
     "none left", "sold_out", "{\"left\":0}", "", 409},
    {RAISE("nil"), "the function failed without a message", "", "", "", 0},
    {RAISE("{error = 'old'}"), "old", "", "", "", 0},
    {RAISE("{error = 'old', message = 'new'}"), "new", "", "", "", 0},
    {RAISE("{message = 5}"), "5", "", "", "", 0},
    {RAISE("{message = {}, error = 'old'}"), "old", "", "", "", 0},
    /* bounds */
    {RAISE("{status = 400}"), "the function failed without a message", "", "", "", 400},
    {RAISE("{status = 599}"), "the function failed without a message", "", "", "", 599},
    {RAISE("{message = 'm', status = 399}"), "m", "", "", "`status` is left out", 0},
    {RAISE("{message = 'm', status = 600}"), "m", "", "", "`status` is left out", 0},
    {RAISE("{message = 'm', status = 404.5}"), "m", "", "", "`status` is left out", 0},
    {RAISE("{message = 'm', status = 0/0}"), "m", "", "", "`status` is left out", 0},
    {RAISE("{message = 'm', status = 1e300}"), "m", "", "", "`status` is left out", 0},
    {RAISE("{message = 'm', status = '404'}"), "m", "", "", "`status` is left out", 0},
    {RAISE("{message = 'm', code = 'Sold'}"), "m", "", "", "`code` is left out", 0},
    {RAISE("{message = 'm', code = ''}"), "m", "", "", "`code` is left out", 0},
    {RAISE("{message = 'm', code = '1st'}"), "m", "", "", "`code` is left out", 0},
    {RAISE("{message = 'm', code = 'a\\0b'}"), "m", "", "", "`code` is left out", 0},
    {RAISE("{message = 'm', code = 7}"), "m", "", "", "`code` is left out", 0},
    {RAISE("{message = 'm', code = ('x'):rep(65)}"), "m", "", "", "`code` is left out", 0},
    {RAISE("{message = 'm', details = print}"), "m", "", "", "`details` are left out", 0},
    {RAISE("{message = 'm', details = {0/0}}"), "m", "", "", "`details` are left out", 0},
    {RAISE("{message = 'm', details = ('x'):rep(5000)}"), "m", "", "", "more than 4096", 0},
    {RAISE("{message = 'm', details = false}"), "m", "", "false", "", 0},
    {RAISE("{message = 'm', details = require 'json'.null}"), "m", "", "null", "", 0},
    {RAISE("{message = 'm', details = 'text'}"), "m", "", "\"text\"", "", 0},
    /* metatables */
    {RAISE(META("return 'as text'")), "as text", "", "", "", 0},
    {RETURN(META("return 'as text'")), "as text", "", "", "", 0},
    {RAISE(META("return {}")), "the function failed without a message", "", "", "", 0},
    {RAISE(META("error('twice')")), "the function failed without a message", "", "",
     "raised an error of its own", 0},
    {RAISE(META("local s = tostring(e) return s")), "the function failed without a message", "", "",
     "raised an error of its own", 0},
    {RAISE("setmetatable({}, {__tostring = 5})"), "the function failed without a message", "", "",
     "raised an error of its own", 0},
    {RAISE("setmetatable({}, {__index = {message = 'm', code = 'of_class', status = 418}})"), "m",
     "of_class", "", "", 418},
    {RAISE("setmetatable({code = 'c'}, {__index = function() error('twice') end})"),
     "the function failed with the code c", "c", "", "raised an error of its own", 0},
    {RAISE("setmetatable({}, {__metatable = 1, __index = error})"),
     "the function failed without a message", "", "", "raised an error of its own", 0},
};

static void error_values_of_any_type_are_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(values); i++) {
        struct run *r = run_begin(values[i].source, "", 8 * MIB);

        if (r->ok || r->err.code != ERR_FUNCTION_ERROR || strcmp(r->err.text, values[i].text) != 0)
            fail_msg("%s: %s (%s)", values[i].source, r->err.text, err_word(r->err.code));
        assert_string_equal(r->raised.code, values[i].code);
        assert_string_equal(r->raised.child, "");
        assert_int_equal(r->raised.status, values[i].status);
        if (!is_text(&r->raised.details, values[i].details))
            fail_msg("%s: %.*s", values[i].source, STR_ARG(buf_str(&r->raised.details)));
        buf_put(&logged, "", 1);
        expect_contains(logged.at, values[i].note);
        assert_int_equal(logged.len > 1, values[i].note[0] != '\0');
        run_end(r);
    }
}

/* ThreadSanitizer holds signals back, so that a loop is not ended. */
#ifdef __SANITIZE_THREAD__
enum { LOOPS_END = 0 };
#else
enum { LOOPS_END = 1 };
#endif

static void reading_an_error_value_is_bounded(void **state)
{
    static const struct {
        const char *source;
        enum err_code code;
    } cases[] = {
        {RAISE(META("while true do end")), ERR_DEADLINE},
        {RETURN(META("while true do end")), ERR_DEADLINE},
        {RAISE(META("return tostring(e)")), ERR_DEADLINE},
        {RAISE(META("local t = {} for i = 1, 1e9 do t[i] = i end")), ERR_MEMORY_LIMIT},
    };

    (void)state;
    assert_true(safepoint_init(NULL));
    for (size_t i = 0; i < COUNT(cases); i++) {
        if (cases[i].code == ERR_DEADLINE && !LOOPS_END)
            continue;
        safepoint_limit(clock_now_ns() + 200 * NS_PER_MS);
        struct run *r = run_begin(cases[i].source, "", 8 * MIB);

        safepoint_limit(0);
        assert_false(r->ok);
        assert_string_equal(err_word(r->err.code), err_word(cases[i].code));
        assert_int_equal(r->raised.details.len, 0);
        run_end(r);
    }
}

#define FAILED                                                                                     \
    "{\"error\":\"child.lua:1: "                                                                   \
    "no\",\"code\":\"sold_out\",\"function\":\"child\",\"call_id\":\"c\","                         \
    "\"details\":[1],\"status\":409}"
#define NOWHERE                                                                                    \
    "{\"error\":\"too deep\",\"code\":\"bad_request\",\"function\":\"a b\",\"status\":400}"

static void a_childs_error_is_passed_on(void **state)
{
    static const struct {
        const char *source, *results, *text, *code, *child;
        int status;
    } cases[] = {
        {"return function(p, ctx) return ctx.invoke('child') end", "[" FAILED "]",
         "child.lua:1: no", "sold_out", "child", 409},
        {"return function(p, ctx) local r, e = ctx.invoke('child') error(e) end", "[" FAILED "]",
         "child.lua:1: no", "sold_out", "child", 409},
        {"return function(p, ctx) return assert(ctx.invoke('child')) end", "[" FAILED "]",
         "child.lua:1: no", "sold_out", "child", 409},
        {"return function(p, ctx) return ctx.invoke('a b') end", "[" NOWHERE "]", "a b: too deep",
         "bad_request", "a b", 400},
        {"return function(p, ctx) local r, e = ctx.invoke('a b') error(tostring(e), 0) end",
         "[" NOWHERE "]", "a b: too deep", "", "", 0},
        {"return function(p, ctx) local r, e = ctx.invoke('a b') e.code = 'other' e.status = nil "
         "e.message = 'mine' return nil, e end",
         "[" NOWHERE "]", "a b: mine", "other", "a b", 0},
        {"return function(p, ctx) local r, e = ctx.invoke_all({{'child'}, {'a b'}}) "
         "return nil, e[2] end",
         "[" FAILED "," NOWHERE "]", "a b: too deep", "bad_request", "a b", 400},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct run *r = run_begin(cases[i].source, "", 8 * MIB);
        int arguments = 0;

        assert_true(bridge_push_results(&r->call, str_of(cases[i].results), &arguments, &r->err));
        run_step(r, arguments);
        if (r->ok || strcmp(r->err.text, cases[i].text) != 0)
            fail_msg("%s: %s", cases[i].source, r->err.text);
        assert_string_equal(r->raised.code, cases[i].code);
        assert_string_equal(r->raised.child, cases[i].child);
        assert_int_equal(r->raised.status, cases[i].status);
        run_end(r);
    }
}

/* -- Tracebacks ------------------------------------------------------------------------------ */

static void a_raised_error_has_its_traceback(void **state)
{
    struct run *r = run_begin("local function inner() error('deep') end\n"
                              "local function outer() inner() return 1 end\n"
                              "return function() outer() return 1 end",
                              "", 8 * MIB);
    struct str details = traceback_text();
    const char *const parts[] = {"probe.lua:1: in inner", "probe.lua:2: in outer", "probe.lua:3: "};
    char text[1000];

    (void)state;
    snprintf(text, sizeof(text), "%.*s", STR_ARG(details));
    for (size_t i = 0; i < COUNT(parts); i++)
        expect_contains(text, parts[i]);
    run_end(r);
}

#define INNER "local function inner(t) local x = t.none.field return x end\n"

static const struct {
    const char *source, *expected;
} failures[] = {
    {INNER "return function(p) inner(p) return 1 end",
     "probe.lua:1: in inner\nprobe.lua:2: in function"},
    {"\nreturn function(p) return p.a.b end", "probe.lua:2: in function"},
    {"\nreturn function(p) undefined() return 1 end", "probe.lua:2: in function"},
    {"\nreturn function(p) return undefined() end", "probe.lua:2: in function"},
    {"return function() error('no') end", "probe.lua:1: in function"},
    {"return function() error() end", "probe.lua:1: in function"},
    {"return function() error({}) end", "probe.lua:1: in function"},
    {"return function() error(true) end", "probe.lua:1: in function"},
    {"return function() assert(false, 'no') end", "probe.lua:1: in function"},
    {"return function() local s = ('x'):rep('y') end", "[C]: in rep\nprobe.lua:1: in function"},
    {"return function() local f = load('\\nerror(1)', '=text') f() end",
     "text:2: in f\nprobe.lua:1: in function"},
    {"return function() local s = ('x'):gsub('.', function()\nerror('no') end) return s end",
     "probe.lua:2: in function\n[C]: in gsub\nprobe.lua:1: in function"},
    {"local function f() return 1 + f() end\nreturn function() return f() + 1 end",
     "probe.lua:1: in f\nprobe.lua:1: in f\n*"},
    /* in coroutines, also when a table or a text with another place is raised again */
    {INNER "return function(p) local co = coroutine.wrap(inner)\nco(p) return 1 end",
     "probe.lua:1: in function\n[coroutine]\nprobe.lua:3: in function"},
    {INNER "return function(p)\nlocal ok, e = coroutine.resume(coroutine.create(inner), p)\n"
           "error(e) end",
     "probe.lua:1: in function\n[coroutine]\nprobe.lua:4: in function"},
    {INNER "return function(p)\nlocal ok, e = coroutine.resume(coroutine.create(error), p)\n"
           "error(e) end",
     "[C]: in ?\n[coroutine]\nprobe.lua:4: in function"},
    {"return function()\nlocal a = coroutine.wrap(function() error({}) end)\n"
     "local b = coroutine.wrap(function()\na() end)\nb() end",
     "probe.lua:2: in function\n[coroutine]\nprobe.lua:4: in function\n[coroutine]\n*"},
    {"return function()\nlocal co = coroutine.wrap(function() coroutine.yield(1)\n"
     "error() end)\nco()\nco() end",
     "probe.lua:3: in function\n[coroutine]\nprobe.lua:5: in function"},
    {"return function() coroutine.yield() end", "[C]: in yield\nprobe.lua:1: in function"},
    /* nothing of what was caught */
    {INNER "return function(p) pcall(inner, p)\nerror('no') end", "probe.lua:3: in function"},
    {INNER "return function(p) pcall(coroutine.wrap(inner), p)\nerror('no') end",
     "probe.lua:3: in function"},
    {INNER "return function(p) xpcall(inner, function(e) return e end, p)\nerror() end",
     "probe.lua:3: in function"},
    {INNER "return function(p) pcall(coroutine.wrap(inner), p) return print end", ""},
    {INNER "return function(p) pcall(coroutine.wrap(inner), p) "
           "local t = {} for i = 1, 1e9 do t[i] = i end end",
     ""},
    /* while the file loads */
    {INNER "inner({})\nreturn inner", "probe.lua:1: in inner\nprobe.lua:2: in main chunk"},
    {INNER "coroutine.wrap(inner)({})\nreturn inner",
     "probe.lua:1: in function\n[coroutine]\nprobe.lua:2: in main chunk"},
};

/* The innermost lines that the function has any part in; "*" ends what is compared. */
static void a_traceback_begins_where_it_failed(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(failures); i++) {
        const char *star = strchr(failures[i].expected, '*');
        struct run *r = run_begin(failures[i].source, "", 8 * MIB);
        struct str found = traceback_text();
        struct str expected = {failures[i].expected, star ? (size_t)(star - failures[i].expected)
                                                          : strlen(failures[i].expected)};

        assert_false(r->ok);
        if (star ? !str_starts(found, expected) : !str_equal(found, expected))
            fail_msg("%s:\n%.*s\n-- not --\n%s", failures[i].source, STR_ARG(found),
                     failures[i].expected);
        run_end(r);
    }
}

static void a_traceback_is_bounded(void **state)
{
    struct run *r = run_begin("local function f() return 1 + f() end return f", "", 8 * MIB);
    struct str text = traceback_text();
    size_t lines = 1;

    (void)state;
    for (size_t i = 0; i < text.len; i++)
        lines += text.at[i] == '\n';
    expect_contains(r->err.text, "stack overflow");
    assert_int_equal(lines, 33);
    assert_memory_equal(text.at + text.len - 4, "\n...", 4);
    run_end(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(error_values_of_any_type_are_read),
        cmocka_unit_test(reading_an_error_value_is_bounded),
        cmocka_unit_test(a_childs_error_is_passed_on),
        cmocka_unit_test(a_raised_error_has_its_traceback),
        cmocka_unit_test(a_traceback_begins_where_it_failed),
        cmocka_unit_test(a_traceback_is_bounded),
    };

    return RUN_VM_TESTS(tests);
}
