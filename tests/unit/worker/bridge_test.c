/* bridge_test.c - a call's way into its vm and out of it. */
/* SPDX-License-Identifier: MIT */
#include "bridge_fixture.h"

/* -- In and out ------------------------------------------------------------------------------ */

struct way {
    const char *source, *params, *expected;
};

static void expect_results(const struct way *ways, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct run *r = run_begin(ways[i].source, ways[i].params, 8 * MIB);

        if (!r->ok)
            fail_msg("%s: %s", ways[i].source, r->err.text);
        if (!is_text(&r->out, ways[i].expected))
            fail_msg("%s: %.*s, not %s", ways[i].source, STR_ARG(buf_str(&r->out)),
                     ways[i].expected);
        run_end(r);
    }
}

static void what_is_no_object_is_wrapped(void **state)
{
    static const struct way ways[] = {
        {"return function(p) return p end", "{\"a\":1}", "{\"a\":1}"},
        {"return function() end", "", "{}"},
        {"return function() return nil end", "", "{}"},
        {"return function() return nil, nil end", "", "{}"},
        {"return function() return {} end", "", "{}"},
        {"return function() return {a = 1}, 'more', 'and more' end", "", "{\"a\":1}"},
        {"return function() return 5 end", "", "{\"result\":5}"},
        {"return function() return 'text' end", "", "{\"result\":\"text\"}"},
        {"return function() return false end", "", "{\"result\":false}"},
        {"return function() return false, 'no error' end", "", "{\"result\":false}"},
        {"return function() return {1, 2} end", "", "{\"result\":[1,2]}"},
        {"return function() return require 'json'.array() end", "", "{\"result\":[]}"},
        {"return function(p) return p.list end", "{\"list\":[]}", "{\"result\":[]}"},
        {"return function() return require 'json'.null end", "", "{\"result\":null}"},
        {"return function() return {result = 1} end", "", "{\"result\":1}"},
        {"return function() return {latency = 1, warmer = 2} and {latency = 1} end", "",
         "{\"latency\":1}"},
        {"return function() return {inner = {warm = 1}} end", "", "{\"inner\":{\"warm\":1}}"},
        {"return function() return {latency_ms = 1} end", "", "{}"},
        {"return function() return {warm = false, latency_ms = print, a = 1} end", "", "{\"a\":1}"},
        {"return function() return setmetatable({a = 1, warm = 2}, {__newindex = error}) end", "",
         "{\"a\":1}"},
    };

    (void)state;
    expect_results(ways, COUNT(ways));
}

static void declared_defaults_are_filled(void **state)
{
    static const struct way ways[] = {
        {"return {params = {a = {default = 7}}, handler = function(p) return p end}", "",
         "{\"a\":7}"},
        {"return {params = {a = {default = 7}}, handler = function(p) return p end}", "{}",
         "{\"a\":7}"},
        {"return {params = {a = {default = 7}}, handler = function(p) return p end}", "{\"a\":1}",
         "{\"a\":1}"},
        {"return {params = {a = {default = true}}, handler = function(p) return p end}",
         "{\"a\":false}", "{\"a\":false}"},
        {"return {params = {a = {default = 7}}, handler = function(p) return p end}",
         "{\"a\":null}", "{\"a\":7}"},
        {"return {params = {a = {}}, handler = function(p) return {p.a == nil, p.b ~= nil} end}",
         "{\"a\":null,\"b\":null}", "{\"result\":[true,true]}"},
        {"return {params = {a = {type = 'any', required = true}}, handler = function(p) return p "
         "end}",
         "{\"a\":null}", "{\"a\":null}"},
        {"return {params = {a = {default = false}}, handler = function(p) return p end}", "",
         "{\"a\":false}"},
        {"return {params = {a = {type = 'string'}}, handler = function(p) return p end}", "", "{}"},
        {"return {params = {a = 1}, handler = function(p) return p end}", "", "{}"},
        {"return {params = {a = {default = 1}, b = {default = 2}, c = {}}, "
         "handler = function(p) return {p.a + p.b} end}",
         "{\"b\":5}", "{\"result\":[6]}"},
    };

    (void)state;
    expect_results(ways, COUNT(ways));
}

static void ctx_tells_about_the_call(void **state)
{
    static const struct way ways[] = {
        {"return function(p, ctx) return ctx.call_id end", "", "{\"result\":\"call-1\"}"},
        {"return function(p, ctx) return ctx.function_name end", "", "{\"result\":\"probe\"}"},
        {"return function(p, ctx) return ctx.start end", "", "{\"result\":\"cold\"}"},
        {"return function(p, ctx) return ctx.traceparent == nil end", "", "{\"result\":true}"},
        {"return function(p, ctx) local ms = ctx.remaining_ms() return ms > 0 and ms <= 60000 end",
         "", "{\"result\":true}"},
        {"return function(p, ctx) return ctx.invoke_all({}) end", "", "{\"result\":[]}"},
    };

    (void)state;
    expect_results(ways, COUNT(ways));
}

static void failures_are_told(void **state)
{
    static const struct {
        const char *source, *params;
        enum err_code code;
        const char *part;
    } cases[] = {
        {"return function() return nil, 'not found' end", "", ERR_FUNCTION_ERROR, "not found"},
        {"return function() return nil, 404 end", "", ERR_FUNCTION_ERROR, "404"},
        {"return function() error('no') end", "", ERR_FUNCTION_ERROR, "probe.lua:1: no"},
        {"return function() error({error = 'told'}) end", "", ERR_FUNCTION_ERROR, "told"},
        {"return function() error({}) end", "", ERR_FUNCTION_ERROR, "without a message"},
        {"return function() error() end", "", ERR_FUNCTION_ERROR, "without a message"},
        {"return function() return print end", "", ERR_BAD_RESULT, "result is a function"},
        {"return function() return {a = 0 / 0} end", "", ERR_BAD_RESULT, "a is not a finite"},
        {"return function() return {1, a = 2} end", "", ERR_BAD_RESULT, "result is a list with"},
        {"return function() return ('x'):rep(1000) end", "", ERR_BAD_RESULT, "more than 1000"},
        {"return function() coroutine.yield() end", "", ERR_FUNCTION_ERROR,
         "coroutine.yield outside a coroutine"},
        {"return function() coroutine.yield(1, 2, 3) end", "", ERR_FUNCTION_ERROR,
         "coroutine.yield outside a coroutine"},
        {"return function() pcall(coroutine.yield, 1) end", "", ERR_FUNCTION_ERROR,
         "coroutine.yield outside a coroutine"},
        {"return function(p, ctx) pcall(table.sort, {1, 2, 3}, function() ctx.sleep(1) end) "
         "coroutine.yield(1) end",
         "", ERR_FUNCTION_ERROR, "coroutine.yield outside a coroutine"},
        {"return function() local t = {} for i = 1, 1e9 do t[i] = i end end", "", ERR_MEMORY_LIMIT,
         "8 MiB"},
        {"return function() end", "1", ERR_FUNCTION_ERROR, "the parameters are no JSON object"},
        {"return function() end", "{", ERR_FUNCTION_ERROR, "the parameters are no JSON object"},
        {"return function(p, ctx) ctx.sleep(-1) end", "", ERR_FUNCTION_ERROR, "from 0 to 600000"},
        {"return function(p, ctx) ctx.sleep(600001) end", "", ERR_FUNCTION_ERROR, "from 0 to"},
        {"return function(p, ctx) ctx.sleep(0 / 0) end", "", ERR_FUNCTION_ERROR, "from 0 to"},
        {"return function(p, ctx) ctx.log('loud', 'x') end", "", ERR_FUNCTION_ERROR,
         "the level is"},
        {"return function(p, ctx) ctx.invoke() end", "", ERR_FUNCTION_ERROR, "bad argument #1"},
        {"return function(p, ctx) ctx.invoke('f', 1) end", "", ERR_FUNCTION_ERROR, "bad argument"},
        {"return function(p, ctx) ctx.invoke('f', {a = {b = 0/0}}) end", "", ERR_FUNCTION_ERROR,
         "the parameters of a call: a.b is not a finite number"},
        {"return function(p, ctx) ctx.invoke('\\255') end", "", ERR_FUNCTION_ERROR,
         "the name of a function: the value is not valid UTF-8"},
        {"return function(p, ctx) local c = {'f', {s = ('x'):rep(2050)}} ctx.invoke_all({c, c}) "
         "end",
         "", ERR_FUNCTION_ERROR, "together more than 4096 bytes"},
        {"return function(p, ctx) ctx.invoke_all({{'f'}, 'g'}) end", "", ERR_FUNCTION_ERROR,
         "item 2 is no {function, params}"},
        {"return function(p, ctx) ctx.invoke_all({{'f', 1}}) end", "", ERR_FUNCTION_ERROR,
         "item 1 is no {function, params}"},
        {"return function(p, ctx) local t = {} for i = 1, 1001 do t[i] = {'f'} end "
         "ctx.invoke_all(t) end",
         "", ERR_FUNCTION_ERROR, "at most 1000 calls"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct run *r = run_begin(cases[i].source, cases[i].params, 8 * MIB);

        if (r->ok || r->err.code != cases[i].code || !strstr(r->err.text, cases[i].part))
            fail_msg("%s: %s (%s)", cases[i].source, r->err.text, err_word(r->err.code));
        run_end(r);
    }
}

/* -- Parking --------------------------------------------------------------------------------- */

static void a_call_parks_and_goes_on(void **state)
{
    static const char *const sources[] = {
        "return function(p, ctx) local n = 0 for i = 1, 3 do ctx.sleep(1) n = n + i end "
        "return n end",
        "return function(p, ctx) local co = coroutine.wrap(function() local n = 0 "
        "for i = 1, 3 do ctx.sleep(1) n = n + i end return n end) return co() end",
        "return function(p, ctx) local n = 0 for i = 1, 3 do "
        "local co = coroutine.create(function() pcall(ctx.sleep, 1) coroutine.yield(i) end) "
        "local ok, got = coroutine.resume(co) n = n + got end return n end",
    };

    (void)state;
    for (size_t i = 0; i < COUNT(sources); i++) {
        struct run *r = run_begin(sources[i], "", 8 * MIB);

        for (int k = 0; k < 3; k++) {
            if (r->step != STEP_PARKED)
                fail_msg("%s: %s", sources[i], r->err.text);
            assert_int_equal(r->call.wait, WAIT_TIME);
            assert_in_range(r->call.wake_ns, 1, clock_now_ns() + NS_PER_MS);
            run_step(r, 0);
        }
        assert_true(r->ok);
        assert_true(is_text(&r->out, "{\"result\":6}"));
        run_end(r);
    }
}

static void a_call_gets_what_its_children_returned(void **state)
{
    static const struct {
        const char *source, *children, *results, *expected;
    } cases[] = {
        {"return function(p, ctx) return ctx.invoke('f', {a = 1}) end", "[[\"f\",{\"a\":1}]]",
         "[{\"result\":{\"b\":2}}]", "{\"b\":2}"},
        {"return function(p, ctx) return (ctx.invoke('f')) == nil end", "[[\"f\",{}]]",
         "[{\"error\":\"no\"}]", "{\"result\":true}"},
        {"return function(p, ctx) local r, e = ctx.invoke('f') return e.error end", "[[\"f\",{}]]",
         "[{\"error\":\"no\"}]", "{\"result\":\"no\"}"},
        {"return function(p, ctx) return ctx.invoke_all({{'f'}, {'g', {x = 1}}}) end",
         "[[\"f\",{}],[\"g\",{\"x\":1}]]", "[{\"result\":{\"n\":1}},{\"error\":\"no\"}]",
         "{\"result\":[{\"n\":1},{\"error\":\"no\",\"message\":\"no\"}]}"},
        {"return function(p, ctx) local r, e = ctx.invoke_all({{'f'}, {'g'}}) "
         "return {e[1] == nil, e[2] == r[2], r[1].error, r[1].result, e[2].message} end",
         "[[\"f\",{}],[\"g\",{}]]",
         "[{\"result\":{\"error\":\"x\",\"result\":5}},{\"error\":\"no\"}]",
         "{\"result\":[true,true,\"x\",5,\"no\"]}"},
        {"return function(p, ctx) local r, e = ctx.invoke_all({{'f'}}) return {#r, e == nil} end",
         "[[\"f\",{}]]", "[{\"result\":{\"error\":\"x\",\"code\":\"y\"}}]",
         "{\"result\":[1,true]}"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct run *r = run_begin(cases[i].source, "", 8 * MIB);
        int arguments = 0;

        assert_int_equal(r->step, STEP_PARKED);
        assert_int_equal(r->call.wait, WAIT_CHILDREN);
        expect_str(buf_str(&r->call.children), str_of(cases[i].children));
        assert_true(bridge_push_results(&r->call, str_of(cases[i].results), &arguments, &r->err));
        run_step(r, arguments);
        if (!r->ok)
            fail_msg("%s: %s", cases[i].source, r->err.text);
        expect_str(buf_str(&r->out), str_of(cases[i].expected));
        run_end(r);
    }
}

/* The handler keeps so many texts of its own and raises a table. The word "error" is gone by then,
 * so that looking for that field of the table makes it anew. */
static bool is_full_with(size_t kept)
{
    char source[512];

    snprintf(source, sizeof(source),
             "local raise, word, t = error, string.format, {} error = nil\n"
             "for i = 1, 70000 do t[i] = false end "
             "return function() for i = 1, %zu do t[i] = word('%%06d', i) end raise(t) end",
             kept);
    struct run *r = run_begin(source, "", 2 * MIB);
    enum err_code code = r->err.code;
    run_end(r);
    assert_true(code == ERR_MEMORY_LIMIT || code == ERR_FUNCTION_ERROR);
    return code == ERR_MEMORY_LIMIT;
}

/* One of the counts leaves nothing for what the host does with the error. Which one differs a
 * little from run to run, with the addresses of what is hashed by them. */
static void an_error_raised_in_a_full_heap_is_told(void **state)
{
    size_t fits = 0, full = 70000;

    (void)state;
    while (full - fits > 1) {
        size_t kept = (fits + full) / 2;

        *(is_full_with(kept) ? &full : &fits) = kept;
    }
    assert_in_range(full, 1000, 69999);
    for (size_t kept = full - 300; kept <= full + 10; kept++)
        is_full_with(kept);
}

static void what_a_call_logs_is_bounded(void **state)
{
    struct run *r = run_begin("return function(p, ctx) print('a', 1, nil) ctx.log('warn', 'b') "
                              "print(('x'):rep(9000)) end",
                              "", 8 * MIB);
    const size_t line = sizeof("1:a\t1\tnil\n2:b\n1:\n") - 1 + 8192;

    (void)state;
    assert_true(r->ok);
    assert_int_equal(logged.len, line);
    assert_memory_equal(logged.at, "1:a\t1\tnil\n2:b\n1:xxx", 17);
    run_end(r);
    r = run_begin("return function(p, ctx) for i = 1, 100000 do print('0123456789') end end", "",
                  8 * MIB);
    assert_true(r->ok);
    assert_in_range(logged.len, 64 << 10, 96 << 10);
    run_end(r);
    buf_fini(&logged);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_no_object_is_wrapped),
        cmocka_unit_test(declared_defaults_are_filled),
        cmocka_unit_test(ctx_tells_about_the_call),
        cmocka_unit_test(failures_are_told),
        cmocka_unit_test(a_call_parks_and_goes_on),
        cmocka_unit_test(a_call_gets_what_its_children_returned),
        cmocka_unit_test(an_error_raised_in_a_full_heap_is_told),
        cmocka_unit_test(what_a_call_logs_is_bounded),
    };

    return RUN_VM_TESTS(tests);
}
