# SPDX-License-Identifier: MIT
"""test_memory.py - going over the memory limit ends the call, and nothing else."""

import os
import re
import resource
import signal

import pytest

from server import BINARY, PART, Background, Server, expect_error, wait_until

BOMBS = {
    "string": 'local s = "x" while true do s = s .. s end',
    "strings": 'local t = {} for i = 1, 1e9 do t[i] = ("x"):rep(1000) .. i end',
    "rep": 'return {s = ("x"):rep(1e9)}',
    "table": "local t = {} for i = 1, 1e9 do t[i] = i end",
    "hash": "local t = {} for i = 1, 1e9 do t[i .. ''] = i end",
    "tables": "local t = {} while true do t = {t} end",
    "closures": "local t = {} for i = 1, 1e9 do t[i] = function() return i end end",
    "coroutines": "local t = {} for i = 1, 1e9 do t[i] = coroutine.create(print) end",
    "concat": 'local t = {} for i = 1, 1000 do t[i] = ("x"):rep(1000) end '
              'local all = {} for i = 1, 1e6 do all[i] = table.concat(t) .. i end',
    "gsub": 'local s = ("x"):rep(1000) while true do s = s:gsub(".", "%0%0") end',
    "format": 'local s = "x" while true do s = ("%s%s"):format(s, s) end',
    "reverse": 'local t = {} for i = 1, 1e9 do t[i] = ("x"):rep(i):reverse() end',
    "vararg": "local t = {} for i = 1, 7000 do t[i] = i end "
              "local function f(...) return {...}, f(1, ...) end "
              "local all = {} for i = 1, 1e9 do all[i] = {unpack(t)} end",
    "load": "local t = {} "
            'for i = 1, 1e9 do t[i] = load("return function() return " .. i .. " end") end',
    "json_decode": 'local t = {} for i = 1, 1e9 do '
                   't[i] = require("json").decode("[" .. ("1,"):rep(1e5) .. "1]") end',
    "json_encode": 'local t = {} for i = 1, 1e5 do t[i] = ("x"):rep(1000) end '
                   'local all = {} for i = 1, 1e9 do all[i] = require("json").encode(t) .. i end',
    "letters": 'local t = {} for i = 1, 1e9 do t[i] = require("random").letters(1e6) end',
    "uuids": 'local t = {} for i = 1, 1e9 do t[i] = require("random").uuids(1e4) end',
    "matrices": 'local t = {} for i = 1, 1e9 do t[i] = require("matrix").random(256) end',
    "gzip": 'local gzip, s = require("gzip"), ("x"):rep(5e6) local t = {} '
            "for i = 1, 1e9 do t[i] = gzip.decompress(gzip.compress(s), 5e6) .. i end",
    "pcall": "local t = {} local function more() for i = 1, 1e9 do t[i] = {i} end end "
             "while true do pcall(more) end",
    "xpcall": "local t = {} local function again() for i = 1, 1e9 do t[#t + 1] = {i} end end "
              "while true do xpcall(again, again) end",
    "in_coroutine": "coroutine.wrap(function() local t = {} for i = 1, 1e9 do t[i] = {} end end)()",
    "log": 'local s = "x" while true do s = s .. s ctx.log("info", s) end',
    "error": 'local s = "x" while true do s = s .. s pcall(error, s) end',
    "result": 'local t = {} for i = 1, 3e5 do t[i] = {} end return {t = t}',
}


# Each makes some hundred times what it may have at once; where work is slow, some ten times.
GARBAGE = {
    "strings": 'for i = 1, 1e5 do local s = ("x"):rep(i % 20000) .. i end',
    "tables": "for i = 1, 4e6 do local t = {i, {i}} end",
    "closures": "for i = 1, 1e7 * part do local f = function() return i end end",
    "coroutines": "for i = 1, 5e5 do local c = coroutine.wrap(function() return i end) c() end",
    "growing": "for i = 1, 100 do local t = {} for k = 1, 1e5 do t[k] = k end end",
    "beside_much_that_lives": "local live = {} for i = 1, 40000 do live[i] = {i} end "
                              "for i = 1, 4e6 do live[i % 40000 + 1] = {i} end",
    "texts": 'for i = 1, 1e4 do load("return " .. ("1+"):rep(i % 500) .. i)() end',
    "letters": 'for i = 1, 500 * part do local s = require("random").letters(1e6 + i) end',
    "uuids": 'for i = 1, 500 * part do local t = require("random").uuids(1e4) end',
    "matrices": 'local matrix = require("matrix") '
                'for i = 1, 500 * part do local m = matrix.random(256) end',
    "json": 'local json = require("json") '
            'for i = 1, 500 * part do local t = json.decode("[" .. ("1,"):rep(1e4) .. "1]") end',
}


def function_of(bomb):
    return ("return {memory_mb = 8, handler = function(params, ctx)\n"
            f"  if params.calm then return {{calm = true}} end\n  do {bomb} end\nend}}")


@pytest.fixture(scope="module", name="own")
def own_server():
    with Server({name: function_of(bomb) for name, bomb in BOMBS.items()},
                ["--workers", "1", "--timeout-ms", "60000"]) as running:
        yield running


@pytest.mark.parametrize("start", ["cold", "warm"])
@pytest.mark.parametrize("name", BOMBS)
def test_bomb_ends_its_own_call_alone(own, name, start):
    worker = own.worker()
    own.post(f"/fn/warmpool/{name}?size=1")
    for _ in range(2):
        reply = own.invoke(name, {}, start)
        expect_error(reply, 500, "memory_limit", "memory limit of 8 MiB", name)
        assert own.result(name, {"calm": True}, start)["calm"] is True
    own.request("DELETE", f"/fn/warmpool/{name}")
    assert own.worker() == worker


@pytest.fixture(scope="module", name="makers")
def makers_server():
    with Server({name: f"local part = {PART}\n" + function_of(text)
                 for name, text in GARBAGE.items()},
                ["--timeout-ms", "60000"]) as running:
        yield running


@pytest.mark.parametrize("start", ["cold", "warm"])
@pytest.mark.parametrize("name", GARBAGE)
def test_garbage_of_a_whole_run_stays_within_the_limit(makers, name, start):
    makers.post(f"/fn/warmpool/{name}?size=1")
    reply = makers.invoke(name, {}, start)
    assert reply.status_code == 200, reply.text
    makers.request("DELETE", f"/fn/warmpool/{name}")


def test_sleeping_call_in_the_same_worker_goes_on(own):
    sleeper = Background(own, "sleep", {"ms": 500})
    own.wait_in_flight("sleep")
    expect_error(own.invoke("table"), 500, "memory_limit")
    assert not sleeper.is_done()
    assert sleeper.reply().json()["slept_ms"] == 500


@pytest.mark.parametrize("size, status", [(3 << 20, 200), (9 << 20, 500)])
def test_what_fits_is_given(start, size, status):
    big = f'return {{memory_mb = 8, handler = function() return {{n = #("x"):rep({size})}} end}}'
    reply = start({"big": big}, ["--workers", "1"]).invoke("big")
    assert reply.status_code == status, reply.text


def test_limit_of_functions_that_declare_none_is_a_setting(start):
    server = start({"big": 'return function(p) return {n = #("x"):rep(p.n)} end'},
                   ["--memory-mb", "4", "--workers", "1"])
    assert server.result("big", {"n": 1 << 20})["n"] == 1 << 20
    expect_error(server.invoke("big", {"n": 5 << 20}), 500, "memory_limit", "limit of 4 MiB")


def test_what_functions_declare_is_capped_by_a_setting(start):
    server = start({"big": function_of('local s = ("x"):rep(5 * 1048576)')},
                   ["--memory-mb-max", "4", "--workers", "1"])
    assert server.detail("big")["limits"]["memory_mb"] == 4
    body = expect_error(server.invoke("big"), 500, "memory_limit", "limit of 4 MiB")
    for name in ("`memory_mb`", "--memory-mb ", "--memory-mb-max"):
        assert name in body["error"]
    assert server.result("hash", {"rounds": 1})["rounds"] == 1


def resident_bytes(server):
    with open(f"/proc/{server.worker()}/statm", encoding="ascii") as statm:
        return int(statm.read().split()[1]) * resource.getpagesize()


def test_memory_of_workers_is_given_back(own):
    own.result("table", {"calm": True})
    before = resident_bytes(own)
    for _ in range(30):
        own.invoke("table")
    wait_until(lambda: resident_bytes(own) < before + (8 << 20), "the memory to go back")


# What ends the call in the midst of its work, with most of its memory in one text.
TEXTS = {
    "json_encode": 'pcall(require("json").encode, ("\\1"):rep(20e6))',
    "cjson_encode": 'pcall(require("cjson").encode, ("\\1"):rep(20e6))',
    "json_decode": 'pcall(require("json").decode, "[" .. ("1,"):rep(10e6) .. "1]")',
    "os_date": 'pcall(os.date, ("%c"):rep(10e6))',
    "gzip": 'pcall(require("gzip").compress, ("x"):rep(50e6))',
    "error": 'error(("x"):rep(50e6))',
}


@pytest.mark.skipif("/tsan/" in BINARY, reason="it has memory of its own for each address")
@pytest.mark.parametrize("name", TEXTS)
def test_memory_of_texts_is_given_back(start, name):
    text = f"return {{memory_mb = 100, handler = function() {TEXTS[name]} end}}"
    server = start({"maker": text}, ["--workers", "1"])
    server.result("hash", {"rounds": 1})
    before = resident_bytes(server)
    for _ in range(3):
        assert server.invoke("maker").status_code in (200, 500)
    wait_until(lambda: resident_bytes(server) < before + (8 << 20), "the memory to go back")


FRAGMENTS = """return {memory_mb = 16, timeout_ms = 60000, handler = function(params)
  local peak = 0
  for size = params.from, params.to, params.step do
    local t = {}
    for i = 1, math.floor(1500000 / size) do t[i] = ("x"):rep(size - 24) .. i end
    peak = math.max(peak, collectgarbage("count"))
  end
  return {peak_kb = peak}
end}"""


@pytest.mark.parametrize("params", [
    {"from": 32, "to": 4000, "step": 64}, {"from": 4100, "to": 9000, "step": 100},
    {"from": 30000, "to": 300000, "step": 5000}, {"from": 40000, "to": 32, "step": -640}], ids=str)
def test_freed_memory_serves_other_sizes(start, params):
    reply = start({"fragments": FRAGMENTS}).invoke("fragments", params)
    assert reply.status_code == 200, reply.text
    assert peak_of(reply) <= 1.5 * reply.json()["peak_kb"] * 1024 + (1 << 20)


# -- What a call had -------------------------------------------------------------------------------

def peak_of(reply):
    return int(re.search(r'memory;desc="(\d+)"', reply.headers["server-timing"])[1])


@pytest.mark.parametrize("start", ["cold", "warm"])
def test_each_call_tells_its_peak(own, start):
    own.post("/fn/warmpool/rep?size=1")
    calm = peak_of(own.invoke("rep", {"calm": True}, start))
    assert 16 << 10 <= calm <= 256 << 10
    bomb = own.invoke("table", {}, start)
    assert 2 << 20 <= peak_of(bomb) <= 8 << 20
    assert f"peak {peak_of(bomb) >> 10} KiB" in bomb.text
    assert peak_of(own.invoke("rep", {"calm": True}, start)) == calm
    assert own.stats("table")["peak_bytes"] >= peak_of(bomb)
    own.request("DELETE", "/fn/warmpool/rep")


def test_several_calls_tell_the_largest_peak(start):
    server = start({"big": 'return function(p) return {n = #("x"):rep(p.n)} end'})
    chain = server.post("/fn/chain", {"chain": ["big", "hash"], "params": {"n": 4 << 20}})
    assert 4 << 20 <= peak_of(chain) <= 9 << 20
    assert server.stats("big")["peak_bytes"] == peak_of(chain)


# -- All calls together ----------------------------------------------------------------------------

HOLD = ('return {memory_mb = 64, handler = function(p, ctx) local s = ("x"):rep(20 * 1048576) '
        "ctx.sleep(p.ms) return {n = #s} end}")
ALL_TOGETHER = "all calls together"


def wait_status(server, status):
    wait_until(lambda: server.invoke("hold", {"ms": 0}).status_code == status,
               f"a call to end with {status}")


def hold(server):
    """A client whose call sleeps with its memory."""
    client = server.connect()
    client.sendall(b"POST /fn/invoke/hold HTTP/1.1\r\nhost: localhost\r\ncontent-length: 12\r\n\r\n"
                   b'{"ms":60000}')
    wait_until(lambda: re.search(r"\nfaas_heaps_bytes [2-9]\d{7}\n", server.get("/metrics").text),
               "the call to have its memory")
    return client


def test_heaps_have_their_limit_together(start):
    server = start({"hold": HOLD}, ["--workers", "2", "--heaps-mb", "64"])
    with hold(server):
        expect_error(server.invoke("hold", {"ms": 0}), 500, "memory_limit", ALL_TOGETHER, "hold")
        assert server.result("hash", {"rounds": 1})["rounds"] == 1
    wait_status(server, 200)


# -- Warm instances --------------------------------------------------------------------------------

LARGE = ('local big = {} for i = 1, 10 do big[i] = ("x"):rep(1000000) .. i end '
         "return {memory_mb = 64, handler = function() return {n = #big} end}")
SMALL = "return function() return {} end"


def anonymous_bytes(pid):
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as smaps:
        return int(re.search(r"^Anonymous: +(\d+) kB$", smaps.read(), re.M)[1]) << 10


def heaps_bytes(server):
    return float(re.search(r"\nfaas_heaps_bytes (\S+)\n", server.get("/metrics").text)[1])


def memory_of(server):
    return anonymous_bytes(server.worker()), heaps_bytes(server)


@pytest.mark.skipif("/asan/" in BINARY or "/tsan/" in BINARY,
                    reason="sanitizers have memory of their own")
@pytest.mark.parametrize("source, size", [(LARGE, 10), (SMALL, 200)], ids=["large", "small"])
def test_warm_instances_count_as_what_they_take(start, source, size):
    server = start({"warm": source}, ["--workers", "1"])
    before = memory_of(server)
    for more in range(1, size + 1, size // 10):  # one after another: each is quick to load
        assert server.post(f"/fn/warmpool/warm?size={more}").status_code == 200
    took, counted = (now - then for now, then in zip(memory_of(server), before))
    # the first reset of an instance writes pages that count from the start
    assert .85 * took <= counted <= 1.25 * took
    server.request("DELETE", "/fn/warmpool/warm")
    wait_until(lambda: heaps_bytes(server) < before[1] + 6 * 1024 * 1024, "the count to fall")
    assert anonymous_bytes(server.worker()) < before[0] + took / 2


def test_warm_instances_end_where_all_heaps_have_their_limit(start):
    server = start({"warm": LARGE}, ["--workers", "1", "--heaps-mb", "64"])
    for _ in range(2):
        reply = server.post("/fn/warmpool/warm?size=10")
        assert reply.status_code == 200, reply.text
        warmed = reply.json()
        assert 1 <= warmed["pool_size"] <= 3  # each takes 20 MB and some
        assert warmed["code"] == "memory_limit"
        assert re.search("all calls|--heaps-mb", warmed["error"])
        server.wait_log("warm pool is not as asked for .*(all calls|--heaps-mb)")
        assert heaps_bytes(server) <= 64 << 20
        assert server.result("hash", {"rounds": 1})["rounds"] == 1
        server.request("DELETE", "/fn/warmpool/warm")


def test_memory_of_a_worker_that_dies_is_free_again(start):
    server = start({"hold": HOLD}, ["--workers", "1", "--heaps-mb", "64"])
    server.expected_faults = "signal=9"
    with hold(server) as client:
        expect_error(server.invoke("hold", {"ms": 0}), 500, "memory_limit", ALL_TOGETHER, "hold")
        os.kill(server.worker(), signal.SIGKILL)
        assert b" 502 " in client.recv(4096)
        wait_status(server, 200)
