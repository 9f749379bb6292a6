/* symbols_test.c - names of addresses: the program's, libraries' and nobody's. */
/* SPDX-License-Identifier: MIT */
#include "profile/symbols.h"

#include "../base/cases.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#define TEN(x)       x x x x x x x x x x
#define LONG_NAME    "long_" TEN(TEN("abc"))
#define NAMED(label) __asm__(label) __attribute__((noinline, used))

/* Different, or the linker might make one of them. */
static int plain(int x) NAMED("a_function_of_the_test");
static int copy(int x) NAMED("a_copy.isra.0");
static int long_one(int x) NAMED(LONG_NAME);
static int lj_one(int x) NAMED("lj_test_one");
static int lua_one(int x) NAMED("lua_testone");
static int aux_one(int x) NAMED("luaL_testone");
static int jit_one(int x) NAMED("luaJIT_testone");
static int no_luajit(int x) NAMED("luaquarium");

static int plain(int x)
{
    return x * 3 + 1;
}

static int copy(int x)
{
    return x * 5 + 2;
}

static int long_one(int x)
{
    return x * 7 + 3;
}

static int lj_one(int x)
{
    return x * 11 + 4;
}

static int lua_one(int x)
{
    return x * 13 + 5;
}

static int aux_one(int x)
{
    return x * 17 + 6;
}

static int jit_one(int x)
{
    return x * 19 + 7;
}

static int no_luajit(int x)
{
    return x * 23 + 8;
}

typedef int (*function_fn)(int x);

static const struct {
    function_fn function;
    const char *name;
} own[] = {
    {plain, "a_function_of_the_test"},  {copy, "a_copy"},
    {lj_one, "[luajit] lj_test_one"},   {lua_one, "[luajit] lua_testone"},
    {aux_one, "[luajit] luaL_testone"}, {jit_one, "[luajit] luaJIT_testone"},
    {no_luajit, "luaquarium"},
};

static void expect_name(struct symbols *s, uint64_t address, const char *name)
{
    struct str got = symbols_name(s, address);

    if (!str_equal(got, str_of(name)))
        fail_msg("%.*s, not %s", STR_ARG(got), name);
}

static void expect_own_names(struct symbols *s)
{
    for (int round = 0; round < 2; round++)
        for (size_t i = 0; i < COUNT(own); i++) {
            expect_name(s, (uint64_t)(uintptr_t)own[i].function, own[i].name);
            expect_name(s, (uint64_t)(uintptr_t)own[i].function + 1, own[i].name);
        }
}

static void functions_of_the_program_have_their_names(void **state)
{
    struct symbols s;

    (void)state;
    symbols_init(&s);
    expect_own_names(&s);
    symbols_fini(&s);
}

static void a_long_name_is_cut(void **state)
{
    struct symbols s;

    (void)state;
    symbols_init(&s);
    struct str name = symbols_name(&s, (uint64_t)(uintptr_t)long_one);
    assert_int_equal(name.len, SYMBOLS_NAME_MAX);
    assert_memory_equal(name.at, LONG_NAME, SYMBOLS_NAME_MAX);
    expect_own_names(&s);
    symbols_fini(&s);
}

static void code_of_libraries_has_a_symbol_or_the_librarys_name(void **state)
{
    void *function = dlsym(RTLD_DEFAULT, "gnu_get_libc_version");
    struct symbols s;
    Dl_info info;

    (void)state;
    symbols_init(&s);
    assert_non_null(function);
    assert_int_not_equal(dladdr(function, &info), 0);
    expect_name(&s, (uint64_t)(uintptr_t)function, "gnu_get_libc_version");
    expect_name(&s, (uint64_t)(uintptr_t)info.dli_fbase, "[libc.so.6]");
    symbols_fini(&s);
}

static void code_of_no_file_is_a_trace(void **state)
{
    void *page = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    const uint64_t addresses[] = {(uint64_t)(uintptr_t)page, 0, 1, UINT64_MAX};
    struct symbols s;

    (void)state;
    assert_ptr_not_equal(page, MAP_FAILED);
    symbols_init(&s);
    for (size_t i = 0; i < COUNT(addresses); i++)
        expect_name(&s, addresses[i], "[JIT trace]");
    symbols_fini(&s);
    munmap(page, 4096);
}

static void what_is_remembered_has_a_bound(void **state)
{
    struct symbols s;
    size_t most = 0;

    (void)state;
    symbols_init(&s);
    for (uint64_t i = 0; i < 3 * SYMBOLS_KNOWN_MAX; i++) {
        expect_name(&s, i, "[JIT trace]");
        most = s.by_address.used > most ? s.by_address.used : most;
    }
    assert_int_equal(most, SYMBOLS_KNOWN_MAX);
    expect_own_names(&s);
    symbols_fini(&s);
}

/* The first `len` bytes of this program. */
static int cut_program(size_t len)
{
    int from = open("/proc/self/exe", O_RDONLY | O_CLOEXEC), to = memfd_create("cut", MFD_CLOEXEC);
    char byte[4096];

    assert_true(from >= 0 && to >= 0);
    for (ssize_t got; len && (got = read(from, byte, len < 4096 ? len : 4096)) > 0;
         len -= (size_t)got)
        assert_int_equal(write(to, byte, (size_t)got), got);
    close(from);
    return to;
}

static void a_file_that_tells_nothing_leaves_the_programs_name(void **state)
{
    static const size_t lengths[] = {0, 10, 63, 64, 5000};
    char expected[64];

    (void)state;
    snprintf(expected, sizeof(expected), "[%s]", program_invocation_short_name);
    for (size_t i = 0; i < COUNT(lengths); i++) {
        struct symbols s;

        symbols_init(&s);
        close(s.file);
        s.file = cut_program(lengths[i]);
        expect_name(&s, (uint64_t)(uintptr_t)plain, expected);
        symbols_fini(&s);
    }
}

static void without_a_file_the_program_has_its_name(void **state)
{
    char expected[64];
    struct symbols s;

    (void)state;
    snprintf(expected, sizeof(expected), "[%s]", program_invocation_short_name);
    symbols_init(&s);
    close(s.file);
    s.file = -1;
    expect_name(&s, (uint64_t)(uintptr_t)plain, expected);
    symbols_fini(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(functions_of_the_program_have_their_names),
        cmocka_unit_test(a_long_name_is_cut),
        cmocka_unit_test(code_of_libraries_has_a_symbol_or_the_librarys_name),
        cmocka_unit_test(code_of_no_file_is_a_trace),
        cmocka_unit_test(what_is_remembered_has_a_bound),
        cmocka_unit_test(a_file_that_tells_nothing_leaves_the_programs_name),
        cmocka_unit_test(without_a_file_the_program_has_its_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
