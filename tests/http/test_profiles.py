# SPDX-License-Identifier: MIT
"""test_profiles.py - /debug/pprof/: what is asked for, who may, how it ends."""

import os
import signal
import subprocess

import pytest

import pprof
from server import SIGNALS_COME_AT_ONCE, Background, Server, expect_error, wait_until
from test_metrics import Scrape

FUNCTIONS = {"echo": "return function(params) return params end"}
NAMES = ["allocs", "mutex", "profile", "wall"]
# value types, period type and its unit, period
TYPES = {
    "profile": ([("samples", "count"), ("cpu", "nanoseconds")], ("cpu", "nanoseconds"), 10**7),
    "wall": ([("wall", "nanoseconds")], ("wall", "nanoseconds"), 10**7),
    "allocs": ([("alloc_objects", "count"), ("alloc_space", "bytes")], ("space", "bytes"), 524288),
    "mutex": ([("contentions", "count"), ("delay", "nanoseconds")], ("contentions", "count"), 1),
}
KEYS = {"profile": "cpu_hz", "wall": "wall_hz", "allocs": "alloc_bytes", "mutex": "lock_ns"}
FLAGS = {"profile": "cpu-hz", "wall": "wall-hz", "allocs": "alloc-bytes", "mutex": "lock-ns"}
MOST_WAITING = 16


@pytest.fixture(scope="module", name="own")
def own_server():
    with Server(FUNCTIONS, ["--workers", "2"]) as running:
        running.result("echo")
        yield running


def path(name, query=""):
    return f"/debug/pprof/{name}{query}"


def waiting(server):
    """Requests that are not answered, without the one that asks."""
    return Scrape(server).value("faas_requests_in_flight") - 1


def ask_and_wait(server, name, count=1, seconds=300):
    """Requests in threads of their own; returns when the server waits for them all."""
    before = waiting(server)
    asked = [Background(server, path(name, f"?seconds={seconds}"), method="get")
             for _ in range(count)]
    wait_until(lambda: waiting(server) == before + count, f"{count} requests to wait")
    return asked


# -- What comes ------------------------------------------------------------------------------------

FILES = [
    ("profile", "?seconds=1", "profile"), ("wall", "?seconds=1", "wall"),
    ("allocs", "", "allocs"), ("allocs", "?seconds=1", "allocs-delta"),
    ("mutex", "", "mutex"), ("mutex", "?seconds=1", "mutex-delta"),
    ("profile", "?seconds=1&function=echo", "profile"),
    ("allocs", "?start=cold", "allocs"), ("allocs", "?start=warm&function=echo", "allocs"),
    ("mutex", "?debug=0&gc=1", "mutex"),
]


@pytest.fixture(scope="module", name="replies")
def replies_at_once(own):
    asked = {(name, query): Background(own, path(name, query), method="get")
             for name, query, _ in FILES}
    return {key: one.reply() for key, one in asked.items()}


@pytest.mark.parametrize("name, query, file", FILES)
def test_reply_is_a_file_of_its_type(replies, name, query, file):
    reply = replies[name, query]
    assert reply.status_code == 200
    assert reply.headers["content-type"] == "application/octet-stream"
    assert reply.headers["content-disposition"] == f'attachment; filename="{file}"'
    assert reply.headers["x-content-type-options"] == "nosniff"
    assert "content-encoding" not in reply.headers
    profile = pprof.decode(reply.content)
    assert (pprof.value_types(profile), pprof.period_type(profile), profile.period) == TYPES[name]
    assert profile.time_nanos > 0
    assert ("seconds=1" not in query) or profile.duration_nanos >= 9 * 10**8


def test_list_names_each_profile(own):
    reply = own.get("/debug/pprof/")
    assert reply.status_code == 200
    profiles = reply.json()["profiles"]
    assert [item["name"] for item in profiles] == NAMES
    for item in profiles:
        assert item["path"] == path(item["name"]) and item["description"] and item["on"] is True


def test_head_is_without_a_body(own):
    reply = own.request("HEAD", path("allocs"))
    assert (reply.status_code, reply.content) == (200, b"")
    assert reply.headers["content-type"] == "application/octet-stream"


# -- What it says ----------------------------------------------------------------------------------

@pytest.fixture(scope="module", name="busy")
def busy_server():
    """Has served some calls. Allocations are sampled without signals, so in every build; each call
    has some twenty samples, which the rings have room for."""
    with Server(FUNCTIONS, ["--workers", "2", "--profile-alloc-bytes", "65536"]) as running:
        running.post("/fn/warmpool/transform?size=1")
        for kind in ("cold", "warm"):
            serve(running, kind)
        yield running


def serve(server, kind):
    for name in ("sort", "transform"):
        server.result(name, {"size": 20000 if name == "sort" else 5000}, kind)


def allocated(server, query="", **labels):
    return pprof.totals(pprof.decode(server.get(path("allocs", query)).content), **labels)


def test_samples_are_labelled_by_function_and_start(busy):
    seen = pprof.labels(pprof.decode(busy.get(path("allocs")).content))
    for wanted in [("sort", "cold"), ("transform", "cold"), ("transform", "warm")]:
        assert {"function": wanted[0], "start": wanted[1]} in seen
    assert {key for labels in seen for key in labels} == {"function", "start"}


@pytest.mark.parametrize("wanted", [
    {"function": "sort"}, {"start": "cold"}, {"start": "warm"},
    {"function": "transform", "start": "warm"}, {"function": "transform", "start": "cold"},
    {"function": "hash", "start": "warm"}])
def test_filters_leave_only_what_they_name(busy, wanted):
    query = "?" + "&".join("=".join(pair) for pair in wanted.items())
    profile = pprof.decode(busy.get(path("allocs", query)).content)
    assert all(wanted.items() <= labels.items() for labels in pprof.labels(profile))
    assert pprof.totals(profile) == allocated(busy, **wanted)
    assert (pprof.totals(profile) != [0, 0]) == (wanted.get("function") != "hash")


def test_cumulative_grows_and_a_delta_has_only_what_comes_meanwhile(busy):
    before = allocated(busy)
    assert min(before) > 0
    assert allocated(busy, "?seconds=1") == [0, 0]
    assert allocated(busy) == before
    asked = Background(busy, path("allocs", "?seconds=2"), method="get")
    wait_until(lambda: waiting(busy) == 1, "the window to begin")
    while not asked.is_done():
        serve(busy, "cold")
    delta = pprof.totals(pprof.decode(asked.reply().content))
    after = allocated(busy)
    assert all(0 < new <= now - old for new, now, old in zip(delta, after, before))


def test_rates_that_are_put_are_obeyed(start):
    server = start(FUNCTIONS, ["--workers", "1"])
    before = allocated(server)
    server.request("PUT", "/debug/profiling", json={"alloc_bytes": 0})
    serve(server, "cold")
    server.request("PUT", "/debug/profiling", json={"alloc_bytes": 65536})
    assert allocated(server) == before
    wait_until(lambda: serve(server, "cold") or allocated(server) != before, "samples to come")


def test_period_is_that_of_the_rate(start):
    server = start(FUNCTIONS, ["--workers", "1", "--profile-wall-hz", "50"])
    server.request("PUT", "/debug/profiling", json={"cpu_hz": 250, "alloc_bytes": 1000})
    asked = {name: Background(server, path(name, "?seconds=1"), method="get") for name in NAMES}
    periods = {name: pprof.decode(one.reply().content).period for name, one in asked.items()}
    assert periods == {"profile": 4000000, "wall": 20000000, "allocs": 1000, "mutex": 1}


@pytest.mark.skipif(not SIGNALS_COME_AT_ONCE, reason="ticks are signals")
def test_processor_time_is_that_of_lines(start):
    server = start(FUNCTIONS, ["--workers", "1", "--profile-cpu-hz", "1000"])
    asked = Background(server, path("profile", "?seconds=1&function=hash"), method="get")
    while not asked.is_done():
        server.result("hash")
    profile = pprof.decode(asked.reply().content)
    ticks, spent_ns = pprof.totals(profile, function="hash", start="cold")
    assert ticks > 0 and spent_ns > 0
    assert {"worker", "invoke:hash", "run"} <= pprof.names(profile)
    scrape = Scrape(server)
    assert scrape.value("faas_profile_ticks_total") >= ticks
    assert scrape.value("faas_profile_samples_total") > 0
    assert scrape.value("faas_profile_handler_seconds_total") > 0


def test_front_and_supervisor_are_in_it(start):
    server = start(FUNCTIONS, ["--workers", "1", "--profile-cpu-hz", "1000"])
    seen = set()

    def is_seen():
        asked = Background(server, path("profile", "?seconds=1"), method="get")
        while not asked.is_done():
            server.post("/fn/burst/echo?count=100")
            for _ in range(100):
                os.kill(server.supervisor, signal.SIGCHLD)  # it looks whether any child ended
        profile = pprof.decode(asked.reply().content)
        seen.update(pprof.names(profile))
        return {"front", "loop", "supervisor"} <= seen and {} in pprof.labels(profile)

    wait_until(is_seen, "samples of all processes")
    filtered = pprof.decode(server.get(path("profile", "?seconds=1&function=echo")).content)
    assert not {"front", "supervisor"} & pprof.names(filtered)


def test_delay_is_what_calls_say_that_they_waited(start):
    server = start(flags=["--workers", "2", "--profile-lock-ns", "1"])
    said = [server.result("contention", {"iterations": 500}) for _ in range(5)]
    profile = pprof.decode(server.get(path("mutex")).content)
    waits, delay_ns = map(sum, zip(*(sample.value for sample in profile.sample)))
    assert waits == sum(one["waits"] for one in said) > 0
    assert delay_ns == pytest.approx(1e6 * sum(one["waited_ms"] for one in said), rel=1e-6)


def test_sleepers_are_seen_while_they_sleep(start):
    server = start(flags=["--workers", "1"])
    clients = [server.connect() for _ in range(3)]
    for client in clients:
        client.sendall(b"POST /fn/invoke/sleep HTTP/1.1\r\nHost: localhost\r\n"
                       b"Content-Length: 12\r\n\r\n{\"ms\":60000}")
    server.wait_in_flight("sleep", 3)

    def slept():
        query = "?seconds=1&function=sleep&start=cold"
        return pprof.totals(pprof.decode(server.get(path("wall", query)).content))[0]

    assert wait_until(slept, "a sample") >= 10**9
    server.wait_in_flight("sleep", 3)
    for client in clients:
        client.close()


# -- What makes no sense ---------------------------------------------------------------------------

@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("seconds", ["0", "301", "-1", "", "x", "1.5", "1s", "99999999999999999999"])
def test_seconds_are_1_to_300(own, name, seconds):
    reply = own.get(path(name, f"?seconds={seconds}"))
    expect_error(reply, 400, "bad_request", "seconds must be a whole number from 1 to 300")


@pytest.mark.parametrize("query, status, code, text", [
    ("?start=hot", 400, "bad_request", "cold or warm"),
    ("?start=none", 400, "bad_request", "cold or warm"),
    ("?start=", 400, "bad_request", "cold or warm"),
    ("?function=nobody", 404, "unknown_function", "unknown function: nobody"),
    ("?function=", 404, "unknown_function", "unknown function: "),
    ("?function=" + "x" * 1000, 404, "unknown_function", "unknown function: xxx"),
])
def test_filters_that_name_nothing_are_refused(own, query, status, code, text):
    for name in NAMES:
        expect_error(own.get(path(name, query)), status, code, text)


@pytest.mark.parametrize("name", ["heap", "PROFILE", "profile2", "profile.gz"])
def test_other_profiles_are_not_there(own, name):
    expect_error(own.get(path(name)), 404, "not_found", "allocs, mutex, profile and wall")


def test_routes_have_their_methods_and_ends(own):
    for where in ("/debug/pprof/", path("wall")):
        reply = own.post(where)
        expect_error(reply, 405, "method_not_allowed")
        assert reply.headers["allow"] == "GET, HEAD"
    for where in ("/debug/pprof", path("wall/"), path("a/b"), "/debug/", "/debug"):
        expect_error(own.get(where), 404, "not_found", "there is nothing at")


# -- Switched off ----------------------------------------------------------------------------------

@pytest.mark.parametrize("name", NAMES)
def test_what_is_off_says_what_switches_it_on(start, name):
    server = start(flags=["--workers", "1", f"--profile-{FLAGS[name]}", "0"])
    body = expect_error(server.get(path(name)), 404, "not_found", "these samples are off")
    assert f"--profile-{FLAGS[name]}," in body["error"] and f"{KEYS[name]} in" in body["error"]
    listed = {item["name"]: item["on"] for item in server.get("/debug/pprof/").json()["profiles"]}
    assert listed == {other: other != name for other in NAMES}
    assert server.request("PUT", "/debug/profiling", json={KEYS[name]: 1}).status_code == 200
    asked = ask_and_wait(server, name) if name in ("profile", "wall") else []
    assert asked or server.get(path(name)).status_code == 200


# -- Waiting ---------------------------------------------------------------------------------------

def test_loop_serves_on_while_profiles_are_waited_for(start):
    server = start(FUNCTIONS, ["--workers", "1"])
    asked = ask_and_wait(server, "profile", seconds=2)
    assert server.result("echo", {"a": 1})["a"] == 1
    assert asked[0].reply().status_code == 200


def test_too_many_at_once_are_refused(start):
    server = start(FUNCTIONS, ["--workers", "1"])
    asked = ask_and_wait(server, "wall", MOST_WAITING)
    for where in (path("allocs"), "/debug/flame"):
        expect_error(server.get(where), 503, "queue_full", "too many profiles")
    assert server.result("echo", {"a": 1})["a"] == 1
    os.kill(server.pid, signal.SIGTERM)
    for one in asked:
        expect_error(one.reply(), 503, "draining", "stopping")
    server.wait_ended()


def leave(server, raw, name, query):
    before = waiting(server)
    raw.sendall(f"GET {path(name, query)} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    wait_until(lambda: waiting(server) == before + 1, "the request to wait")
    raw.close()
    wait_until(lambda: waiting(server) == before, "the request to be forgotten")


def test_client_that_leaves_is_forgotten(start):
    server = start(FUNCTIONS, ["--workers", "1"])
    for name in NAMES:
        leave(server, server.connect(), name, "?seconds=1")
    leave(server, server.connect(), "wall", "?seconds=300")
    assert server.get(path("wall", "?seconds=2")).status_code == 200  # the first ones are done
    assert server.result("echo", {"a": 1})["a"] == 1


def test_clients_that_leave_make_room(start):
    server = start(FUNCTIONS, ["--workers", "1"])
    clients = [server.connect() for _ in range(MOST_WAITING)]
    for client in clients:
        client.sendall(f"GET {path('wall', '?seconds=300')} HTTP/1.1\r\n"
                       "Host: localhost\r\n\r\n".encode())
    wait_until(lambda: waiting(server) == MOST_WAITING, "the requests to wait")
    expect_error(server.get(path("allocs")), 503, "queue_full", "too many profiles")
    for client in clients:
        client.close()
    wait_until(lambda: waiting(server) == 0, "the requests to be forgotten")
    assert server.get(path("allocs")).status_code == 200


def test_client_that_leaves_by_http2_is_forgotten(start):
    server = start(FUNCTIONS, ["--workers", "1", "--http2"])
    client = subprocess.Popen(["curl", "-s", "--http2-prior-knowledge",
                               server.url + path("wall", "?seconds=300")])
    wait_until(lambda: waiting(server) == 1, "the request to wait")
    client.kill()
    client.wait()
    wait_until(lambda: waiting(server) == 0, "the request to be forgotten")
    assert server.get(path("allocs")).status_code == 200


def test_drain_answers_those_who_wait_at_once_and_those_who_come(start):
    server = start(FUNCTIONS, ["--workers", "1"])
    gone = server.connect()
    leave(server, gone, "wall", "?seconds=300")
    asked = [one for name in NAMES for one in ask_and_wait(server, name)]
    call = Background(server, "sleep", {"ms": 1000})
    server.wait_in_flight("sleep")
    os.kill(server.pid, signal.SIGTERM)
    for one in asked:
        expect_error(one.reply(), 503, "draining", "stopping")
    expect_error(server.get(path("allocs")), 503, "draining", "stopping")
    assert call.reply().status_code == 200
    server.wait_ended()


def test_reload_lets_profiles_end(start):
    server = start(FUNCTIONS, ["--workers", "1"])
    asked = ask_and_wait(server, "profile", seconds=2)
    server.reload()
    assert asked[0].reply().status_code == 200
    assert server.get(path("allocs")).status_code == 200
