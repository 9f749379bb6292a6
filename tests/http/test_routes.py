# SPDX-License-Identifier: MIT
"""test_routes.py - each route: its reply's keys and headers, its methods, its query values."""

import http.client
import json
import re

import pytest
import requests

from server import Server, expect_error

BUILT_IN = ["compress", "contention", "fanout", "fibonacci", "hash", "matrix", "primes", "regex",
            "sleep", "sort", "transform"]

FUNCTIONS = {
    "show": """
        return function(params, ctx)
          ctx.log("warn", "shown")
          return {call_id = ctx.call_id, name = ctx.function_name, start = ctx.start,
                  traceparent = ctx.traceparent, params = params}
        end""",
    "add": "return function(params) return {n = params.n + 1, kept = params.kept} end",
    "coin": """
        return function()
          if math.random() < 0.5 then
            error("tails")
          end
          return {side = "heads"}
        end""",
    "short": """
        return {timeout_ms = 100, handler = function(_, ctx) ctx.sleep(60000) end}""",
    "small": """
        return {params = {n = {type = "integer", min = 0, max = 3}},
                handler = function(params) return {n = (params.n or 0) + 1} end}""",
}


@pytest.fixture(scope="module", name="own")
def own_server():
    with Server(FUNCTIONS, ["--workers", "2", "--pool-max", "8"]) as running:
        yield running


# -- All routes ------------------------------------------------------------------------------------

@pytest.mark.parametrize("method, path, kind, keys", [
    ("GET", "/health", "text/plain", None),
    ("GET", "/ready", "application/json", {"status", "reasons"}),
    ("GET", "/metrics", "text/plain", None),
    ("POST", "/fn/invoke/hash", "application/json", {"rounds", "hash", "latency_ms"}),
    ("POST", "/fn/burst/hash", "application/json",
     {"function", "count", "total_ms", "succeeded", "failed", "results"}),
    ("GET", "/fn/list", "application/json", {"functions", "details"}),
    ("GET", "/fn/stats", "application/json", set(BUILT_IN)),
    ("POST", "/fn/warmpool/primes?size=1", "application/json",
     {"function", "pool_size", "deployed"}),
    ("DELETE", "/fn/warmpool/primes", "application/json", {"function", "undeployed"}),
    ("GET", "/fn/warmpool", "application/json", set()),
    ("GET", "/health?x=1&y", "text/plain", None),
    ("GET", "/fn/list?", "application/json", {"functions", "details"}),
])
def test_reply_has_the_keys_and_type_of_its_route(server, method, path, kind, keys):
    reply = server.request(method, path)
    assert reply.status_code == 200
    assert reply.headers["content-type"].split(";")[0] == kind
    assert keys is None or set(reply.json()) == keys


def test_health_is_ok_and_ready_has_no_reasons(server):
    assert server.get("/health").text == "OK"
    assert server.get("/ready").json() == {"status": "ready", "reasons": []}


@pytest.mark.parametrize("path", [
    "/health", "/ready", "/fn/list", "/fn/warmpool", "/metrics", "/fn/stats"])
def test_head_is_get_without_the_body(server, path):
    head, get = server.request("HEAD", path), server.get(path)
    assert head.status_code == 200 and head.content == b""
    assert head.headers["content-type"] == get.headers["content-type"]
    if path != "/metrics":  # which differs from one time to the next
        assert head.headers["content-length"] == str(len(get.content))


@pytest.mark.parametrize("method, path, allow", [
    ("POST", "/health", {"GET", "HEAD"}),
    ("DELETE", "/ready", {"GET", "HEAD"}),
    ("PUT", "/metrics", {"GET", "HEAD"}),
    ("POST", "/fn/list", {"GET", "HEAD"}),
    ("PATCH", "/fn/stats", {"GET", "HEAD"}),
    ("POST", "/fn/warmpool", {"GET", "HEAD"}),
    ("DELETE", "/fn/warmpool", {"GET", "HEAD"}),
    ("GET", "/fn/invoke/hash", {"POST"}),
    ("HEAD", "/fn/invoke/hash", {"POST"}),
    ("PUT", "/fn/burst/hash", {"POST"}),
    ("GET", "/fn/chain", {"POST"}),
    ("GET", "/fn/warmpool/hash", {"POST", "DELETE"}),
    ("OPTIONS", "/fn/invoke/hash", {"POST"}),
    ("INVENTED", "/health", {"GET", "HEAD"}),
    ("get", "/health", {"GET", "HEAD"}),
])
def test_other_methods_are_refused_with_those_allowed(server, method, path, allow):
    # requests makes methods upper-case: they go by another way
    reply = server.session.send(prepared(server, method, path), timeout=60)
    assert set(reply.headers["allow"].replace(" ", "").split(",")) == allow
    if method == "HEAD":
        assert reply.status_code == 405
    else:
        expect_error(reply, 405, "method_not_allowed", method)


def prepared(server, method, path):
    request = requests.Request("GET", server.url + path).prepare()
    request.method = method
    return request


@pytest.mark.parametrize("path", [
    "/nope", "/fn", "/fn/", "/fn/invoke", "/fn/invoke/", "/fn/invoke/hash/", "/fn/invoke/hash/x",
    "/fn/list/", "/health/", "/HEALTH", "/fn/chain/", "/fn/warmpool/", "/fn/burst/",
    "/fn/stats/hash", "/healthz", "/fn/invoke//hash"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_other_paths_are_not_found(server, method, path):
    expect_error(server.request(method, path), 404, "not_found", path)


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_two_slashes_are_not_one(server, method):
    """By a client that sends the path as it is: some versions of requests make them one."""
    connection = http.client.HTTPConnection(server.url.removeprefix("http://"))
    connection.request(method, "//health")
    reply = connection.getresponse()
    assert (reply.status, json.loads(reply.read())["code"]) == (404, "not_found")
    connection.close()


@pytest.mark.parametrize("name", ["nope", "HASH", "hash.lua", "%68ash", "..", "hash%00", "-",
                                  "a" * 300])
@pytest.mark.parametrize("route", ["POST /fn/invoke/", "POST /fn/burst/", "POST /fn/warmpool/",
                                   "DELETE /fn/warmpool/"])
def test_unknown_names_are_unknown_functions(server, route, name):
    method, path = route.split()
    # not by requests, which would resolve dots
    with server.connect() as raw:
        raw.sendall(f"{method} {path}{name} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
                    "Content-Length: 0\r\n\r\n".encode())
        reply = b"".join(iter(lambda: raw.recv(65536), b"")).decode()
    status, body = reply.split()[1], reply.partition("\r\n\r\n")[2]
    if name == "..":
        assert status == "404"
    else:
        assert status == "404" and '"code":"unknown_function"' in body
        assert f'"error":"unknown function: {name}"' in body


# -- Headers ---------------------------------------------------------------------------------------

@pytest.mark.parametrize("given, kept", [
    ("a", True), ("order-4711", True), ("x" * 128, True), ("!~:/?#[]@\"'\\", True),
    ("x" * 129, False), ("", False), ("two words", False), ("tab\there", False),
    ("\xe4", False),
])
def test_call_id_is_echoed_if_it_is_visible_and_short(own, given, kept):
    reply = own.invoke("show", headers={"X-Call-Id": given.encode("latin-1")})
    said = reply.headers["x-call-id"]
    assert reply.status_code == 200
    assert (said == given) == kept
    assert said == reply.json()["call_id"]
    assert re.fullmatch(r"[!-~]{1,128}", said)


def test_fresh_call_ids_differ(own):
    ids = {own.invoke("show").headers["x-call-id"] for _ in range(100)}
    assert len(ids) == 100


def test_a_call_tells_its_phases(own):
    reply = own.invoke("sleep", {"ms": 50})
    phases = dict(re.findall(r"(\w+);dur=(\d+\.\d{3,})", reply.headers["server-timing"]))
    assert set(phases) == {"queue", "deploy", "exec", "undeploy"}
    assert float(phases["exec"]) >= 49
    assert float(phases["exec"]) + float(phases["deploy"]) <= reply.json()["latency_ms"] + 1


def test_failed_calls_have_the_headers_too(own):
    reply = own.invoke("add", {})
    expect_error(reply, 500, "function_error", "add.lua:1", "add")
    assert reply.headers["x-start"] == "cold"
    assert reply.headers["server-timing"].count("dur=") == 4


@pytest.mark.parametrize("path, body", [("/fn/burst/show?count=3", None),
                                        ("/fn/chain", {"chain": ["show", "show"]})])
def test_requests_of_several_calls_tell_the_sums_of_their_phases(own, path, body):
    reply = own.post(path, body)
    phases = re.findall(r"(\w+);dur=(\d+\.\d{3,})", reply.headers["server-timing"])
    assert [name for name, _ in phases] == ["queue", "deploy", "exec", "undeploy"]
    assert all(float(value) > 0 for _, value in phases)
    assert reply.headers["x-start"] == "cold"


TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def test_traceparent_reaches_the_function_and_its_log_lines(own):
    reply = own.invoke("show", headers={"traceparent": TRACE, "X-Call-Id": "traced"})
    assert reply.json()["traceparent"] == TRACE
    own.wait_log(f'warn +front function=show call_id="traced" traceparent="{TRACE}" text="shown"')


def test_without_traceparent_the_function_finds_none(own):
    assert "traceparent" not in own.result("show", headers={"X-Call-Id": "plain"})
    own.wait_log('warn +front function=show call_id="plain" text="shown"')


# -- Deadlines -------------------------------------------------------------------------------------

@pytest.mark.parametrize("value", ["1000", "600000", "5000 ", "0001000"])
def test_timeout_header_is_taken(server, value):
    assert server.invoke("hash", headers={"X-Timeout-Ms": value}).status_code == 200


@pytest.mark.parametrize("value", ["0", "-1", "1.5", "x", "", "600001", "1e3", "100ms",
                                   "99999999999999999999", "0x10", "1 0"])
@pytest.mark.parametrize("path", ["/fn/invoke/hash", "/fn/burst/hash", "/fn/chain"])
def test_timeout_header_out_of_range_is_refused(server, path, value):
    reply = server.post(path, headers={"X-Timeout-Ms": value})
    expect_error(reply, 400, "bad_request", "X-Timeout-Ms")


def test_timeout_header_shortens_the_deadline(own):
    reply = own.invoke("sleep", {"ms": 60000}, headers={"X-Timeout-Ms": "50"})
    expect_error(reply, 504, "deadline", "", "sleep")


def test_timeout_header_does_not_lengthen_the_deadline(own):
    reply = own.invoke("short", headers={"X-Timeout-Ms": "600000"})
    expect_error(reply, 504, "deadline", "100 ms", "short")


# -- Burst -----------------------------------------------------------------------------------------

@pytest.mark.parametrize("query, count", [("", 5), ("?count=1", 1), ("?count=1000", 1000),
                                          ("?start=cold&count=2", 2)])
def test_burst_makes_so_many_calls(own, query, count):
    body = own.post(f"/fn/burst/small{query}", {"n": 2}).json()
    assert set(body) == {"function", "count", "total_ms", "succeeded", "failed", "results"}
    assert (body["function"], body["count"], body["succeeded"], body["failed"]) == (
        "small", count, count, 0)
    assert all(set(item) == {"n", "latency_ms"} and item["n"] == 3 for item in body["results"])
    assert len(body["results"]) == count


@pytest.mark.parametrize("count", ["0", "1001", "-1", "", "1.5", "x", "5x", "1e2", "+5", " 5"])
def test_burst_of_another_count_is_refused(server, count):
    reply = server.post(f"/fn/burst/hash?count={count}")
    expect_error(reply, 400, "bad_request", "count must be a whole number from 1 to 1000")


def test_burst_has_failed_calls_as_error_objects(own):
    body = own.post("/fn/burst/coin?count=200").json()
    failed = [item for item in body["results"] if "error" in item]
    assert len(body["results"]) == 200 and 0 < len(failed) < 200
    assert (body["failed"], body["succeeded"]) == (len(failed), 200 - len(failed))
    assert {item["code"] for item in failed} == {"function_error"}
    assert {item["function"] for item in failed} == {"coin"}
    assert len({item["call_id"] for item in failed}) == len(failed)


# -- Chain -----------------------------------------------------------------------------------------

def test_each_result_is_the_next_steps_parameters(own):
    body = own.post("/fn/chain", {"chain": ["add"] * 3, "params": {"n": 1, "kept": [1]}}).json()
    assert set(body) == {"chain_length", "total_ms", "steps"} and body["chain_length"] == 3
    assert all(set(step) == {"function", "latency_ms", "result"} for step in body["steps"])
    assert [step["result"] for step in body["steps"]] == [
        {"n": n, "kept": [1]} for n in (2, 3, 4)]


@pytest.mark.parametrize("body", [
    '{"chain":["small"]}', '{"chain":["small"],"params":{}}',
    '{"chain":[' + ",".join(['"show"'] * 64) + "]}"])
def test_chain_of_so_many_steps_runs(own, body):
    reply = own.post("/fn/chain", body)
    assert reply.status_code == 200
    assert len(reply.json()["steps"]) == reply.json()["chain_length"]


@pytest.mark.parametrize("body, code", [
    ("", "bad_request"), ("{}", "bad_request"), ('{"chain":[]}', "bad_request"),
    ('{"chain":"hash"}', "bad_request"), ('{"chain":{"0":"hash"}}', "bad_request"),
    ('{"chain":["hash",1]}', "bad_request"), ('{"chain":[null]}', "bad_request"),
    ('{"chain":["hash"],"params":[]}', "bad_request"),
    ('{"chain":["hash"],"params":1}', "bad_request"),
    ('{"chain":[' + ",".join(['"hash"'] * 65) + "]}", "bad_request"),
    ('["hash"]', "bad_json"), ("{", "bad_json"),
    ('{"chain":["hash"],"params":{"rounds":-1}}', "bad_params"),
])
def test_chain_that_makes_no_sense_is_refused(server, body, code):
    expect_error(server.post("/fn/chain", body), 400, code)


@pytest.mark.parametrize("chain", [["nope"], ["show", "nope"], ["nope", "show"],
                                   ["show", "show\0x"]])
def test_unknown_function_in_a_chain_is_told_before_any_step_runs(own, chain):
    before = own.stats("show")["invocations"]
    reply = own.post("/fn/chain", {"chain": chain})
    expect_error(reply, 404, "unknown_function", "unknown function in chain: ")
    assert own.stats("show")["invocations"] == before


@pytest.mark.parametrize("chain, params, status, code, done", [
    (["small", "small", "small", "show"], {"n": 2}, 400, "bad_params", 2),  # 2, 3, then 4 is over
    (["show", "short", "show"], {}, 504, "deadline", 1),
    (["show", "add"], {}, 500, "function_error", 1),
    (["add"], {}, 500, "function_error", 0),
])
def test_failed_step_ends_the_chain_and_keeps_the_steps_done(own, chain, params, status, code,
                                                             done):
    reply = own.post("/fn/chain", {"chain": chain, "params": params})
    body = expect_error(reply, status, code, "", chain[done])
    assert body["chain_length"] == len(chain)
    assert [step["function"] for step in body["steps"]] == chain[:done]


# -- List and figures ------------------------------------------------------------------------------

def test_list_has_the_built_in_functions_in_order(server):
    body = server.get("/fn/list").json()
    assert body["functions"] == BUILT_IN
    assert [item["name"] for item in body["details"]] == BUILT_IN
    for item in body["details"]:
        assert set(item) == {"name", "description", "params", "limits", "version", "source",
                             "status", "error", "loaded_at"}
        assert (item["status"], item["error"]) == ("ok", None)
        assert set(item["limits"]) == {"timeout_ms", "memory_mb", "max_concurrency"}
        assert item["source"].endswith(f"/{item['name']}.lua")
        assert re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", item["loaded_at"])
        assert item["description"]


def test_stats_count_the_calls(own):
    def numbers():
        stats = own.stats("add")
        return [stats[key] for key in ("invocations", "errors", "timeouts", "cold", "warm")]

    assert set(own.stats("add")) == {
        "invocations", "avg_latency_ms", "errors", "timeouts", "cold", "warm", "in_flight",
        "p50_ms", "p95_ms", "p99_ms", "max_ms", "peak_bytes"}
    before = numbers()
    own.post("/fn/burst/add?count=3", {"n": 1})
    own.invoke("add", {})
    assert [now - then for now, then in zip(numbers(), before)] == [4, 1, 0, 4, 0]
    stats = own.stats("add")
    assert 0 < stats["p50_ms"] <= stats["p95_ms"] <= stats["p99_ms"] <= stats["max_ms"]
    assert 0 < stats["avg_latency_ms"] <= stats["max_ms"] and stats["in_flight"] == 0
