/* loader_test.c - func versions: found, compiled once, with their modules, and forgotten. */
/* SPDX-License-Identifier: MIT */
#include "vm_rows.h"

#include "base/buf.h"
#include "wire/message.h"

static void versions_are_found_until_they_are_removed(void **state)
{
    struct loader loader = {NULL};
    const struct str none = {NULL, 0};

    (void)state;
    for (uint64_t version = 1; version <= 50; version++)
        assert_true(loader_add(&loader, version, STR("f"), STR("return print"), none));
    for (uint64_t version = 1; version <= 50; version += 2)
        loader_remove(&loader, loader_find(&loader, version));
    for (uint64_t version = 0; version <= 51; version++) {
        struct code *code = loader_find(&loader, version);

        assert_int_equal(code != NULL, version % 2 == 0 && version > 0 && version <= 50);
        if (code)
            assert_int_equal(code->version, version);
    }
    for (uint64_t version = 2; version <= 50; version += 2)
        loader_remove(&loader, loader_find(&loader, version));
    assert_null(loader.first);
}

static void chunks_are_named_after_their_files(void **state)
{
    struct loader loader = {NULL};
    struct buf modules = {0};

    (void)state;
    message_put_module(&modules, STR("words"), STR("return 1"));
    message_put_module(&modules, STR("text.more.words"), STR(""));
    assert_true(loader_add(&loader, 1, STR("my-func_1"), STR("a\0b"), buf_str(&modules)));
    struct code *code = loader_find(&loader, 1);
    assert_string_equal(code->function.name, "my-func_1");
    assert_string_equal(code->function.chunk_name, "@my-func_1.lua");
    assert_int_equal(code->function.source_len, 3);
    assert_memory_equal(code->function.source, "a\0b", 3);
    assert_int_equal(code->module_count, 2);
    assert_string_equal(loader_module(code, "words")->chunk_name, "@lib/words.lua");
    assert_string_equal(loader_module(code, "text.more.words")->chunk_name,
                        "@lib/text/more/words.lua");
    assert_null(loader_module(code, "text"));
    assert_null(loader_module(code, ""));
    loader_remove(&loader, code);
    buf_fini(&modules);
}

/* Cut anywhere but between two modules. */
static void malformed_modules_are_told(void **state)
{
    struct buf modules = {0};

    (void)state;
    message_put_module(&modules, STR("one"), STR("return 1"));
    size_t first = modules.len;
    message_put_module(&modules, STR("two"), STR("return 2"));
    for (size_t len = 0; len <= modules.len; len++) {
        struct loader loader = {NULL};
        bool whole = len == 0 || len == first || len == modules.len;
        bool ok = loader_add(&loader, 1, STR("f"), STR(""), (struct str){modules.at, len});

        while (loader.first)
            loader_remove(&loader, loader.first);
        if (ok != whole)
            fail_msg("%zu bytes of %zu are taken for %s", len, modules.len,
                     ok ? "whole" : "malformed");
    }
    buf_fini(&modules);
}

static void a_text_is_compiled_once(void **state)
{
    static const struct row modules[] = {{"m", "return {value = 42}"}};
    struct code *code = code_with_modules("local m = require 'm' return function() "
                                          "return m.value end",
                                          modules, 1);
    struct answer answer;
    struct err err;

    (void)state;
    assert_null(code->function.bytecode);
    for (int i = 0; i < 3; i++) {
        struct vm *vm = vm_open(code, 8 * MIB, &err);

        assert_true(ask(vm, &answer, &err));
        assert_string_equal(answer.text, "42");
        vm_close(vm);
        assert_non_null(code->function.bytecode);
        assert_non_null(loader_module(code, "m")->bytecode);
        /* the text is not looked at again */
        memset(code->function.source, '(', code->function.source_len);
        memset(code->modules[0].source, '(', code->modules[0].source_len);
    }
    code_drop(code);
}

static void what_does_not_compile_is_not_kept(void **state)
{
    struct code *code = code_of("return +");
    struct err err;

    (void)state;
    for (int i = 0; i < 3; i++) {
        assert_null(vm_open(code, 8 * MIB, &err));
        expect_contains(err.text, "probe.lua:1: unexpected symbol");
        assert_null(code->function.bytecode);
    }
    code_drop(code);
}

/* Lines stay right in what is loaded from bytecode. */
static void errors_name_file_and_line(void **state)
{
    static const struct row modules[] = {{"a.b", "local m = {}\n\nfunction m.f() error('in b') end "
                                                 "return m"}};
    struct code *code =
        code_with_modules("local m = require 'a.b'\nreturn function()\nm.f() end", modules, 1);
    struct answer answer;
    struct err err;

    (void)state;
    for (int i = 0; i < 3; i++) {
        struct vm *vm = vm_open(code, 8 * MIB, &err);

        assert_false(ask(vm, &answer, &err));
        assert_string_equal(err.text, "lib/a/b.lua:3: in b");
        vm_close(vm);
    }
    code_drop(code);
}

static void modules_that_fail_are_told(void **state)
{
    static const struct row modules[] = {
        {"nothing", "local x = 1"},  {"self", "return require 'self'"}, {"a", "return require 'b'"},
        {"b", "return require 'a'"}, {"broken", "\nreturn ("},          {"raises", "error('no')"},
        {"name", "return ..."},      {"off", "return false"},
    };
    static const struct row rows[] = {
        {"error(tostring(require 'nothing'))", "true"},
        {"require 'self'", "module \"self\" requires itself"},
        {"require 'a'", "module \"a\" requires itself"},
        {"require 'broken'", "lib/broken.lua:2: unexpected symbol"},
        {"require 'raises'", "lib/raises.lua:1: no"},
        {"require 'missing'", "module 'missing' not found"},
        {"error(require 'name')", "name"},
        {"pcall(require, 'raises') require 'raises'", "lib/raises.lua:1: no"},
        {"require 'off' error(tostring(require 'off'))", "false"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        char source[256];
        struct err err = {.code = ERR_NONE};

        snprintf(source, sizeof(source), "%s return print", rows[i].expression);
        struct code *code = code_with_modules(source, modules, COUNT(modules));
        assert_null(vm_open(code, 8 * MIB, &err));
        expect_contains(err.text, rows[i].expected);
        code_drop(code);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(versions_are_found_until_they_are_removed),
        cmocka_unit_test(chunks_are_named_after_their_files),
        cmocka_unit_test(malformed_modules_are_told),
        cmocka_unit_test(a_text_is_compiled_once),
        cmocka_unit_test(what_does_not_compile_is_not_kept),
        cmocka_unit_test(errors_name_file_and_line),
        cmocka_unit_test(modules_that_fail_are_told),
    };

    return RUN_VM_TESTS(tests);
}
