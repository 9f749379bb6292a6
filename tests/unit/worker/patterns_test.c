/* patterns_test.c - find, match, gmatch and gsub are as LuaJIT's, but end when they are told to. */
/* SPDX-License-Identifier: MIT */
#include "vm_rows.h"

#include "stock_strings.h"

enum { PATTERNS = 20000 };

/* -- Beside the library of LuaJIT ------------------------------------------------------------ */

static struct dice dice = {0x9E3779B97F4A7C15ULL};

static size_t below(size_t count)
{
    return (size_t)(dice_next(&dice) >> 16) % count;
}

static const struct str pieces[] = {
    STR("a"),      STR("b"),      STR("ab"),    STR("x"),           STR("."),     STR("%a"),
    STR("%d"),     STR("%s"),     STR("%w"),    STR("%W"),          STR("%p"),    STR("%x"),
    STR("%z"),     STR("%Z"),     STR("%c"),    STR("%."),          STR("[ab]"),  STR("[^a]"),
    STR("[a-c]"),  STR("[]]"),    STR("[^]a]"), STR("[%a_]"),       STR("[%w-]"), STR("[a-%%]"),
    STR("[^%s]"),  STR("[a-"),    STR("["),     STR("[^"),          STR("%"),     STR("("),
    STR(")"),      STR("()"),     STR("(a)"),   STR("(.-)"),        STR("(%w+)"), STR("%1"),
    STR("%2"),     STR("%0"),     STR("%b()"),  STR("%bab"),        STR("%bxx"),  STR("%b"),
    STR("%f[%w]"), STR("%f[%W]"), STR("%f"),    STR("%f[^a]"),      STR("^"),     STR("$"),
    STR("*"),      STR("+"),      STR("-"),     STR("?"),           STR("\0"),    STR("]"),
    STR("a*"),     STR("b+"),     STR(".-"),    STR(".*"),          STR("%s*"),   STR("[ab]+"),
    STR("x?"),     STR("[\0]"),   STR("\xE9"),  STR("[\x80-\xFF]"),
};
static const struct str subject_pieces[] = {
    STR("a"), STR("b"), STR("ab"), STR("x"),  STR(" "),    STR("("), STR(")"), STR("aa"),
    STR("1"), STR("_"), STR("."),  STR("\0"), STR("\xE9"), STR("-"), STR("]"),
};
static const struct str replacements[] = {
    STR(""),  STR("<%0>"), STR("%1"), STR("%2%1"), STR("%%"),
    STR("%"), STR("x%"),   STR("%x"), STR("a\0b"), STR("%9"),
};

static struct str compose(char *at, const struct str *from, size_t count, size_t most)
{
    struct str text = {at, 0};

    for (size_t n = below(most + 1); n > 0; n--) {
        struct str piece = from[below(count)];

        memcpy(at + text.len, piece.at, piece.len);
        text.len += piece.len;
    }
    return text;
}

static void all_patterns_give_what_luajit_gives(void **state)
{
    lua_State *L = stock_open();
    char pattern_bytes[128], subject_bytes[128];

    (void)state;
    assert_non_null(L);
    if (!stock_push_compare(L))
        fail_msg("%s", lua_tostring(L, -1));
    for (int i = 0; i < PATTERNS; i++) {
        struct str pattern = compose(pattern_bytes, pieces, COUNT(pieces), 8);
        struct str subject = compose(subject_bytes, subject_pieces, COUNT(subject_pieces), 16);

        if (!stock_is_quick(pattern, subject))
            continue;
        const char *difference =
            stock_compare(L, pattern, replacements[below(COUNT(replacements))], subject);
        if (difference)
            fail_msg("%s", difference);
    }
    lua_close(L);
}

/* Each class on each character; patterns of the greatest depth, and past it. */
static const char *const scripts[] = {
    "local out = {} for c in ('aAcCdDgGlLpPsSuUwWxXzZbfkyY.-%%'):gmatch('.') do "
    "for i = 0, 255 do out[#out + 1] = tostring(string.find(string.char(i), '[%' .. c .. ']')) .. "
    "tostring(c ~= 'b' and c ~= 'f' and string.find(string.char(i), '%' .. c)) end end "
    "return table.concat(out)",
    "return pcall(string.find, ('a'):rep(300), ('a?'):rep(199))",
    "return pcall(string.find, ('a'):rep(300), ('a?'):rep(200))",
    "return pcall(string.find, ('a'):rep(300), ('b*'):rep(199))",
    "return pcall(string.find, ('a'):rep(300), ('b*'):rep(200))",
    "return pcall(string.find, ('a'):rep(300), ('b-'):rep(199))",
    "return pcall(string.find, ('a'):rep(300), ('b-'):rep(200))",
    "return pcall(string.match, 'a', ('()'):rep(32) .. 'a')",
    "return pcall(string.match, 'a', ('()'):rep(33) .. 'a')",
    "return pcall(string.match, 'a', 'a' .. ('()'):rep(33))",
    "return pcall(string.match, 'b', 'a' .. ('()'):rep(33))",
    "return pcall(string.match, ('a'):rep(9), ('b*'):rep(98) .. ('(b?)'):rep(32) .. 'b*b*b*b*b*')",
    "return pcall(string.match, ('a'):rep(9), ('b*'):rep(135) .. ('(b?)'):rep(21) .. 'c')",
    "return pcall(string.match, ('a'):rep(9), ('b*'):rep(136) .. ('(b?)'):rep(21) .. 'a*c')",
    "return pcall(string.find, 'aaab', ('x'):rep(100) .. 'a*')",
    "return string.find(('ab'):rep(100) .. 'xyz', ('[a][b]'):rep(60) .. '(x)')",
    "local out = {} for w in string.gmatch('the quick brown', ('%w?'):rep(40)) do "
    "out[#out + 1] = w end return table.concat(out, ',')",
    "return string.gsub('abc abc', ('[abc]?'):rep(30), function(m) return string.upper(m) end)",
    "return string.gsub('hello world', '%w+', '%0 %0', 1)",
    "return string.gsub('abc', '', '-')",
    "return string.gsub('abc', '^a', '')",
    "return string.gsub('aaa', '^a', 'b')",
    "return string.gsub('abc', 'b*', '.')",
    "return string.gsub(('x'):rep(3000), 'x', 'yz')",
    "return string.gsub(('x'):rep(3000), 'x', '%0%0', 1000)",
    "return #string.gsub(('x'):rep(3000), '', ('y'):rep(700))",
    "return string.gsub('a', 'a', '%1')",
    "return string.gsub('a', 'a', '%2')",
    "return string.gsub('a', '(a', 'x')",
    "return string.gsub('a', '(a', '%1')",
    "return string.gsub('a b', '()', '%1')",
    "return string.gsub('abc', '()b', '%1')",
    "return string.gsub(12, 1, 3)",
    "return string.gsub('1', 1, 2.5)",
    "return string.gsub('aaa', 'a', 'b', 0)",
    "return string.gsub('aaa', 'a', 'b', -1)",
    "return string.gsub('aaa', 'a', 'b', '2')",
    "return string.gsub('aaa', 'a', 'b', 2^32 + 1)",
    "return string.gsub('aaa', 'a', 'b', 1e300)",
    "return string.gsub('aaa', 'a', 'b', 0/0)",
    "return string.gsub('aaa', 'a', 'b', 1.9)",
    "return string.gsub('a', 'a', tostring)",
    "return string.find('aaa', 'a', 2^31)",
    "return string.find('aaa', 'a', 2^53)",
    "return string.find('aaa', 'a', -2^31)",
    "return string.find('aaa', 'a', -1/0)",
    "return string.find('aaa', 'a', 0/0)",
    "return string.find('aaa', 'a', 1.9)",
    "return string.find('aaa', 'a', '2')",
    "return string.find('aaa', 'a', nil, true)",
    "return string.find('a.a', '.', 2, 1)",
    "return string.find('a.a', '.', 2, false)",
    "return string.find('', '')",
    "return string.find('', '', 2)",
    "return string.find('', '', 1)",
    "return string.find('abc', 'b\\0x')",
    "return string.find('ab\\0xc', 'b\\0x')",
    "return string.find('abc', '[b]\\0x')",
    "return string.find('abc', '\\0%')",
    "return string.find(123, 2)",
    "return string.match(123, '%d+', '2')",
    "return string.find()",
    "return string.find('a')",
    "return string.find({}, 'a')",
    "return string.find('a', {})",
    "return string.find('a', 'a', {})",
    "return string.find('a', 'a', 'x')",
    "return string.match(nil, 'a')",
    "return string.match('a', nil)",
    "return string.match('a', 'a', false)",
    "return string.gmatch()",
    "return string.gmatch('a')",
    "return string.gmatch('a', print)",
    "return string.gsub()",
    "return string.gsub('a')",
    "return string.gsub('a', 'a')",
    "return string.gsub('a', 'a', nil)",
    "return string.gsub('a', 'a', true)",
    "return string.gsub('a', 'a', 'b', 'x')",
    "return string.gsub('a', 'a', nil, 'x')",
    "return string.gsub('abc', '%w', setmetatable({}, {__index = function(_, k) return k .. k "
    "end}))",
    "return string.gsub('abc', '%w', function() error('no', 0) end)",
    "return string.gsub('abc', '%w', function() error('no') end)",
    "return string.gsub('abc', '%w', function() return function() end end)",
    "return string.gsub('abc', '(%w)(%w)', function(...) return select('#', ...) .. ... end)",
    "for w in string.gmatch('a b', '^a') do return w end return 'none'",
    "local f = string.gmatch('ab', '.') return f(), f(), f(), f()",
    "local f = string.gmatch(121, 1) return f(), f(), f()",
    "local f = string.gmatch('a', '(') return f()",
    "local out = {} for k, v in string.gmatch('a=1, b=2', '(%w+)=(%w+)') do out[#out + 1] = v .. k "
    "end return table.concat(out)",
};

/* What the script gives with the functions at `library` as its string library. */
static const char *l_outcome(lua_State *L, const char *script, int library)
{
    int top = lua_gettop(L);

    if (luaL_loadbuffer(L, script, strlen(script), "=script") != 0)
        fail_msg("%s: %s", script, lua_tostring(L, -1));
    lua_newtable(L);
    lua_newtable(L);
    lua_pushvalue(L, LUA_GLOBALSINDEX);
    lua_setfield(L, -2, "__index");
    lua_setmetatable(L, -2);
    lua_pushvalue(L, library);
    lua_setfield(L, -2, LUA_STRLIBNAME);
    lua_setfenv(L, -2);
    lua_pushstring(L, lua_pcall(L, 0, LUA_MULTRET, 0) == 0 ? "gives" : "raises");
    for (int i = top + 1, end = lua_gettop(L); i < end; i++) {
        lua_pushfstring(L, " %s ", luaL_typename(L, i));
        lua_getglobal(L, "tostring");
        lua_pushvalue(L, i);
        lua_call(L, 1, 1);
        lua_concat(L, 3);
    }
    lua_replace(L, top + 1);
    lua_settop(L, top + 1);
    return lua_tostring(L, -1);
}

static void scripts_give_what_they_give_with_luajit(void **state)
{
    lua_State *L = stock_open();

    (void)state;
    assert_non_null(L);
    for (size_t i = 0; i < COUNT(scripts); i++) {
        const char *theirs = l_outcome(L, scripts[i], 1), *own = l_outcome(L, scripts[i], 2);

        if (strcmp(theirs, own) != 0)
            fail_msg("%s %s, but with LuaJIT's %s", scripts[i], own, theirs);
        lua_settop(L, 2);
    }
    lua_close(L);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_patterns_give_what_luajit_gives),
        cmocka_unit_test(scripts_give_what_they_give_with_luajit),
    };

    return RUN_VM_TESTS(tests);
}
