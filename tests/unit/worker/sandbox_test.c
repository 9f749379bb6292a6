/* sandbox_test.c - what functions find is what is allowed, and nothing else. */
/* SPDX-License-Identifier: MIT */
#include "vm_rows.h"

static const char allowed[] =
    "_G _VERSION assert bit collectgarbage coroutine debug error getfenv getmetatable io ipairs "
    "load "
    "loadstring math next os package pairs pcall print rawequal rawget rawset require select "
    "setfenv setmetatable string table tonumber tostring type unpack xpcall "
    "bit.arshift bit.band bit.bnot bit.bor bit.bswap bit.bxor bit.lshift bit.rol bit.ror "
    "bit.rshift bit.tobit bit.tohex "
    "coroutine.create coroutine.isyieldable coroutine.resume coroutine.running coroutine.status "
    "coroutine.wrap coroutine.yield "
    "debug.gethook debug.getinfo debug.setmetatable debug.traceback "
    "io.flush io.lines io.open io.read io.stderr io.stdin io.stdout io.type io.write "
    "math.abs math.acos math.asin math.atan math.atan2 math.ceil math.cos math.cosh math.deg "
    "math.exp math.floor math.fmod math.frexp math.huge math.ldexp math.log math.log10 math.max "
    "math.min math.modf math.pi math.pow math.rad math.random math.randomseed math.sin math.sinh "
    "math.sqrt math.tan math.tanh "
    "os.clock os.date os.difftime os.getenv os.time "
    "package.config package.cpath package.loaded package.path package.preload "
    "string.byte string.char string.find string.format string.gmatch string.gsub string.len "
    "string.lower string.match string.rep string.reverse string.sub string.upper "
    "table.concat table.foreach table.foreachi table.getn table.insert table.maxn table.move "
    "table.remove table.sort";

/* Each name of the globals and of the tables in them, a line for each that only one side has. */
static void the_globals_are_the_allowed_ones(void **state)
{
    char source[8192];
    struct answer answer;
    struct err err;

    (void)state;
    snprintf(source, sizeof(source),
             "return function() local found, out = {}, {}\n"
             "for name, value in pairs(_G) do found[name] = true\n"
             "  if type(value) == 'table' and value ~= _G then\n"
             "    for key in pairs(value) do found[name .. '.' .. tostring(key)] = true end end "
             "end\n"
             "for name in ('%s'):gmatch('%%S+') do\n"
             "  if not found[name] then out[#out + 1] = name .. ' is missing' end\n"
             "  found[name] = nil end\n"
             "for name in pairs(found) do out[#out + 1] = name .. ' is not allowed' end\n"
             "table.sort(out) return table.concat(out, ', ') end",
             allowed);
    if (!ask_source(source, 8 * MIB, &answer, &err))
        fail_msg("%s", err.text);
    assert_string_equal(answer.text, "");
}

static void what_is_replaced_does_what_it_may(void **state)
{
    static const struct row rows[] = {
        {"type(collectgarbage('count'))", "number"},
        {"collectgarbage()", "0"},
        {"collectgarbage('step')", "false"},
        {"collectgarbage('stop')", "0"},
        {"collectgarbage('restart')", "0"},
        {"collectgarbage('setpause', 110)", "200"},
        {"load('return 1 + 1')()", "2"},
        {"loadstring('return ...')(5)", "5"},
        {"load('return x', 'name', 't', {x = 7})()", "7"},
        {"select(2, load('x ='))", "[string \"x =\"]:1: unexpected symbol near '<eof>'"},
        {"select(2, load('x =', '@n'))", "n:1: unexpected symbol near '<eof>'"},
        {"(function() local n = 0 return load(function() n = n + 1 "
         "return ({'return ', '4', '2'})[n] end)() end)()",
         "42"},
        {"select('#', load('x ='))", "2"},
        {"load('\\27LJ\\2\\0') == nil", "true"},
        {"load('\\27LJ\\2\\0', 'n', 'b') == nil", "true"},
        {"load('\\27LJ\\2\\0', 'n', 'bt') == nil", "true"},
        {"load('return 5', 'n', 'bt')()", "5"},
        {"select(2, load('return 5', 'n', 'b'))",
         "attempt to load a text chunk (the mode must contain \"t\")"},
        {"load('return x', 'name', 't', nil)() == nil", "true"},
        {"load('return x', 'name', nil, setmetatable({}, {__index = {x = 8}}))()", "8"},
        {"getmetatable('')", "false"},
        {"pcall(setmetatable, '', {})", "false"},
        {"next(getmetatable(json.array()))", "nil"},
        {"getmetatable(setmetatable(json.array(), {__index = math})).__index == math", "true"},
        {"string.dump", "nil"},
        {"('').dump", "nil"},
        {"require 'json' == require 'json'", "true"},
        {"type(os.time())", "number"},
        {"os.date('!%Y', 0)", "1970"},
    };

    (void)state;
    EXPECT_VALUES(rows);
}

static void what_is_not_allowed_is_refused(void **state)
{
    static const struct row rows[] = {
        {"collectgarbage('generational')", "invalid option 'generational'"},
        {"require 'ffi'", "module 'ffi' not found: there is no native and no module of this name, "
                          "neither lib/ffi.lua nor lib/ffi/init.lua"},
        {"require 'jit'", "module 'jit' not found"},
        {"require 'jit.util'", "neither lib/jit/util.lua nor lib/jit/util/init.lua"},
        {"require 'string.buffer'", "module 'string.buffer' not found"},
        {"require()", "bad argument #1"},
        {"load(function() return {} end)", "the reader must return a string"},
        {"load()", "bad argument #1"},
        {"(load('return x', 'n', 't', 42))",
         "bad argument #4 to 'load' (table expected, got number)"},
        {"load('return x', 'n', 't', 2^53)", "bad argument #4"},
        {"load('return x', 'n', 't', 'x')", "bad argument #4"},
        {"load('return x', 'n', 't', false)", "bad argument #4"},
        {"load('return x', 'n', 't', print)", "bad argument #4"},
        {"load('return x', 'n', 't', coroutine.create(print))", "bad argument #4"},
        {"load('return x', 'n', 't', json.null)", "bad argument #4"},
        {"load('return x', 'n', {})", "bad argument #3"},
        {"loadstring('return x', 'n', 't', 42)", "bad argument #4"},
    };

    (void)state;
    EXPECT_ERRORS(rows);
}

static void random_numbers_differ_between_states(void **state)
{
    const char *source = "return function() return ('%.17g'):format(math.random()) end";
    struct answer first, next;
    struct err err;

    (void)state;
    assert_true(ask_source(source, 8 * MIB, &first, &err));
    for (int i = 0; i < 200; i++) {
        assert_true(ask_source(source, 8 * MIB, &next, &err));
        assert_string_not_equal(first.text, next.text);
    }
}

static void coroutines_are_those_of_lua(void **state)
{
    static const struct row rows[] = {
        {"select(2, coroutine.resume(coroutine.create(function(...) return select('#', ...) end), "
         "nil, nil))",
         "2"},
        {"select('#', coroutine.resume(coroutine.create(function() end)))", "1"},
        {"select('#', coroutine.resume(coroutine.create(function() return nil, nil end)))", "3"},
        {"select(2, coroutine.resume(coroutine.create(function() error('x', 0) end)))", "x"},
        {"select('#', coroutine.wrap(function() end)())", "0"},
        {"select(2, pcall(coroutine.wrap(function() error('x', 0) end)))", "x"},
        {"type(select(2, pcall(coroutine.wrap(function() error({}) end))))", "table"},
        {"(function() local s = '' for v in coroutine.wrap(function() for i = 1, 4 do "
         "coroutine.yield(i) end end) do s = s .. v end return s end)()",
         "1234"},
        {"select(2, pcall(coroutine.wrap(5 and function() end, 1)))", "nil"},
        {"(function() local w = coroutine.wrap(function() end) w() return pcall(w) end)()",
         "false"},
    };

    (void)state;
    EXPECT_VALUES(rows);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_globals_are_the_allowed_ones),
        cmocka_unit_test(what_is_replaced_does_what_it_may),
        cmocka_unit_test(what_is_not_allowed_is_refused),
        cmocka_unit_test(random_numbers_differ_between_states),
        cmocka_unit_test(coroutines_are_those_of_lua),
    };

    return RUN_VM_TESTS(tests);
}
