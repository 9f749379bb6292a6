# SPDX-License-Identifier: MIT
"""test_flame.py - /debug/flame: trees of what was sampled lately, and the calls they are of."""

import time

import pytest

from server import SIGNALS_COME_AT_ONCE, Server, expect_error, wait_until

FUNCTIONS = {
    "echo": "return function(params) return params end",
    "grow": """
        return function()
          local list = {}
          for i = 1, 20000 do
            list[i] = {i}
          end
          return {size = #list}
        end""",
    "fail": "return function() error('failed') end",
}
UNITS = {"cpu": "nanoseconds", "wall": "nanoseconds", "alloc": "bytes", "mutex": "nanoseconds"}


def flame(server, query=""):
    reply = server.get(f"/debug/flame{query}")
    assert reply.status_code == 200, reply.text
    return reply.json()


def walk(graph):
    """(path of names, own value) of each node, the root first."""
    waiting = [((), graph["root"])]
    while waiting:
        path, (frame, own, children) = waiting.pop()
        path += (graph["frames"][frame],)
        yield path, own
        waiting += [(path, child) for child in children]


def check(graph):
    nodes = list(walk(graph))
    assert graph["frames"][0] == "all" and nodes[0][0] == ("all",)
    assert len({path for path, _ in nodes}) == len(nodes) <= 16000
    assert {name for path, _ in nodes for name in path} == set(graph["frames"])
    assert sum(own for _, own in nodes) == graph["total"]
    assert graph["seconds"] == pytest.approx((graph["to"] - graph["from"]) / 1000)
    return graph


@pytest.fixture(scope="module", name="busy")
def busy_server():
    """Has served some calls. Allocations are sampled without signals, so in every build."""
    begun = time.time()
    with Server(FUNCTIONS, ["--workers", "2", "--profile-alloc-bytes", "65536"]) as running:
        running.begun = begun
        running.post("/fn/warmpool/grow?size=1")
        for start, count in (("cold", 3), ("warm", 4)):
            for _ in range(count):
                running.result("grow", start=start)
        running.result("echo")
        running.invoke("fail")
        yield running


# -- What comes ------------------------------------------------------------------------------------

@pytest.mark.parametrize("kind", UNITS)
def test_each_type_is_a_tree_of_all_that_is_kept(busy, kind):
    graph = check(flame(busy, f"?type={kind}"))
    assert set(graph) == {"type", "unit", "from", "to", "seconds", "calls", "total", "frames",
                          "root"}
    assert (graph["type"], graph["unit"]) == (kind, UNITS[kind])
    assert busy.begun * 1000 - 1 <= graph["from"] <= graph["to"] <= time.time() * 1000 + 1
    assert graph["calls"] == 9


def test_processor_time_is_what_is_told_of_where_nothing_is_asked_for(busy):
    assert flame(busy)["type"] == "cpu"


def test_head_is_without_a_body(busy):
    reply = busy.request("HEAD", "/debug/flame")
    assert (reply.status_code, reply.content) == (200, b"")
    assert reply.headers["content-type"] == "application/json"


def test_stacks_are_those_of_pprof(busy):
    graph = check(flame(busy, "?type=alloc&function=grow"))
    paths = [path for path, own in walk(graph) if own]
    assert graph["total"] > 10**6
    assert all(path[:3] == ("all", "worker", "invoke:grow") for path in paths)
    assert any("run" in path and path[-1].startswith("grow.lua:") for path in paths)


def test_filters_leave_what_they_name_and_their_calls(busy):
    graphs = {query: check(flame(busy, f"?type=alloc{query}")) for query in [
        "", "&start=cold", "&start=warm", "&function=grow", "&function=grow&start=cold",
        "&function=grow&start=warm", "&function=echo", "&function=hash"]}
    calls = {query: graph["calls"] for query, graph in graphs.items()}
    assert calls == {"": 9, "&start=cold": 5, "&start=warm": 4, "&function=grow": 7,
                     "&function=grow&start=cold": 3, "&function=grow&start=warm": 4,
                     "&function=echo": 1, "&function=hash": 0}
    total = {query: graph["total"] for query, graph in graphs.items()}
    assert total["&function=grow"] == (total["&function=grow&start=cold"]
                                       + total["&function=grow&start=warm"])
    assert min(total["&function=grow&start=warm"], total["&function=grow&start=cold"]) > 0
    assert total["&function=grow"] <= total[""]


@pytest.mark.skipif(not SIGNALS_COME_AT_ONCE, reason="ticks are signals")
def test_processor_time_is_in_lines(start):
    server = start(FUNCTIONS, ["--workers", "1", "--profile-cpu-hz", "1000"])

    def names():
        server.result("hash")
        return {name for path, own in walk(check(flame(server, "?function=hash")))
                for name in path if own}

    wait_until(lambda: {"worker", "invoke:hash", "run"} <= names(), "samples of hash")
    assert any(name.startswith("hash.lua:") for name in names())


def test_waiting_and_locks_are_seen(start):
    server = start(FUNCTIONS, ["--workers", "1", "--profile-lock-ns", "1000"])
    server.post("/fn/burst/sleep?count=3", {"ms": 100})
    # a sleeper is counted once a second, or when it wakes
    wait_until(lambda: flame(server, "?type=wall&function=sleep")["total"], "the sleepers")

    def contend():
        server.result("contention", {"threads": 8, "iterations": 500})
        return flame(server, "?type=mutex&function=contention")["total"]

    wait_until(contend, "somebody to wait for a lock")


# -- Ranges ----------------------------------------------------------------------------------------

def test_the_last_seconds_are_answered_at_once_from_what_is_kept(start):
    server = start(FUNCTIONS, ["--workers", "1", "--profile-alloc-bytes", "65536"])
    for _ in range(5):
        server.result("grow")
    whole = flame(server, "?type=alloc&function=grow")
    assert whole["calls"] == 5 and whole["total"] > 0
    # windows are of five seconds: what came is in the one that goes on, then in the one before it
    late = wait_until(lambda: (graph := flame(server, "?type=alloc&function=grow&seconds=1"))
                      and graph["calls"] == 0 and graph, "it to be long ago")
    assert late["total"] == 0 and check(late)["from"] > whole["from"]
    again = flame(server, "?type=alloc&function=grow&seconds=3600")
    assert (again["calls"], again["total"]) == (5, whole["total"])
    assert again["from"] == pytest.approx(whole["from"], abs=10)
    server.result("grow")
    assert flame(server, "?type=alloc&function=grow&seconds=1")["calls"] == 1
    assert flame(server, "?type=alloc&function=grow")["calls"] == 6


def test_calls_are_those_of_the_figures(start):
    server = start(FUNCTIONS, ["--workers", "2"])
    server.post("/fn/burst/echo?count=200")
    server.post("/fn/chain", {"chain": ["echo", "echo", "fail"]})
    server.result("fanout", {"count": 3, "function": "echo", "params": {}})
    for name, stats in server.get("/fn/stats").json().items():
        calls = {start: flame(server, f"?function={name}&start={start}")["calls"]
                 for start in ("cold", "warm")}
        assert calls == {start: stats[start] for start in calls}
        assert flame(server, f"?function={name}")["calls"] == stats["invocations"]
    assert flame(server)["calls"] == 207


def test_a_function_that_comes_back_goes_on(start):
    server = start({"f": FUNCTIONS["echo"]})
    server.result("f")
    (server.folder / "f.lua").unlink()
    wait_until(lambda: not server.detail("f"), "it to be gone")
    assert flame(server)["calls"] == 1
    expect_error(server.get("/debug/flame?function=f"), 404, "unknown_function")
    server.write("f", FUNCTIONS["echo"])
    wait_until(lambda: server.detail("f"), "it to be back")
    server.result("f")
    assert flame(server, "?function=f")["calls"] == 2


def test_what_is_off_is_an_empty_tree(start):
    server = start(FUNCTIONS, ["--workers", "1", "--profile-alloc-bytes", "0"])
    server.result("grow")
    graph = check(flame(server, "?type=alloc"))
    assert (graph["total"], graph["calls"], graph["root"]) == (0, 1, [0, 0, []])


# -- What makes no sense ---------------------------------------------------------------------------

@pytest.mark.parametrize("query, status, code, text", [
    ("type=heap", 400, "bad_request", 'type must be cpu, wall, alloc or mutex, not "heap"'),
    ("type=", 400, "bad_request", "type must be cpu, wall, alloc or mutex"),
    ("seconds=0", 400, "bad_request", "seconds must be a whole number from 1 to 3600"),
    ("seconds=3601", 400, "bad_request", "seconds must be a whole number from 1 to 3600"),
    ("seconds=", 400, "bad_request", "seconds must be a whole number from 1 to 3600"),
    ("seconds=1.5", 400, "bad_request", "seconds must be a whole number from 1 to 3600"),
    ("start=hot", 400, "bad_request", "start must be cold or warm"),
    ("function=nobody", 404, "unknown_function", "unknown function: nobody"),
])
def test_values_that_make_no_sense_are_refused(busy, query, status, code, text):
    expect_error(busy.get(f"/debug/flame?{query}"), status, code, text)


def test_other_methods_are_told_which_there_are(busy):
    reply = busy.post("/debug/flame")
    expect_error(reply, 405, "method_not_allowed")
    assert reply.headers["allow"] == "GET, HEAD"
