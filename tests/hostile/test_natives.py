# SPDX-License-Identifier: MIT
"""test_natives.py - natives with their largest work end with their call, and the worker lives on."""

import re

import pytest

from raw import invoke
from server import SIGNALS_COME_AT_ONCE, Server, expect_error, wait_until

pytestmark = pytest.mark.skipif(not SIGNALS_COME_AT_ONCE, reason="needs signals at once")

# Function, its largest arguments, and what is true of the result `r` that it has when it ends.
NATIVES = {
    "fib": ("fib.recursive", "45", "r == 1134903170"),
    "gzip": ("gzip.compress", "text", "#r > 0"),
    "stored": ("gzip.compress", "text, 0", "#r > #text"),
    "gunzip": ("gzip.decompress", "packed, 2^26", "#r == #text"),
    "matrix": ("matrix.multiply", "ones, ones", "matrix.get(r, 1024, 1024) ~= 0"),
    "matrix_random": ("matrix.random", "1024", "matrix.get(r, 1024, 1024) ~= 0"),
    "mutex": ("mutex.contend", "64, 100000", "r ~= 0"),
    "letters": ("random.letters", "2^26", "#r == 2^26"),
    "uuids": ("random.uuids", "1000000", "#r == 1000000"),
    "regex": ("regex.count", "'[a-z]+@([a-z]+[.])+com', names", "r == #names"),
    "regex_long": ("regex.matches", "'a*?[a]*+[bc]x', letters", "true"),
    "sha256": ("sha256.iterate", "'abc', 10000000", "#r == 64"),
    "sha256_input": ("sha256.iterate", "text, 1", "#r == 64"),
    "sha256_hex": ("sha256.iterate", "text, 0", "#r == 2 * #text"),
    "sieve": ("sieve.count", "100000000", "r == 5761455"),
    "sort": ("sort.strings", "numbers", "r == numbers"),
}

# One call of these takes longer than the deadline.
LONG = ["fib", "mutex", "letters", "sha256"]

# What runs late never sees what a native returned early: no log line, no result.
WAYS = {
    "loop": "while true do check(FN(ARGS)) end",
    "last_call": "return FN(ARGS)",
    "pcall": "while true do local _, r = pcall(FN, ARGS) check(r) end",
    "xpcall": "while true do local _, r = xpcall(function() return FN(ARGS) end, check) check(r) end",
    "coroutine": "while true do check(coroutine.wrap(FN)(ARGS)) end",
    "in_coroutine": "while true do coroutine.wrap(function() check(FN(ARGS)) end)() end",
    "metamethod": "local t = setmetatable({}, {__index = function() return FN(ARGS) end}) "
                  "while true do check(t.x) end",
    "gsub": "while true do ('x'):gsub('x', function() check(FN(ARGS)) end) end",
    "compiled": "for _ = 1, 300 do sha256.iterate('x', 1) end while true do check(FN(ARGS)) end",
}

SOURCE = """
local fib, gzip, matrix, mutex = require("fib"), require("gzip"), require("matrix"), require("mutex")
local random, regex, sha256 = require("random"), require("regex"), require("sha256")
local sieve, sort = require("sieve"), require("sort")

local makes = {
  text = function() return ("ab"):rep(2^10):rep(2^12) end,
  packed = function(text) return gzip.compress(text, 1) end,
  ones = function() return matrix.random(1024) end,
  names = function()
    local list = {}
    for i = 1, 1000000 do list[i] = "user@example.com" end
    return list
  end,
  numbers = function() return random.uuids(100000) end,
  letters = function() return ("a"):rep(2^20) .. "cbx" end,
}

return {memory_mb = 1024, timeout_ms = 60000, handler = function(params, ctx)
  local text = PACKED and makes.text() or TEXT and makes.text()
  local packed = PACKED and makes.packed(text)
  local ones, names = ONES and makes.ones(), NAMES and makes.names()
  local numbers, letters = NUMBERS and makes.numbers(), LETTERS and makes.letters()
  local function check(r)
    if not (r and GOOD) then ctx.log("error", "a result too early: " .. tostring(r)) end
  end
  ctx.log("info", "begun")
  local ways = {WAYS}
  return ways[params.way]()
end}
"""


def source(name):
    function, arguments, good = NATIVES[name]
    ways = ", ".join(f"{way} = function() {code} end" for way, code in WAYS.items())
    text = SOURCE.replace("{WAYS}", "{" + ways + "}").replace("GOOD", good)
    for value in ("packed", "text", "ones", "names", "numbers", "letters"):
        text = re.sub(rf"\b{value.upper()}\b", str(value in arguments).lower(), text)
    return text.replace("FN", function).replace("ARGS", arguments)


@pytest.fixture(scope="module", name="own")
def own_server():
    with Server({name: source(name) for name in NATIVES}, ["--workers", "1"]) as running:
        yield running


def expect_steady(server, end):
    """The only worker outlives what `end` does, and lets nothing be seen. In one of three tries: on
    a busy machine the 100 ms may pass in which nothing of it runs."""
    for _ in range(3):
        worker = server.worker()
        end()
        assert server.result("hash", {"rounds": 1})["rounds"] == 1
        assert "a result too early" not in server.log()
        if server.worker() == worker:
            return
    pytest.fail("its worker was ended each time")


@pytest.mark.parametrize("name, way", [(name, way) for name in NATIVES for way in WAYS
                                       if way != "last_call" or name in LONG])
def test_native_ends_at_the_deadline(own, name, way):
    def end():
        reply = own.invoke(name, {"way": way}, headers={"X-Timeout-Ms": "50"})
        expect_error(reply, 504, "deadline", "50 ms", name)

    expect_steady(own, end)


@pytest.mark.parametrize("name", NATIVES)
def test_native_ends_in_a_warm_instance(own, name):
    def end():
        assert own.post(f"/fn/warmpool/{name}?size=1").status_code == 200
        for _ in range(2):
            reply = own.invoke(name, {"way": "loop"}, "warm", headers={"X-Timeout-Ms": "50"})
            expect_error(reply, 504, "deadline", "50 ms", name)
        own.request("DELETE", f"/fn/warmpool/{name}")

    expect_steady(own, end)


@pytest.mark.parametrize("name", NATIVES)
def test_natives_of_a_burst_and_a_fanout_end(own, name):
    def end():
        headers = {"X-Timeout-Ms": "300"}
        burst = own.post(f"/fn/burst/{name}?count=2", {"way": "loop"}, headers=headers).json()
        assert {one["code"] for one in burst["results"]} == {"deadline"}
        reply = own.invoke("fanout", {"function": name, "count": 2, "params": {"way": "loop"}},
                           headers=headers)
        assert reply.status_code == 504 or {one["code"] for one in reply.json()["results"]} == {
            "deadline"}

    expect_steady(own, end)


@pytest.mark.parametrize("name", NATIVES)
def test_native_ends_when_its_client_leaves(own, name):
    def end():
        before, begun = cancelled(own, name), own.log().count("begun")
        with own.connect() as raw:
            raw.sendall(invoke(b'{"way":"loop"}', name))
            wait_until(lambda: own.log().count("begun") > begun, "the native to begin")
        wait_until(lambda: cancelled(own, name) > before, "the call to be cancelled")

    expect_steady(own, end)


def cancelled(server, name):
    counts = re.findall(r'^\S+\{([^}]*outcome="cancelled"[^}]*)\} (\d+)', server.get("/metrics").text,
                        re.MULTILINE)
    return sum(int(count) for labels, count in counts if f'function="{name}"' in labels)
