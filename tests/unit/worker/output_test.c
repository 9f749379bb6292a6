/* output_test.c - what a function writes becomes lines of its log. */
/* SPDX-License-Identifier: MIT */
#include "vm_rows.h"

#include "worker/output.h"
#include "worker/worker.h"

/* In place of the worker's: its loop is not linked in. */
static struct buf logged;

void worker_log(const struct call *call, enum log_level level, struct str text)
{
    (void)call;
    buf_format(&logged, "%c:%.*s|", "diwe"[level], (int)text.len, text.at);
}

size_t worker_message_max(void)
{
    return 4096;
}

/* The lines that `body` logs, each as "level:text|". */
static void assert_logs(const char *body, const char *expected)
{
    char source[2048];
    struct answer answer;
    struct err err = {.code = ERR_NONE};

    buf_clear(&logged);
    snprintf(source, sizeof(source), "return function() %s\nend", body);
    struct code *code = code_of(source);
    struct vm *vm = vm_open(code, 8 * MIB, &err);
    if (!vm)
        fail_msg("%s: %s", body, err.text);
    ask(vm, &answer, &err);
    output_finish(vm);
    vm_close(vm);
    code_drop(code);
    if (!str_equal(buf_str(&logged), str_of(expected)))
        fail_msg("%s logged %.*s, not %s", body, STR_ARG(buf_str(&logged)), expected);
}

static void lines_are_logged_one_by_one(void **state)
{
    static const struct row rows[] = {
        {"io.write('a\\n')", "i:a|"},
        {"io.write('a\\nb\\n\\nc\\n')", "i:a|i:b|i:|i:c|"},
        {"io.write('a', 1, 2.5, '\\n')", "i:a12.5|"},
        {"io.write('a') io.write('b') io.write('\\nc\\n')", "i:ab|i:c|"},
        {"io.write('a')", "i:a|"},
        {"io.write('')", ""},
        {"io.write()", ""},
        {"io.stdout:write('a', 'b', '\\n')", "i:ab|"},
        {"io.stderr:write('a\\n')", "w:a|"},
        {"io.stdout:write('a'):write('b\\n')", "i:ab|"},
        {"io.write('a'):write('b\\n')", "i:ab|"},
        {"io.write('a') io.stderr:write('b') io.write('c')", "i:a|w:b|i:c|"},
        {"io.write('a') print('b', 1) print('c')", "i:ab\t1|i:c|"},
        {"io.stderr:write('a') print('b')", "w:a|i:b|"},
        {"print('a\\nb')", "i:a\nb|"},
        {"io.write('a') io.flush() io.stdout:flush() io.write('b\\n')", "i:ab|"},
        {"io.write('a') error('x')", "i:a|"},
        {"io.write('a', {})", ""},
        {"pcall(io.write, 'a', nil) io.write('b')", "i:b|"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++)
        assert_logs(rows[i].expression, rows[i].expected);
}

static void long_lines_are_cut_and_long_logs_end(void **state)
{
    const size_t line_max = 8192;
    char expected[8192 + 16];

    (void)state;
    snprintf(expected, sizeof(expected), "i:%0*d|i:b|", (int)line_max, 0);
    assert_logs("io.write(('0'):rep(8192), 'x') io.write('y\\nb')", expected);
    assert_logs("for i = 1, 9000 do io.write('0') end io.write('\\nb')", expected);
    assert_logs("io.write(('0'):rep(20000) .. '\\nb')", expected);
    buf_clear(&logged);
    struct answer answer;
    struct err err;
    assert_true(ask_source("return function() for i = 1, 100000 do io.write('line\\n') end "
                           "io.write(('\\n'):rep(1000000)) io.write('unfinished') end",
                           8 * MIB, &answer, &err));
    assert_in_range(logged.len, 64 << 10, 128 << 10);
    assert_non_null(memmem(logged.at, logged.len, "w:this call has logged 64 KiB", 29));
}

/* Each call begins with what was there when the instance was sealed. */
static void a_reset_forgets_the_unfinished_line(void **state)
{
    struct code *code = code_of("io.write('loaded')\n"
                                "return function() io.write('called') return io.type(io.stdout) "
                                "end");
    struct answer answer;
    struct err err;

    (void)state;
    buf_clear(&logged);
    struct vm *vm = vm_open(code, 8 * MIB, &err);
    assert_non_null(vm);
    assert_true(vm_seal(vm, &err));
    for (int i = 0; i < 3; i++) {
        assert_true(ask(vm, &answer, &err));
        assert_string_equal(answer.text, "file");
        if (i == 1)
            output_finish(vm);
        assert_true(vm_reset(vm));
    }
    output_finish(vm);
    vm_close(vm);
    code_drop(code);
    assert_true(str_equal(buf_str(&logged), STR("i:loaded|i:called|")));
}

static void a_buffer_made_in_a_call_goes_with_it(void **state)
{
    struct code *code = code_of("return function() io.write('called') end");
    struct answer answer;
    struct err err;

    (void)state;
    buf_clear(&logged);
    struct vm *vm = vm_open(code, 8 * MIB, &err);
    assert_true(vm_seal(vm, &err));
    for (int i = 0; i < 3; i++) {
        assert_null(vm->output);
        assert_true(ask(vm, &answer, &err));
        assert_non_null(vm->output);
        assert_true(vm_reset(vm));
    }
    vm_close(vm);
    code_drop(code);
}

static void streams_are_as_those_of_a_program_without_files(void **state)
{
    static const struct row rows[] = {
        {"io.read()", "nil"},
        {"io.read('*a')", ""},
        {"select('#', io.read('*a', '*l', '*n'))", "2"},
        {"select('#', io.read(0))", "1"},
        {"io.stdin:read('*n')", "nil"},
        {"(function() for l in io.lines() do return l end return 'none' end)()", "none"},
        {"(function() for l in io.stdin:lines() do return l end return 'none' end)()", "none"},
        {"select(2, io.open('/etc/passwd'))",
         "/etc/passwd: no such file (functions have no files)"},
        {"io.open('/etc/passwd', 'w')", "nil"},
        {"io.type(io.stdout) .. tostring(io.type('x')) .. tostring(io.type({}))", "filenilnil"},
        {"tostring(io.stdout) .. tostring(io.stderr)", "file (stdout)file (stderr)"},
        {"io.stdout:setvbuf('no')", "true"},
        {"select(2, io.stdout:close())", "cannot close standard file"},
        {"getmetatable(io.stdout) == getmetatable(io.stderr)", "true"},
        {"getmetatable(io.stdout).__index.write == io.stdout.write", "true"},
        {"getmetatable(io.stdout).__tostring or getmetatable(io.stdout).__gc", "nil"},
        {"pcall(setmetatable, io.stdout, {})", "false"},
    };
    static const struct row refused[] = {
        {"io.stdout.write('x')", "bad argument #1"},
        {"io.stdout.write({}, 'x')", "bad argument #1"},
        {"io.stdout.write(json.null, 'x')", "bad argument #1"},
        {"io.stdout:write(nil)", "string expected, got nil"},
        {"io.stdout:write({})", "string expected, got table"},
        {"io.write(true)", "(string expected, got boolean)"},
        {"io.stdin:write('x')", "io.stdin is for reading"},
        {"io.stdout:read()", "io.stdout is for writing"},
        {"io.stdout:setvbuf('odd')", "invalid option 'odd'"},
        {"io.read('*x')", "invalid format"},
        {"io.read('*')", "invalid format"},
        {"io.read({})", "bad argument #1"},
        {"io.lines('/etc/passwd')", "a function has no files"},
        {"io.open()", "bad argument #1"},
        {"io.type()", "bad argument #1"},
    };

    (void)state;
    EXPECT_VALUES(rows);
    EXPECT_ERRORS(refused);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_are_logged_one_by_one),
        cmocka_unit_test(long_lines_are_cut_and_long_logs_end),
        cmocka_unit_test(a_reset_forgets_the_unfinished_line),
        cmocka_unit_test(a_buffer_made_in_a_call_goes_with_it),
        cmocka_unit_test(streams_are_as_those_of_a_program_without_files),
    };
    int failed = RUN_VM_TESTS(tests);

    buf_fini(&logged);
    return failed;
}
