/* folder_modules_test.c - the modules under a functions folder's lib. */
/* SPDX-License-Identifier: MIT */
#include "folder_fixture.h"

#include "wire/message.h"

enum { MODULES_MOST = 100 };

/* The names of the modules in the blob, sorted, as "a b.c ". */
static void expect_modules(const char *expected)
{
    struct str names[MODULES_MOST], text, rest = buf_str(&folder.modules_blob->text);
    char got[2048] = "";
    size_t count = 0, len = 0;

    while (count < MODULES_MOST && message_next_module(&rest, &names[count], &text))
        count++;
    for (size_t i = 0; i < count; i++)
        for (size_t k = i + 1; k < count; k++)
            if (strncmp(names[k].at, names[i].at,
                        names[k].len < names[i].len ? names[k].len : names[i].len) < 0) {
                struct str swap = names[i];

                names[i] = names[k];
                names[k] = swap;
            }
    for (size_t i = 0; i < count; i++)
        len += (size_t)snprintf(got + len, sizeof(got) - len, "%.*s ", STR_ARG(names[i]));
    assert_string_equal(got, expected);
}

static void modules_are_found_in_folders_of_lib(void **state)
{
    (void)state;
    assert_int_equal(mkdir(path_of("lib"), 0755), 0);
    assert_int_equal(mkdir(path_of("lib/text"), 0755), 0);
    assert_int_equal(mkdir(path_of("lib/.git"), 0755), 0);
    write_text("lib/words.lua", STR("return 1"));
    write_text("lib/text/more.lua", STR("return 2"));
    write_text("lib/.git/no.lua", STR("return 3"));
    write_text("lib/notes.txt", STR("no"));
    scan();
    expect_modules("text.more words ");
    uint64_t before = folder.modules_serial;
    scan();
    assert_int_equal(folder.modules_serial, before);
    write_text("lib/text/more.lua", STR("return 4"));
    scan();
    assert_int_not_equal(folder.modules_serial, before);
    before = folder.modules_serial;
    assert_int_equal(unlink(path_of("lib/words.lua")), 0);
    scan();
    expect_modules("text.more ");
    assert_int_not_equal(folder.modules_serial, before);
    assert_null(folder_find(&folder, STR("words")));
}

static void modules_are_found_eight_folders_deep(void **state)
{
    char name[256];
    size_t len = (size_t)snprintf(name, sizeof(name), "lib");

    (void)state;
    for (int depth = 0; depth <= 9; depth++) {
        assert_int_equal(mkdir(path_of(name), 0755), 0);
        snprintf(name + len, sizeof(name) - len, "/m.lua");
        write_text(name, STR("return 1"));
        len += (size_t)snprintf(name + len, sizeof(name) - len, "/d");
    }
    scan();
    expect_modules("d.d.d.d.d.d.d.d.m d.d.d.d.d.d.d.m d.d.d.d.d.d.m d.d.d.d.d.m d.d.d.d.m d.d.d.m "
                   "d.d.m d.m m ");
}

static void a_module_that_cannot_be_read_leaves_the_others(void **state)
{
    static char large[FILE_MOST + 1];

    (void)state;
    memset(large, ' ', sizeof(large));
    assert_int_equal(mkdir(path_of("lib"), 0755), 0);
    write_text("lib/large.lua", (struct str){large, sizeof(large)});
    write_text("lib/small.lua", STR("return 1"));
    scan();
    expect_modules("small ");
    write_text("lib/large.lua", STR("return 2"));
    scan();
    expect_modules("large small ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FOLDER_TEST(modules_are_found_in_folders_of_lib),
        FOLDER_TEST(modules_are_found_eight_folders_deep),
        FOLDER_TEST(a_module_that_cannot_be_read_leaves_the_others),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
