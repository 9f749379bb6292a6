/* json_test.c - Lua values to JSON and back: what functions get by require "json". */
/* SPDX-License-Identifier: MIT */
#include "vm_rows.h"

/* -- Decoding -------------------------------------------------------------------------------- */

static void decoding_gives_lua_values(void **state)
{
    static const struct row rows[] = {
        {"json.decode('1')", "1"},
        {"json.decode(' [1, 2, 3] ')[3]", "3"},
        {"#json.decode('[1,null,3]')", "3"},
        {"json.decode('null') == json.null", "true"},
        {"json.decode('[null]')[1] == json.null", "true"},
        {"json.decode('{\"a\":{\"b\":[true,false]}}').a.b[2]", "false"},
        {"json.decode('\"\"')", ""},
        {"json.decode('\"\\\\u00e9\\\\n\\\\/\"') == '\\195\\169\\n/'", "true"},
        {"json.decode('\"\\\\ud83d\\\\ude00\"') == '\\240\\159\\152\\128'", "true"},
        {"#json.decode('\"a\\\\u0000b\"')", "3"},
        {"json.decode('{\"a\":1,\"a\":2}').a", "2"},
        {"json.decode('-0.5e1')", "-5"},
        {"json.decode('1e308')", "1e+308"},
        {"json.decode('9007199254740993') == 2 ^ 53", "true"},
        {"json.decode('123456789012345678901234567890') == 123456789012345678901234567890", "true"},
        {"json.decode('5e-324') > 0", "true"},
        {"next(json.decode('{}'))", "nil"},
        {"json.decode(('['):rep(128) .. (']'):rep(128)) ~= nil", "true"},
        {"json.decode(('{\"a\":'):rep(128) .. '1' .. ('}'):rep(128)) ~= nil", "true"},
        {"json.decode('[\"\\\\\\\\\",\"\\\\\"\\\\n\"]')[2]", "\"\n"},
        {"json.decode('\"' .. ('x'):rep(100000) .. '\\195\\169\"'):sub(-2) == '\\195\\169'",
         "true"},
        {"json.decode(12)", "12"},
    };

    (void)state;
    EXPECT_VALUES(rows);
}

static void decoding_other_text_gives_nil_and_the_place(void **state)
{
    static const char *const texts[] = {
        "''",
        "' '",
        "'{'",
        "'[1,]'",
        "'{\"a\":1,}'",
        "'[1 2]'",
        "'nul'",
        "'01'",
        "'+1'",
        "'.5'",
        "'1.'",
        "'1e'",
        "'1e309'",
        "'NaN'",
        "'Infinity'",
        "'\"a'",
        "'\"\\1\"'",
        "'\"\\255\"'",
        "'1 x'",
        "'{a:1}'",
        "'[1] // no'",
        "'\\0'",
        "'\"\\\\x\"'",
        "'\"\\\\ud83d\"'",
        "'\\239\\187\\191{}'",
        "'{\"a\" 1}'",
        "'[\"a\\nb\"]'",
        "'{\"\\\\u0000\":1}' and '{'",
        "('['):rep(129) .. (']'):rep(129)",
        "('{\"a\":'):rep(129) .. '1' .. ('}'):rep(129)",
        "'0x10'",
        "'[1]\\0[2]'",
        "'\"a\\0b\"'",
        "'\"' .. ('x'):rep(100000) .. '\\195\"'",
        "'[\"a\",\\n\"b\\tc\"]'",
        "('['):rep(100000)",
    };

    (void)state;
    for (size_t i = 0; i < COUNT(texts); i++) {
        char expression[256];
        struct answer answer;
        struct err err;

        snprintf(expression, sizeof(expression),
                 "(function() local value, message = "
                 "json.decode(%s) return tostring(value) .. ': ' .. tostring(message) end)()",
                 texts[i]);
        if (!evaluate(expression, &answer, &err))
            fail_msg("%s raised: %s", texts[i], err.text);
        if (strncmp(answer.text, "nil: ", 5) != 0 || !strstr(answer.text, "(line "))
            fail_msg("%s gives %s", texts[i], answer.text);
    }
}

/* -- Encoding -------------------------------------------------------------------------------- */

static void encoding_gives_compact_json(void **state)
{
    static const struct row rows[] = {
        {"json.encode(nil)", "null"},
        {"json.encode(json.null)", "null"},
        {"json.encode(true)", "true"},
        {"json.encode('a\"\\\\/\\n\\0\\31')", "\"a\\\"\\\\/\\n\\u0000\\u001F\""},
        {"json.encode('\\195\\169')", "\"\xC3\xA9\""},
        {"json.encode({})", "{}"},
        {"json.encode({1, 'b', {c = false}})", "[1,\"b\",{\"c\":false}]"},
        {"json.encode({{}, json.array({}), json.array()})", "[{},[],[]]"},
        {"json.encode(json.array({1}))", "[1]"},
        {"json.encode(json.decode('[]'))", "[]"},
        {"json.encode(json.decode('{\"a\":[],\"b\":1}').a)", "[]"},
        {"json.encode(json.decode('{}'))", "{}"},
        {"json.encode({['1'] = 2})", "{\"1\":2}"},
        {"json.encode({[''] = 1})", "{\"\":1}"},
        {"json.encode({json.null, json.null})", "[null,null]"},
        {"json.encode({z = 1, a = 2, B = {y = 3, x = 4}, ab = 5, aa = 6})",
         "{\"B\":{\"x\":4,\"y\":3},\"a\":2,\"aa\":6,\"ab\":5,\"z\":1}"},
        {"(function() local t = {} for i = 3, 1, -1 do t[i] = {i} end return json.encode(t) end)()",
         "[[1],[2],[3]]"},
        {"(function() local l = json.decode('[1,2]') table.remove(l) table.remove(l) "
         "return json.encode({l}) end)()",
         "[[]]"},
        {"(function() local l = json.decode('[[1],{\"a\":[]}]') l[1][1] = nil "
         "return json.encode(l) end)()",
         "[[],{\"a\":[]}]"},
        {"json.encode(setmetatable(json.decode('[1]'), {__index = {b = 2}}))", "[1]"},
        {"json.encode(setmetatable({1}, {__len = function() return 9 end}))", "[1]"},
    };

    (void)state;
    EXPECT_VALUES(rows);
}

static void numbers_are_as_short_as_they_can_be(void **state)
{
    static const struct row rows[] = {
        {"json.encode(0)", "0"},
        {"json.encode(-7)", "-7"},
        {"json.encode(100)", "100"},
        {"json.encode(0.1)", "0.1"},
        {"json.encode(-2.5)", "-2.5"},
        {"json.encode(1 / 3)", "0.3333333333333333"},
        {"json.encode(0.1 + 0.2)", "0.30000000000000004"},
        {"json.encode(2 ^ 53)", "9007199254740992"},
        {"json.encode(-2 ^ 53)", "-9007199254740992"},
        {"json.encode(2 ^ 53 + 2)", "9007199254740994"},
        {"json.encode({0.2, 0.1 + 0.2, 1 / 3})", "[0.2,0.30000000000000004,0.3333333333333333]"},
        {"json.encode(-0.0)", "-0"},
        {"json.encode(1e100)", "1e100"},
        {"json.encode(5e-324)", "5e-324"},
        {"json.encode(1.7976931348623157e308)", "1.7976931348623157e308"},
    };

    (void)state;
    EXPECT_VALUES(rows);
}

static void random_numbers_come_back_exactly(void **state)
{
    struct answer answer;
    struct err err;

    (void)state;
    bool ok = ask_source(
        "local json = require 'json' return function() for i = 1, 20000 do "
        "local x = (math.random() - 0.5) * 2 ^ math.random(-1000, 1000) "
        "local list = {x, math.random(), 0.1, math.floor(x)} "
        "local back = json.decode(json.encode(list)) "
        "for k = 1, 4 do if back[k] ~= list[k] then return ('%.17g'):format(list[k]) end end "
        "end return 'all' end",
        64 * MIB, &answer, &err);
    assert_true(ok);
    assert_string_equal(answer.text, "all");
}

static void what_json_cannot_hold_is_refused_with_its_place(void **state)
{
    static const struct row rows[] = {
        {"json.encode()", "bad argument #1"},
        {"json.encode(print)", "the value is a function"},
        {"json.encode(0 / 0)", "the value is not a finite number"},
        {"json.encode({a = {1, 1 / 0}})", "a[2] is not a finite number"},
        {"json.encode({-1 / 0})", "[1] is not a finite number"},
        {"json.encode('\\255')", "the value is not valid UTF-8"},
        {"json.encode({x = {y = '\\237\\160\\128'}})", "x.y is not valid UTF-8"},
        {"json.encode({['\\255'] = 1})", "has a key that is not valid UTF-8"},
        {"json.encode({['a\\0b'] = 1})", "has a key with a NUL character"},
        {"json.encode({list = {1, nil, 3}})", "list is a list with holes"},
        {"json.encode({1, a = 2})", "the value is a list with holes or with other keys"},
        {"json.encode({[2] = 1})", "has keys of several kinds"},
        {"json.encode({[0] = 1})", "has keys of several kinds"},
        {"json.encode({[1.5] = 1})", "has keys of several kinds"},
        {"json.encode({[true] = 1})", "has keys of several kinds"},
        {"json.encode({a = coroutine.create(print)})", "a is a value that JSON cannot hold"},
        {"(function() local t = {} t.t = t return json.encode(t) end)()", "or contains itself"},
        {"(function() local t = {} t[1] = t return json.encode(t) end)()", "or contains itself"},
    };

    (void)state;
    EXPECT_ERRORS(rows);
}

/* An empty list that got keys afterwards is data, which must not vanish. */
static void keys_of_a_marked_list_do_not_vanish(void **state)
{
    static const struct row rows[] = {
        {"json.encode(json.array({a = 1}))", "keys"},
        {"(function() local t = json.decode('[]') t.a = 1 return json.encode(t) end)()", "keys"},
        {"json.encode(json.array({[3] = 1}))", "keys"},
    };

    (void)state;
    EXPECT_ERRORS(rows);
}

#define NEST(levels)                                                                               \
    "(function() local t = {} for i = 2, " levels " do t = {t} end return #json.encode(t) end)()"

static void nesting_goes_to_128_levels(void **state)
{
    static const struct row fits[] = {{NEST("128"), "256"}};
    static const struct row does_not[] = {{NEST("129"), "nested more than 128 levels deep"},
                                          {NEST("5000"), "nested more than 128 levels deep"}};

    (void)state;
    EXPECT_VALUES(fits);
    EXPECT_ERRORS(does_not);
}

static void random_values_come_back(void **state)
{
    struct answer answer;
    struct err err;

    (void)state;
    bool ok = ask_source(
        "local json, random = require 'json', math.random\n"
        "local function make(depth) local kind = random(depth > 4 and 4 or 6)\n"
        "  if kind == 1 then return random(-1000, 1000) / 8 end\n"
        "  if kind == 2 then return random(2) == 1 end\n"
        "  if kind == 3 then return ('\\0\\n\"\\195\\169x'):rep(random(0, 3)) end\n"
        "  if kind == 4 then return json.null end\n"
        "  local t = kind == 5 and json.array() or {}\n"
        "  for i = 1, random(0, 5) do t[kind == 5 and i or 'k' .. i] = make(depth + 1) end\n"
        "  return t end\n"
        "local function same(a, b) if type(a) ~= 'table' then return a == b end\n"
        "  for k, v in pairs(a) do if not same(v, b[k]) then return false end end\n"
        "  for k in pairs(b) do if a[k] == nil then return false end end return true end\n"
        "return function() for i = 1, 3000 do local value = make(0)\n"
        "  if not same(value, json.decode(json.encode(value))) then return json.encode(value) end "
        "end return 'all' end",
        64 * MIB, &answer, &err);
    assert_true(ok);
    assert_string_equal(answer.text, "all");
}

/* -- From C ---------------------------------------------------------------------------------- */

struct encode_request {
    const char *source;
    size_t max;
    struct buf *out;
    struct err *err;
    bool ok;
};

static int l_encode_chunk(lua_State *L)
{
    struct encode_request *r = lua_touserdata(L, 1);

    if (luaL_loadstring(L, r->source) != 0)
        return lua_error(L);
    lua_call(L, 0, 1);
    r->ok = l_json_encode(L, lua_gettop(L), r->max, r->out, r->err);
    return 0;
}

static void the_size_is_bounded_to_the_byte(void **state)
{
    static const struct {
        const char *source;
        size_t bytes;
    } cases[] = {
        {"return {a = 1}", 7},   {"return 'abc'", 5},
        {"return ''", 2},        {"return ('x'):rep(1e5)", 100002},
        {"return {1, 2, 3}", 7}, {"return '\\0'", 8},
    };
    struct code *code = code_of("return function() end");
    struct err err;
    struct vm *vm = vm_open(code, 32 * MIB, &err);

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++)
        for (size_t less = 0; less < 2; less++) {
            struct buf out = {0};

            buf_put_str(&out, STR("before"));
            struct encode_request r = {cases[i].source, cases[i].bytes - less, &out, &err, false};
            assert_true(vm_protect(vm, l_encode_chunk, &r, &err));
            assert_int_equal(r.ok, less == 0);
            if (r.ok)
                assert_int_equal(out.len, 6 + cases[i].bytes);
            else
                assert_int_equal(err.code, ERR_BAD_RESULT);
            buf_fini(&out);
        }
    vm_close(vm);
    code_drop(code);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decoding_gives_lua_values),
        cmocka_unit_test(decoding_other_text_gives_nil_and_the_place),
        cmocka_unit_test(encoding_gives_compact_json),
        cmocka_unit_test(numbers_are_as_short_as_they_can_be),
        cmocka_unit_test(random_numbers_come_back_exactly),
        cmocka_unit_test(what_json_cannot_hold_is_refused_with_its_place),
        cmocka_unit_test(keys_of_a_marked_list_do_not_vanish),
        cmocka_unit_test(nesting_goes_to_128_levels),
        cmocka_unit_test(random_values_come_back),
        cmocka_unit_test(the_size_is_bounded_to_the_byte),
    };

    return RUN_VM_TESTS(tests);
}
