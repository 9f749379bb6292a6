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


def function_of(code):
    return ("return {timeout_ms = 150, handler = function(params)\n"
            f"  if params.calm then return {{calm = true}} end\n  do {code} end\nend}}")


@pytest.fixture(scope="module", name="own")
def own_server():
    functions = {name: function_of(code) for name, code in ENDLESS.items()}
    functions |= {name: f"return function() return {code} end" for name, (code, _) in QUICK.items()}
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
