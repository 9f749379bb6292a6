# SPDX-License-Identifier: MIT
"""test_walkthrough.py - what a newcomer types, as typed."""

import json

import pytest

NAMES = ["fibonacci", "transform", "hash", "sort", "sleep", "matrix", "regex", "compress", "primes",
         "contention", "fanout"]


def succeed(reply):
    assert reply.status_code == 200, reply.text
    assert reply.headers["content-type"] == "application/json"
    return reply.json()


@pytest.mark.parametrize("body", [None, "", "{}", " \n"])
@pytest.mark.parametrize("name", NAMES)
def test_every_function_needs_no_parameters(server, name, body):
    assert "latency_ms" in succeed(server.post(f"/fn/invoke/{name}", body))


@pytest.mark.parametrize("name, body, expected", [
    ("hash", '{"rounds":5000}', {"rounds": 5000}),
    ("matrix", '{"dim":150}', {"dim": 150}),
    ("primes", '{"limit":500000}', {"limit": 500000, "primes_found": 41538}),
    ("sort", '{"size":100000}', {"sorted": 100000}),
    ("transform", '{"size":100000}', {"processed": 100000}),
    ("compress", '{"size":100000}', {"input_bytes": 100000}),
    ("regex", '{"count":10000}', {"tested": 10000, "matches": 3334}),
    ("contention", '{"threads":8,"iterations":300}', {"threads": 8, "iterations": 300}),
    ("fanout", '{"count":5,"function":"hash"}', {"fanout": 5}),
    ("fibonacci", '{"n":30}', {"n": 30, "result": 832040}),
    ("sleep", '{"ms":20}', {"slept_ms": 20}),
])
def test_parameters_as_typed(server, name, body, expected):
    result = succeed(server.post(f"/fn/invoke/{name}", body,
                                 headers={"Content-Type": "application/json"}))
    assert {key: result[key] for key in expected} == expected


@pytest.mark.parametrize("content_type", ["application/x-www-form-urlencoded", "text/plain", ""])
def test_the_content_type_does_not_matter(server, content_type):
    reply = server.post("/fn/invoke/hash", '{"rounds":7}', headers={"Content-Type": content_type})
    assert succeed(reply)["rounds"] == 7


@pytest.mark.parametrize("name, count", [("hash", 10), ("primes", 5), ("matrix", 3)])
def test_burst(server, name, count):
    body = succeed(server.post(f"/fn/burst/{name}?count={count}"))
    assert (body["function"], body["count"], body["succeeded"], body["failed"]) == (
        name, count, count, 0)
    assert len(body["results"]) == count


@pytest.mark.parametrize("chain", [["hash", "sort", "fibonacci"], ["regex", "compress", "primes"]])
def test_chain(server, chain):
    body = succeed(server.post("/fn/chain", json.dumps({"chain": chain, "params": {}})))
    assert body["chain_length"] == 3
    assert [step["function"] for step in body["steps"]] == chain
    assert all(step["result"] for step in body["steps"])


def test_fanout_gives_each_childs_result(server):
    results = succeed(server.post("/fn/invoke/fanout", '{"count":5,"function":"hash"}'))["results"]
    assert len({item["hash"] for item in results}) == 5
    assert {item["rounds"] for item in results} == {1000}


def test_list_and_stats_know_every_function(server):
    assert sorted(succeed(server.get("/fn/list"))["functions"]) == sorted(NAMES)
    assert set(succeed(server.get("/fn/stats"))) == set(NAMES)


def test_warm_pool_is_deployed_used_and_closed(server):
    assert succeed(server.post("/fn/warmpool/hash?size=5")) == {
        "function": "hash", "pool_size": 5, "deployed": 5}
    try:
        assert succeed(server.get("/fn/warmpool"))["hash"]["idle"] == 5
        assert succeed(server.post("/fn/invoke/hash?start=warm"))["warm"] is True
    finally:
        closed = server.request("DELETE", "/fn/warmpool/hash")
    assert succeed(closed) == {"function": "hash", "undeployed": 5}
    assert succeed(server.get("/fn/warmpool")) == {}
