# SPDX-License-Identifier: MIT
"""test_patterns.py - what runs long inside C ends at its deadline, and its worker lives on."""

import pytest

from server import SIGNALS_COME_AT_ONCE, Server, expect_error

pytestmark = pytest.mark.skipif(not SIGNALS_COME_AT_ONCE, reason="needs signals at once")

ENDLESS = {
    "star": '(("a"):rep(30000)):find(("a*"):rep(10) .. "b")',
    "maybe": '(("a"):rep(100)):find(("a?"):rep(100) .. "b")',
    "lazy": '(("a"):rep(30000)):match(("a-"):rep(10) .. "b")',
    "balance": '(("("):rep(1e6)):find("%b()")',
    "backwards": '(("ab"):rep(1e5)):match("(.*)(.*)(.*)%1%3%2x")',
    "each": 'for _ in (("a"):rep(30000)):gmatch(("a*"):rep(10) .. "b") do end',
    "replace": '(("a"):rep(30000)):gsub(("a*"):rep(10) .. "b", "")',
    "last_call": 'return (("a"):rep(30000)):find(("a*"):rep(10) .. "b")',
    "in_pcall": 'while true do pcall(string.find, ("a"):rep(30000), ("a*"):rep(10) .. "b") end',
    "in_loop": 'local s = ("a"):rep(3000) while true do s:find("a*a*b") end',
    "gsub_callback": '("x"):gsub(".", function() while true do end end)',
    "gsub_gsub": 'local function again(c) while true do pcall(c.gsub, c, ".", again) end end again("x")',
    "gsub_in_c": 'while true do (("x"):rep(1e5)):gsub(".", string.upper) end',
    "gsub_index": '("x"):gsub(".", setmetatable({}, {__index = function() while true do end end}))',
    "sort": 'local t = {} for i = 1, 2e5 do t[i] = -i % 7919 end while true do table.sort(t) end',
    "sort_less": 'local mt = {__lt = function(a, b) return a.n < b.n end} local t = {} for i = 1, 3e4 '
                 'do t[i] = setmetatable({n = -i % 7919}, mt) end while true do table.sort(t) end',
    "insert": "table.insert({1}, -2^31, 0)",
    "insert_nan": "table.insert({1}, 0 / 0, 0)",
    "insert_large": "table.insert({1}, 2^31, 0)",
    "encode": 'local json = require("json") local t = {} for i = 1, 2e5 do t[i] = i / 7 end '
              "while true do json.encode(t) end",
    "decode": 'local json, s = require("json"), "[" .. ("1.5,"):rep(2e5) .. "1]" '
              "while true do json.decode(s) end",
    "load": 'local text = ("x = 1 "):rep(3e5) while true do loadstring(text) end',
    "sort_callback": "table.sort({3, 2, 1}, function() while true do end end)",
}

QUICK = {
    "star_once": ('(("a"):rep(30000)):find("a*b") == nil', True),
    "trim": ('#(((" "):rep(1e5) .. "x"):gsub("%s+$", ""))', 100001),
    "plain": ('(("a"):rep(2e6)):find(("a"):rep(1e6) .. "b", 1, true) == nil', True),
    "plain_compiled": ('(function() local s, w = ("a"):rep(1e5), ("a"):rep(5e4) .. "b" local n = 0 '
                       'for i = 1, 80 do if s:find(w, i, true) then n = n + 1 end end return n '
                       'end)()', 0),
    "gsub_recursion": ('(function() local depth = 0 local function again(c) depth = depth + 1 '
                       'return (c:gsub(".", again)) end return select(2, pcall(again, "x")):match('
                       '"stack overflow") end)()', "stack overflow"),
}

# Each calls itself through C until the Lua stack, the C stack or the memory is full.
DEEP = {
    "gsub": 'local function f(c) return (c:gsub(".", f)) end f("x")',
    "gsub_index": 'local t t = setmetatable({}, {__index = function(_, k) return (k:gsub(".", t)) '
                  "end}) return t.x",
    "gsub_coroutine": 'local function f() return (("x"):gsub(".", coroutine.wrap(f))) end f()',
    "wrap": "local function f() return coroutine.wrap(f)() end f()",
    "resume": "local function f() return coroutine.resume(coroutine.create(f)) end f()",
    "sort": "local function f() table.sort({1, 2}, f) end f()",
    "sort_coroutine": "local function f() table.sort({1, 2}, coroutine.wrap(f)) return true end f()",
    "sort_less": "local mt = {} function mt.__lt() table.sort({setmetatable({}, mt), "
                 "setmetatable({}, mt)}) return true end mt.__lt()",
    "print": 'local mt = {} function mt.__tostring(x) print(x) return "" end '
             "print(setmetatable({}, mt))",
    "format": 'local mt = {} function mt.__tostring(x) local s = ("%s"):format(x) return s end '
              "tostring(setmetatable({}, mt))",
    "format_coroutine": 'local mt = {} function mt.__tostring(x) return coroutine.wrap(function() '
                        'return ("%s"):format(x) end)() end tostring(setmetatable({}, mt))',
    "load": "local function f() load(f) end f()",
    "pcall": "local function f() local a = pcall(f) return a end f()",
    "xpcall": "local function f() local a = xpcall(f, f) return a end f()",
    "xpcall_handler": "local function f() xpcall(error, f) end f()",
    "index": "local mt = {} function mt.__index(t, k) return t[k .. 1] end "
             "return setmetatable({}, mt).x",
}


def function_of(code):
    return ("return {timeout_ms = 150, handler = function(params)\n"
            f"  if params.calm then return {{calm = true}} end\n  do {code} end\nend}}")


@pytest.fixture(scope="module", name="own")
def own_server():
    functions = {name: function_of(code) for name, code in ENDLESS.items()}
    functions |= {name: f"return function() return {code} end" for name, (code, _) in QUICK.items()}
    functions |= {f"deep_{name}": function_of(code) for name, code in DEEP.items()}
    with Server(functions, ["--workers", "1"]) as running:
        yield running


@pytest.mark.parametrize("start", ["cold", "warm"])
@pytest.mark.parametrize("name", ENDLESS)
def test_what_never_ends_is_ended_without_its_worker(own, name, start):
    own.post(f"/fn/warmpool/{name}?size=1")
    worker = own.worker()
    expect_error(own.invoke(name, {}, start), 504, "deadline", "150 ms", name)
    assert own.result(name, {"calm": True}, start)["calm"] is True
    assert own.worker() == worker
    own.request("DELETE", f"/fn/warmpool/{name}")


@pytest.mark.parametrize("name", QUICK)
def test_what_has_an_answer_soon_gives_it(own, name):
    worker = own.worker()
    assert own.result(name)["result"] == QUICK[name][1]
    assert own.worker() == worker


@pytest.mark.parametrize("name", DEEP)
def test_what_calls_itself_through_c_never_fills_the_stack(own, name):
    worker = own.worker()
    assert own.invoke(f"deep_{name}", {}).status_code in (200, 500, 504)
    assert own.worker() == worker
