/* queue_test.c - whose turn it is, who has room, and how long a call would wait. */
/* SPDX-License-Identifier: MIT */
#include "../base/cases.h"
#include "../base/clocks.h"

#include "front/call.h"
#include "front/func.h"

enum { FUNCS = 4, CALLS = 64 };

/* Funcs "a" to "d", and calls that are pushed by their func's letter. */
static struct {
    struct func *funcs[FUNCS];
    struct call calls[CALLS];
    size_t used;
} t;

static int open_all(void **state)
{
    (void)state;
    memset(&t, 0, sizeof(t));
    for (size_t i = 0; i < FUNCS; i++)
        t.funcs[i] = func_open((struct str){"abcd" + i, 1});
    return 0;
}

static int close_all(void **state)
{
    (void)state;
    while (queue_line())
        queue_remove(queue_line()->calls.first);
    while (queue_own())
        queue_remove(queue_own());
    for (size_t i = 0; i < FUNCS; i++)
        func_unref(t.funcs[i]);
    return 0;
}

static struct call *call_of(char func, enum call_kind kind)
{
    struct call *call = &t.calls[t.used++];

    assert_true(t.used <= CALLS);
    *call = (struct call){.order = {.kind = kind, .func = t.funcs[func - 'a']}};
    return call;
}

static void push(const char *funcs)
{
    for (; *funcs; funcs++)
        queue_push(call_of(*funcs, CALL_RUN));
}

/* As dispatch does: the first of the line whose turn it is, then the next line's turn. */
static char take(uint64_t now_ns)
{
    struct line *line = queue_line();
    struct call *call = line->calls.first;

    queue_take(call, now_ns);
    if (queue_line() == line)
        queue_pass();
    return call->order.func->name[0];
}

static void functions_have_their_turns(void **state)
{
    static const struct {
        const char *pushed, *taken;
    } cases[] = {
        {"a", "a"},           {"aaa", "aaa"},           {"aaab", "abaa"},      {"aaabb", "ababa"},
        {"aabbcc", "abcabc"}, {"abcdaaaa", "abcdaaaa"}, {"ddddcba", "dcbaddd"}};

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        t.used = 0;
        push(cases[i].pushed);
        assert_int_equal(queue_count(), strlen(cases[i].pushed));
        for (const char *expected = cases[i].taken; *expected; expected++)
            if (take(1) != *expected)
                fail_msg("%s: not %s", cases[i].pushed, cases[i].taken);
        assert_int_equal(queue_count(), 0);
        assert_int_equal(queue_lines(), 0);
        assert_null(queue_line());
    }
}

static void calls_of_a_function_stay_in_order(void **state)
{
    (void)state;
    push("aaa");
    for (size_t i = 0; i < 3; i++) {
        assert_ptr_equal(queue_line()->calls.first, &t.calls[i]);
        take(1);
    }
}

static void a_call_that_is_put_back_is_the_next_one(void **state)
{
    (void)state;
    push("aabb");
    struct call *call = queue_line()->calls.first;
    queue_take(call, 1);
    queue_pass();
    queue_push_back(call);
    assert_ptr_equal(queue_line()->calls.first, call);
    assert_int_equal(queue_count(), 4);
}

static void a_call_can_leave_from_anywhere(void **state)
{
    (void)state;
    push("aaabc");
    queue_remove(&t.calls[1]);
    queue_remove(&t.calls[3]);
    assert_int_equal(queue_count(), 3);
    assert_int_equal(queue_lines(), 2);
    assert_int_equal(take(1), 'a');
    assert_int_equal(take(1), 'c');
    assert_int_equal(take(1), 'a');
}

static void the_servers_own_calls_are_no_ones_turn(void **state)
{
    (void)state;
    struct call *pool = call_of('a', CALL_POOL), *describe = call_of('b', CALL_DESCRIBE);
    queue_push(pool);
    queue_push(describe);
    assert_int_equal(queue_count(), 0);
    assert_null(queue_line());
    assert_ptr_equal(queue_own(), describe);
    assert_ptr_equal(describe->next, pool);
    queue_take(describe, 1);
    queue_push_back(describe);
    assert_ptr_equal(queue_own(), describe);
}

/* How many calls of "a", then of "b", find room among `most`, when "a" comes first. */
static void the_end_of_the_room_is_for_those_below_their_share(void **state)
{
    static const struct {
        size_t most, a, b;
    } cases[] = {{1, 1, 0}, {2, 2, 0}, {63, 63, 0}, {64, 63, 1}, {128, 126, 2}, {1024, 1008, 16}};

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        static struct call calls[2048];
        size_t got[2] = {0, 0}, used = 0;

        for (int f = 0; f < 2; f++)
            while (queue_has_room(&t.funcs[f]->line, cases[i].most)) {
                struct call *call = &calls[used++];
                *call = (struct call){.order = {.kind = CALL_RUN, .func = t.funcs[f]}};
                queue_push(call);
                got[f]++;
            }
        assert_int_equal(got[0], cases[i].a);
        assert_int_equal(got[1], cases[i].b);
        while (used)
            queue_remove(&calls[--used]);
    }
}

/* One start each 10 ns. */
static void expect_waits_from(uint64_t from)
{
    const struct line *line = &t.funcs[0]->line;

    t.used = 0;
    for (int i = 0; i < 30; i++)
        push("a");
    for (uint64_t i = 0; i < 8; i++) {
        take(from + 10 * i);
        assert_int_equal(queue_wait_ns(line), 0);
    }
    take(from + 80);
    assert_int_equal(queue_wait_ns(line), 10 * (21 + 1));
    for (uint64_t i = 1; i <= 20; i++)
        take(from + 80 + 1000 * i);
    uint64_t each = queue_wait_ns(line) / 2;
    if (each < 500 || each > 1000)
        fail_msg("%llu", (unsigned long long)each);
    take(from + (1 << 20));
    assert_int_equal(queue_wait_ns(line), 0); /* nobody waits: nothing is known */
    push("aa");
    take(from + (1 << 21));
    take(from + (1 << 22));
    assert_int_equal(queue_wait_ns(line), 0);
}

static void a_wait_is_told_from_how_fast_the_line_gets_on(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(clocks_ns); i++)
        expect_waits_from(clocks_ns[i]);
}

int main(void)
{
#define CASE(test) cmocka_unit_test_setup_teardown(test, open_all, close_all)
    const struct CMUnitTest tests[] = {
        CASE(functions_have_their_turns),
        CASE(calls_of_a_function_stay_in_order),
        CASE(a_call_that_is_put_back_is_the_next_one),
        CASE(a_call_can_leave_from_anywhere),
        CASE(the_servers_own_calls_are_no_ones_turn),
        CASE(the_end_of_the_room_is_for_those_below_their_share),
        CASE(a_wait_is_told_from_how_fast_the_line_gets_on),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
