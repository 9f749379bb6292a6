/* symbols_test.c - names of addresses: the program's, libraries' and nobody's. */
/* SPDX-License-Identifier: MIT */
#include "profile/symbols.h"

#include "../base/cases.h"

#include <dlfcn.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
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
    assert_in_range(s.known_names.room, 1, 2 * SYMBOLS_KNOWN_MAX * sizeof("[JIT trace]"));
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

/* A file whose functions are said to be at 0x10, 0x20 and 0x40, in section 1 that ends at 0x60. */
struct image {
    ElfW(Ehdr) head;
    ElfW(Shdr) sections[3];
    ElfW(Sym) symbols[4];
    char names[16];
};

static struct image usual_image(void)
{
    enum { FUNCTION = ELF64_ST_INFO(STB_GLOBAL, STT_FUNC) };
    return (struct image){
        .head = {.e_ident = ELFMAG,
                 .e_shoff = offsetof(struct image, sections),
                 .e_shentsize = sizeof(ElfW(Shdr)),
                 .e_shnum = 3},
        .sections = {[1] = {.sh_type = SHT_SYMTAB,
                            .sh_link = 2,
                            .sh_offset = offsetof(struct image, symbols),
                            .sh_size = sizeof(((struct image *)0)->symbols)},
                     [2] = {.sh_type = SHT_STRTAB,
                            .sh_offset = offsetof(struct image, names),
                            .sh_size = sizeof(((struct image *)0)->names)}},
        .symbols =
            {{.st_name = 4, .st_info = FUNCTION, .st_shndx = 1, .st_value = 0x20, .st_size = 8},
             {.st_name = 0, .st_info = FUNCTION, .st_shndx = 1, .st_value = 0x10},
             {.st_name = 8, .st_info = STT_OBJECT, .st_shndx = 1, .st_value = 0x24},
             {.st_name = 8, .st_info = FUNCTION, .st_shndx = 1, .st_value = 0x40}},
        .names = "one\0two\0three",
    };
}

static void expect_image_name(const struct image *image, uint64_t address, const char *name)
{
    struct symbols s;

    symbols_init(&s);
    close(s.file);
    s.bias = 0;
    s.file = memfd_create("image", MFD_CLOEXEC);
    assert_int_equal(write(s.file, image, sizeof(*image)), sizeof(*image));
    expect_name(&s, address, name);
    symbols_fini(&s);
}

static void a_function_ends_with_its_size_its_section_or_the_next_one(void **state)
{
    static const struct {
        uint64_t address;
        const char *name;
    } cases[] = {
        {0x0F, "[JIT trace]"}, {0x10, "one"},         {0x1F, "one"},         {0x20, "two"},
        {0x27, "two"},         {0x28, "[JIT trace]"}, {0x3F, "[JIT trace]"}, {0x40, "three"},
        {0x5F, "three"},       {0x60, "[JIT trace]"},
    };
    struct image image = usual_image();

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++)
        expect_image_name(&image, cases[i].address, cases[i].name);
    image.symbols[3].st_shndx = SHN_ABS;
    expect_image_name(&image, 0x40, "[JIT trace]");
}

/* "one" and "two" of LuaJIT's file, where the latter is also known to others. */
static void what_only_luajits_file_knows_is_of_luajit(void **state)
{
    struct image image = usual_image();

    (void)state;
    memcpy(image.names, "one\0two\0ljamalg.", sizeof(image.names));
    image.symbols[2] = image.symbols[0];
    image.symbols[0] = (ElfW(Sym)){.st_name = 8, .st_info = STT_FILE, .st_shndx = SHN_ABS};
    image.symbols[1].st_info = ELF64_ST_INFO(STB_LOCAL, STT_FUNC);
    expect_image_name(&image, 0x10, "[luajit] one");
    expect_image_name(&image, 0x20, "two");
    image.names[8] = 'x';
    expect_image_name(&image, 0x10, "one");
}

static void a_file_without_sense_has_no_names(void **state)
{
    struct image images[10];
    size_t i = 0;

    (void)state;
    for (size_t j = 0; j < COUNT(images); j++)
        images[j] = usual_image();
    images[i++].head.e_ident[0] = 'x';
    images[i++].head.e_shentsize = 1;
    images[i++].head.e_shnum = UINT16_MAX;
    images[i++].head.e_shnum = 1;
    images[i++].head.e_shoff = UINT64_MAX;
    images[i++].sections[1].sh_link = 3;
    images[i++].sections[1].sh_size = UINT64_MAX;
    images[i++].sections[1].sh_offset = sizeof(struct image);
    images[i++].sections[2].sh_size = sizeof(struct image);
    images[i++].symbols[0].st_name = 17; /* after all names and their end */
    for (size_t j = 0; j < i; j++)
        expect_image_name(&images[j], 0x20, j + 1 < i ? "[JIT trace]" : "one");
    images[0] = usual_image();
    images[0].sections[1].sh_type = SHT_DYNSYM; /* is enough */
    expect_image_name(&images[0], 0x20, "two");
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
        cmocka_unit_test(a_function_ends_with_its_size_its_section_or_the_next_one),
        cmocka_unit_test(what_only_luajits_file_knows_is_of_luajit),
        cmocka_unit_test(a_file_without_sense_has_no_names),
        cmocka_unit_test(without_a_file_the_program_has_its_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
