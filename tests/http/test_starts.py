# SPDX-License-Identifier: MIT
"""test_starts.py - cold and warm starts: who gets which, and what warm pools hold."""

import os
import signal
import time

import pytest

from server import PART, Background, Server, expect_error, wait_until

FUNCTIONS = {
    "quick": "return function(_, ctx) return {start = ctx.start} end",
    "hold": "return function(params, ctx) ctx.sleep(params.ms) return {start = ctx.start} end",
    "spare": "return function() return {} end",
    "fails": 'return function() error("no") end',
    "calls": 'return function(_, ctx) return {child = ctx.invoke("quick").start} end',
}


@pytest.fixture(scope="module", name="own")
def own_server():
    with Server(FUNCTIONS, ["--workers", "2", "--pool-max", "8"]) as running:
        yield running


@pytest.fixture(scope="module", name="optimized")
def optimized_server():
    with Server(FUNCTIONS, ["--workers", "2"], env={"OPTIMIZED": "true"}) as running:
        yield running


@pytest.fixture
def pool(own):
    """pool(name, size) on a server that has none when the test ends."""
    made = set()

    def make(name, size):
        made.add(name)
        return own.post(f"/fn/warmpool/{name}?size={size}")

    yield make
    for name in made:
        assert own.request("DELETE", f"/fn/warmpool/{name}").status_code == 200


def figures(server, name):
    return server.get("/fn/warmpool").json().get(name)


# -- Which start a call gets -----------------------------------------------------------------------

@pytest.mark.parametrize("start, pooled, got", [
    (None, False, "cold"), ("cold", False, "cold"), ("warm", False, "cold"),
    (None, True, "cold"), ("cold", True, "cold"), ("warm", True, "warm"),
])
def test_start_is_warm_if_asked_for_and_pooled(own, pool, start, pooled, got):
    if pooled:
        pool("quick", 2)
    reply = own.invoke("quick", start=start)
    assert reply.headers["x-start"] == got
    assert reply.json()["start"] == got
    assert reply.json().get("warm") is (True if got == "warm" else None)


@pytest.mark.parametrize("value, start, got", [
    ("true", None, "warm"), ("true", "cold", "cold"), ("true", "warm", "warm"),
    ("false", None, "cold"), ("false", "warm", "warm"),
])
def test_optimized_says_what_calls_get_that_do_not_say(start, value, got):
    with Server(FUNCTIONS, ["--workers", "1"], env={"OPTIMIZED": value}) as server:
        server.post("/fn/warmpool/quick?size=1")
        assert server.result("quick", start=start)["start"] == got


def test_flag_wins_over_the_environment():
    with Server(FUNCTIONS, ["--optimized=false"], env={"OPTIMIZED": "true"}) as server:
        server.post("/fn/warmpool/quick?size=1")
        assert server.result("quick")["start"] == "cold"


def test_optimized_without_a_pool_is_cold(optimized):
    assert optimized.result("hold", {"ms": 0})["start"] == "cold"


@pytest.mark.parametrize("start, got", [("", "warm"), ("start=cold&", "cold"),
                                        ("start=warm&", "warm")])
def test_burst_and_chain_start_as_a_call_does(optimized, start, got):
    optimized.post("/fn/warmpool/quick?size=8")
    try:
        burst = optimized.post(f"/fn/burst/quick?{start}count=1").json()
        assert [item["start"] for item in burst["results"]] == [got]
        assert [item.get("warm") for item in burst["results"]] == [
            True if got == "warm" else None]
        chain = optimized.post(f"/fn/chain?{start}", {"chain": ["quick", "calls"]}).json()
        assert [step["result"] for step in chain["steps"]] == [{"start": got}, {"child": got}]
    finally:
        optimized.request("DELETE", "/fn/warmpool/quick")


@pytest.mark.parametrize("start", ["hot", "", "WARM", "cold%20", "true"])
@pytest.mark.parametrize("path", ["/fn/invoke/hash", "/fn/burst/hash", "/fn/chain"])
def test_other_starts_are_refused(server, path, start):
    body = '{"chain":["hash"]}' if path == "/fn/chain" else ""
    reply = server.post(f"{path}?start={start}", body)
    expect_error(reply, 400, "bad_request", "start must be cold or warm")


def test_all_instances_in_use_means_a_cold_start(own, pool):
    pool("hold", 1)
    holder = Background(own, "hold", {"ms": 60000}, "warm", headers={"X-Timeout-Ms": "2000"})
    own.wait_in_flight("hold")
    assert own.result("hold", {"ms": 0}, "warm")["start"] == "cold"
    assert figures(own, "hold") == {"pool_size": 1, "idle": 0, "in_use": 1, "hits": 1, "misses": 1}
    assert holder.reply().status_code == 504


def test_instance_of_a_call_that_ended_while_its_worker_was_busy_is_idle_again(start):
    server = start({**FUNCTIONS, "spins": """return function(params)
  local stop = os.clock() + params.ms / 1000
  while os.clock() < stop do end
  return {}
end"""}, ["--workers", "1"])
    server.post("/fn/warmpool/hold?size=1")
    holder = Background(server, "hold", {"ms": 60000}, "warm", headers={"X-Timeout-Ms": "300"})
    server.wait_in_flight("hold")
    assert server.invoke("spins", {"ms": 800}).status_code == 200
    assert holder.reply().status_code == 504
    wait_until(lambda: figures(server, "hold")["idle"] == 1, "the instance to be idle")
    assert server.result("hold", {"ms": 0}, "warm")["start"] == "warm"


def test_failed_call_is_warm_too(own, pool):
    pool("fails", 1)
    for _ in range(3):
        reply = own.invoke("fails", start="warm")
        expect_error(reply, 500, "function_error", "fails.lua:1: no")
        assert reply.headers["x-start"] == "warm"


# -- Pools -----------------------------------------------------------------------------------------

def test_pool_grows_and_closes(own, pool):
    assert pool("spare", 5).json() == {"function": "spare", "pool_size": 5, "deployed": 5}
    assert pool("spare", 1).json() == {"function": "spare", "pool_size": 6, "deployed": 1}
    assert figures(own, "spare") == {"pool_size": 6, "idle": 6, "in_use": 0, "hits": 0,
                                     "misses": 0}
    assert own.request("DELETE", "/fn/warmpool/spare").json() == {
        "function": "spare", "undeployed": 6}
    assert own.request("DELETE", "/fn/warmpool/spare").json() == {
        "function": "spare", "undeployed": 0}
    assert figures(own, "spare") is None


def test_pool_without_a_size_gets_five(own, pool):
    pool("spare", 1)
    assert own.post("/fn/warmpool/spare").json()["deployed"] == 5


def test_hits_and_misses_are_counted(own, pool):
    pool("calls", 2)
    for _ in range(4):
        own.invoke("calls", start="warm")
    own.invoke("calls", start="cold")
    found = figures(own, "calls")
    assert (found["hits"], found["misses"], found["idle"]) == (4, 0, 2)


@pytest.mark.parametrize("size", ["0", "-1", "x", "", "1.5", "9", "1025", "99999999999999999999"])
def test_pool_of_another_size_is_refused(own, size):
    reply = own.post(f"/fn/warmpool/quick?size={size}")
    expect_error(reply, 400, "bad_request", "size", "quick")
    assert figures(own, "quick") is None


@pytest.mark.parametrize("first, then, status", [(8, None, 200), (7, 1, 200), (7, 2, 400),
                                                 (8, 1, 400)])
def test_pool_has_a_bound_in_all(own, pool, first, then, status):
    reply = pool("quick", first)
    if then:
        assert reply.status_code == 200
        reply = pool("quick", then)
    if status == 400:
        expect_error(reply, 400, "bad_request", "8", "quick")
        assert figures(own, "quick")["pool_size"] == first
    else:
        assert reply.json()["pool_size"] == 8


@pytest.mark.parametrize("size, status", [(1024, 200), (1025, 400)])
def test_default_bound_of_a_pool_is_1024(start, size, status):
    reply = start(FUNCTIONS).post(f"/fn/warmpool/quick?size={size}")
    assert reply.status_code == status
    assert status == 400 or reply.json()["deployed"] == 1024


def test_pool_closed_while_its_instances_are_in_use(start):
    server = start(FUNCTIONS, ["--workers", "1"])
    assert server.post("/fn/warmpool/hold?size=3").json()["deployed"] == 3
    calls = [Background(server, "hold", {"ms": 1500}, "warm") for _ in range(2)]
    wait_until(lambda: figures(server, "hold")["in_use"] == 2, "two in use")
    assert server.request("DELETE", "/fn/warmpool/hold").status_code == 200
    assert [call.reply().json()["start"] for call in calls] == ["warm"] * 2
    assert figures(server, "hold") is None
    assert server.result("hold", {"ms": 0}, "warm")["start"] == "cold"
    assert server.post("/fn/warmpool/hold?size=1").json()["deployed"] == 1
    assert server.result("hold", {"ms": 0}, "warm")["start"] == "warm"


SLOW = "local stop = os.clock() + {seconds} while os.clock() < stop do end\n{more}" + \
       "return function(_, ctx) return {{start = ctx.start}} end"


def test_pool_that_takes_long_is_made_bit_by_bit(start):
    server = start({"slow": SLOW.format(seconds=0.05, more="")},
                   ["--workers", "1", "--timeout-ms", "500", "--load-timeout-ms", "600"])
    pool = Background(server, "/fn/warmpool/slow?size=20", method="post")
    between = 0
    while not pool.is_done():
        between += server.result("hash", {"rounds": 1})["rounds"]
    assert pool.reply().json() == {"function": "slow", "pool_size": 20, "deployed": 20}
    assert between > 5  # other calls had their turn
    assert "worker died" not in server.log()


def test_large_instances_are_closed_bit_by_bit(start):
    server = start({"large": f"local t = {{}}\nfor i = 1, 200000 * {PART} do t[i] = {{i}} end\n"
                             "return function() return {n = #t} end"},
                   ["--workers", "1", "--load-timeout-ms", "2000"])
    assert server.post("/fn/warmpool/large?size=24").json()["deployed"] == 24
    worker, sleeper = server.worker(), Background(server, "sleep", {"ms": 2000})
    server.wait_in_flight("sleep")
    assert server.request("DELETE", "/fn/warmpool/large").json()["undeployed"] == 24
    assert figures(server, "large") is None
    assert sleeper.reply().status_code == 200
    assert server.post("/fn/warmpool/large?size=12").json()["deployed"] == 12
    server.write("large", "return function() return {n = 0} end")  # the old pool goes by itself
    wait_until(lambda: server.result("large", start="warm")["n"] == 0, "the new version")
    wait_until(lambda: (figures(server, "large") or {}).get("idle") == 12, "its pool")
    assert server.worker() == worker


def test_pool_is_asked_for_once_however_often_its_worker_dies(start):
    server = start({"slow": SLOW.format(seconds=0.02, more="")},
                   ["--workers", "1", "--calls-max", "16"])
    pool = Background(server, "/fn/warmpool/slow?size=60", method="post")
    for _ in range(30):
        worker = wait_until(lambda: server.workers() and server.worker(), "a worker")
        time.sleep(0.2)  # the next worker of one that lived shorter may begin after a pause
        os.kill(worker, signal.SIGKILL)
        wait_until(lambda: server.workers() and server.worker() != worker, "the next worker")
        assert server.result("hash", {"rounds": 1})
    assert pool.reply().status_code in (200, 502), pool.reply().text
    wait_until(lambda: (figures(server, "slow") or {}).get("idle") == 60, "the whole pool")


def test_pool_of_a_file_that_hangs_the_second_time_is_given_up(start):
    hangs_at = int(time.time()) + 3
    server = start({"hangs": SLOW.format(
        seconds=0, more=f"if os.time() >= {hangs_at} then while true do end end\n")},
        ["--workers", "2"])
    wait_until(lambda: time.time() > hangs_at + 0.1, "the time at which it hangs")
    reply = server.post("/fn/warmpool/hangs?size=4")
    expect_error(reply, 504, "deadline", "", "hangs")
    assert figures(server, "hangs") is None
    wait_until(lambda: len(server.workers()) == 2, "two workers")
    before = server.workers()
    time.sleep(1)
    assert server.workers() == before, "it is tried for ever"
    assert server.log().count("is given up") == 1


def test_pool_of_a_function_that_does_not_load_is_refused(start):
    server = start({"bad": "return 1"})
    expect_error(server.post("/fn/warmpool/bad"), 503, "function_broken", "", "bad")
