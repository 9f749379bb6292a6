/* push_settings_test.c - where profiles go, under which labels, and with which secrets. */
/* SPDX-License-Identifier: MIT */
#include "cases.h"

#include <stdlib.h>

#include "base/push_secrets.h"
#include "base/push_settings.h"

static struct settings s;
static struct err err;

static int clear_all(void **state)
{
    (void)state;
    clearenv();
    s = (struct settings){.push_application = "before", .push_interval_ns = 7};
    err = (struct err){0};
    return 0;
}

static const char *long_text(char c, size_t len)
{
    static char text[10000];

    memset(text, c, len);
    text[len] = '\0';
    return text;
}

/* -- The address ----------------------------------------------------------------------------- */

static void addresses_of_http_and_https_are_taken(void **state)
{
    static const char *const texts[] = {
        "http://localhost:4040",        "https://profiles.example.com",
        "http://127.0.0.1:1",           "http://[::1]:65535",
        "https://a-b_c.example/path/x", "http://[::ffff:1.2.3.4]",
        "http://localhost:4040/",       "http://h",
    };

    (void)state;
    for (size_t i = 0; i < COUNT(texts); i++) {
        if (!push_set_address(&s, "NAME", texts[i], &err))
            fail_msg("%s: %s", texts[i], err.text);
        assert_string_equal(s.push_address, texts[i]);
    }
    assert_true(push_set_address(&s, "NAME", "", &err));
    assert_null(s.push_address);
}

static void other_addresses_are_refused(void **state)
{
    static const char *const texts[] = {
        "localhost:4040", "ftp://h",       "http:",         "http:/h",        "http://",
        "http:///path",   "http://h:",     "http://h:0",    "http://h:65536", "http://h:x",
        "http://[::1",    "http://[]",     "http://[::1]x", "http://[g::]",   "http://h p",
        "http://h/p?x=1", "http://h/p#x",  "http://h/\n",   "HTTP://h",       "http://h/\xc3\xa4",
        "http://h%00",    "https://:4040", " http://h",     "http://h ",      "file:///etc/passwd",
    };

    (void)state;
    for (size_t i = 0; i < COUNT(texts); i++) {
        if (push_set_address(&s, "NAME", texts[i], &err))
            fail_msg("\"%s\" is taken", texts[i]);
        expect_contains(err.text, "NAME is \"");
        expect_contains(err.text, "takes http://HOST:PORT or https://HOST");
    }
    char text[1100] = "http://h/";
    memset(text + 9, 'p', 1024 - 8);
    assert_false(push_set_address(&s, "NAME", text, &err));
    text[1024] = '\0';
    assert_true(push_set_address(&s, "NAME", text, &err));
}

static void an_address_with_a_password_is_refused_without_showing_it(void **state)
{
    (void)state;
    assert_false(push_set_address(&s, "NAME", "http://user:geheim@host", &err));
    expect_contains(err.text, "PYROSCOPE_BASIC_AUTH_USER");
    assert_null(strstr(err.text, "geheim"));
}

/* -- Labels ---------------------------------------------------------------------------------- */

static void labels_are_taken_apart(void **state)
{
    (void)state;
    assert_true(push_set_labels(&s, "NAME",
                                " env = prod ,_zone2=a=b, Region=S\xc3\xbc"
                                "d ",
                                &err));
    assert_int_equal(s.push_labels.count, 3);
    static const char *const expected[] = {"env",
                                           "prod",
                                           "_zone2",
                                           "a=b",
                                           "Region",
                                           "S\xc3\xbc"
                                           "d"};
    for (size_t i = 0; i < 3; i++) {
        expect_str(s.push_labels.all[i].name, str_of(expected[2 * i]));
        expect_str(s.push_labels.all[i].value, str_of(expected[2 * i + 1]));
    }
    assert_true(push_set_labels(&s, "NAME", "", &err));
    assert_int_equal(s.push_labels.count, 0);
    assert_true(push_set_labels(&s, "NAME", "  ", &err));
    assert_int_equal(s.push_labels.count, 0);
}

static void labels_that_make_no_sense_are_told(void **state)
{
    static const struct {
        const char *text, *said;
    } cases[] = {
        {"env", "NAME has \"env\", but takes name=value,..."},
        {",", "NAME has \"\", but takes"},
        {"a=1,", "NAME has \"\", but takes"},
        {"a=1,,b=2", "NAME has \"\", but takes"},
        {"=1", "NAME has the name \"\", but names are [a-zA-Z_]"},
        {"1a=1", "NAME has the name \"1a\", but names are"},
        {"a-b=1", "NAME has the name \"a-b\", but names are"},
        {"a.b=1", "NAME has the name \"a.b\", but names are"},
        {"\xc3\xa4=1", "but names are"},
        {"a b=1", "but names are"},
        {"__name__=x", "NAME has the name \"__name__\", but service_name"},
        {"__x=1", "are the server's"},
        {"service_name=x", "are the server's"},
        {"function=x", "are the server's"},
        {"start=cold", "are the server's"},
        {"a=", "NAME has a value of \"a\" that is not"},
        {"a= ,b=1", "NAME has a value of \"a\" that is not"},
        {"a=\xff", "NAME has a value of \"a\" that is not"},
        {"a=x\ty", "NAME has a value of \"a\" that is not"},
        {"a=x\x7fy", "NAME has a value of \"a\" that is not"},
        {"a=1,b=2,a=3", "NAME has \"a\" twice"},
        {"a=1,b=1,c=1,d=1,e=1,f=1,g=1,h=1,i=1,j=1,k=1,l=1,m=1,n=1,o=1,p=1,q=1",
         "NAME has more than 16 labels"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        if (push_set_labels(&s, "NAME", cases[i].text, &err))
            fail_msg("\"%s\" is taken", cases[i].text);
        expect_contains(err.text, cases[i].said);
    }
    assert_true(push_set_labels(
        &s, "NAME", "a=1,b=1,c=1,d=1,e=1,f=1,g=1,h=1,i=1,j=1,k=1,l=1,m=1,n=1,o=1,p=1", &err));
}

static void names_and_values_have_bounds(void **state)
{
    char text[LABEL_NAME_MAX + LABEL_VALUE_MAX + 8];

    (void)state;
    for (size_t more = 0; more < 4; more++) {
        size_t name = LABEL_NAME_MAX + more % 2, value = LABEL_VALUE_MAX + more / 2;

        memset(text, 'a', sizeof(text));
        text[name] = '=';
        text[name + 1 + value] = '\0';
        assert_int_equal(push_set_labels(&s, "NAME", text, &err), more == 0);
    }
}

/* -- Others ---------------------------------------------------------------------------------- */

static void an_interval_is_100_ms_to_10_minutes(void **state)
{
    static const struct {
        const char *text;
        int64_t ns; /* 0: refused */
    } cases[] = {
        {"100ms", 100000000},
        {"600s", 600000000000},
        {"10s", 10000000000},
        {"100000000", 100000000},
        {"99ms", 0},
        {"601s", 0},
        {"0", 0},
        {"x", 0},
        {"10 s", 0},
        {"-1s", 0},
        {"1h", 0},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        assert_int_equal(push_set_interval(&s, "NAME", cases[i].text, &err), cases[i].ns != 0);
        if (cases[i].ns)
            assert_int_equal(s.push_interval_ns, cases[i].ns);
        else
            expect_contains(err.text, "but takes 100ms to 600s");
    }
    s.push_interval_ns = 7;
    assert_true(push_set_interval(&s, "NAME", "", &err));
    assert_int_equal(s.push_interval_ns, 7);
}

static void names_are_texts_within_bounds(void **state)
{
    (void)state;
    assert_true(push_set_application(&s, "NAME", "", &err));
    assert_string_equal(s.push_application, "before");
    assert_true(push_set_application(&s, "NAME", long_text('a', 255), &err));
    assert_string_equal(s.push_application, long_text('a', 255));
    assert_false(push_set_application(&s, "NAME", long_text('a', 256), &err));
    assert_false(push_set_application(&s, "NAME", "a\nb", &err));
    assert_false(push_set_application(&s, "NAME", "\xff", &err));
    expect_contains(err.text, "NAME takes a text of up to 255 bytes");
    assert_true(push_set_tenant(&s, "NAME", long_text('t', 150), &err));
    assert_false(push_set_tenant(&s, "NAME", long_text('t', 151), &err));
    assert_false(push_set_tenant(&s, "NAME", "a b", &err));
    assert_false(push_set_tenant(&s, "NAME", "a\r\nX: y", &err));
    expect_contains(err.text, "NAME takes up to 150 visible");
    assert_true(push_set_tenant(&s, "NAME", "", &err));
    assert_null(s.push_tenant);
}

/* -- Secrets --------------------------------------------------------------------------------- */

static void secrets_are_checked_and_never_shown(void **state)
{
    static const struct {
        const char *token, *user, *password, *said; /* said NULL: taken */
    } cases[] = {
        {"x", NULL, NULL, NULL},
        {NULL, "u", "p w:@", NULL},
        {"", "u", "p", NULL},
        {"x", "", "", NULL},
        {"geheim x", NULL, NULL, "PYROSCOPE_AUTH_TOKEN must have up to 8192 visible"},
        {"geheim\n", NULL, NULL, "PYROSCOPE_AUTH_TOKEN must have"},
        {"geheim\xc3\xa4", NULL, NULL, "PYROSCOPE_AUTH_TOKEN must have"},
        {NULL, "geheim:x", "p", "none of them a colon"},
        {NULL, "u", "geheim\r\n", "PYROSCOPE_BASIC_AUTH_PASSWORD must have"},
        {NULL, "geheim", NULL, "PYROSCOPE_BASIC_AUTH_USER and PYROSCOPE_BASIC_AUTH_PASSWORD come"},
        {NULL, NULL, "geheim", "come together"},
        {"geheim", "geheim", "geheim", "are both set"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        const char *const texts[] = {cases[i].token, cases[i].user, cases[i].password};
        static const char *const names[] = {"PYROSCOPE_AUTH_TOKEN", "PYROSCOPE_BASIC_AUTH_USER",
                                            "PYROSCOPE_BASIC_AUTH_PASSWORD"};

        clearenv();
        for (size_t k = 0; k < COUNT(texts); k++)
            if (texts[k])
                setenv(names[k], texts[k], 1);
        if (push_secrets_check(&err) != !cases[i].said)
            fail_msg("row %zu: %s", i, err.text);
        if (cases[i].said)
            expect_contains(err.text, cases[i].said);
        assert_null(strstr(err.text, "geheim"));
    }
    clearenv();
    setenv("PYROSCOPE_AUTH_TOKEN", long_text('t', 8193), 1);
    assert_false(push_secrets_check(&err));
    setenv("PYROSCOPE_AUTH_TOKEN", long_text('t', 8192), 1);
    assert_true(push_secrets_check(&err));
}

static void secrets_are_forgotten_where_they_lay(void **state)
{
    static char variable[] = "PYROSCOPE_AUTH_TOKEN=geheim";

    (void)state;
    putenv(variable);
    assert_string_equal(push_secrets_get(PUSH_TOKEN), "geheim");
    push_secrets_wipe();
    assert_null(push_secrets_get(PUSH_TOKEN));
    assert_null(memmem(variable, sizeof(variable), "geheim", 6));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(addresses_of_http_and_https_are_taken, clear_all),
        cmocka_unit_test_setup(other_addresses_are_refused, clear_all),
        cmocka_unit_test_setup(an_address_with_a_password_is_refused_without_showing_it, clear_all),
        cmocka_unit_test_setup(labels_are_taken_apart, clear_all),
        cmocka_unit_test_setup(labels_that_make_no_sense_are_told, clear_all),
        cmocka_unit_test_setup(names_and_values_have_bounds, clear_all),
        cmocka_unit_test_setup(an_interval_is_100_ms_to_10_minutes, clear_all),
        cmocka_unit_test_setup(names_are_texts_within_bounds, clear_all),
        cmocka_unit_test_setup(secrets_are_checked_and_never_shown, clear_all),
        cmocka_unit_test_setup(secrets_are_forgotten_where_they_lay, clear_all),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
