# SPDX-License-Identifier: MIT
"""test_profiling.py - the profiler's rates: set at the start, shown, changed while it runs."""

import pytest

from server import Server, expect_error

DEFAULTS = {"cpu_hz": 100, "wall_hz": 100, "alloc_bytes": 524288, "lock_ns": 10000000}
MOST = {"cpu_hz": 1000, "wall_hz": 1000, "alloc_bytes": 1 << 30, "lock_ns": 60000000000}
PATH = "/debug/profiling"


@pytest.fixture(scope="module", name="own")
def own_server():
    with Server(flags=["--workers", "2"]) as running:
        yield running


def change(server, body):
    return server.request("PUT", PATH, data=body) if isinstance(body, str) else \
        server.request("PUT", PATH, json=body)


def rates(server):
    reply = server.get(PATH)
    assert reply.status_code == 200
    return reply.json()


def test_defaults(server):
    assert rates(server) == DEFAULTS


@pytest.mark.parametrize("flags, env, expected", [
    (["--profile-cpu-hz", "7"], {}, {"cpu_hz": 7}),
    (["--profile-wall-hz", "0"], {}, {"wall_hz": 0}),
    (["--profile-lock-ns=3"], {"PYROSCOPE_PROFILER_ALLOC": "2k"},
     {"alloc_bytes": 2048, "lock_ns": 3}),
    ([], {"PYROSCOPE_PROFILER_ALLOC": "0", "PYROSCOPE_PROFILER_LOCK": "1ms"},
     {"alloc_bytes": 0, "lock_ns": 1000000}),
])
def test_settings_are_where_it_starts(start, flags, env, expected):
    assert rates(start(flags=["--workers", "1", *flags], env=env)) == {**DEFAULTS, **expected}


@pytest.mark.parametrize("body", [
    {}, "", {"cpu_hz": 0}, {"cpu_hz": 1, "wall_hz": 2, "alloc_bytes": 3, "lock_ns": 4}, MOST,
    '{"cpu_hz": 1e2}', DEFAULTS])
def test_what_is_put_is_what_there_is(own, body):
    before = rates(own)
    reply = change(own, body)
    assert reply.status_code == 200
    changes = {"cpu_hz": 100} if isinstance(body, str) and body else body or {}
    assert reply.json() == rates(own) == {**before, **changes}


@pytest.mark.parametrize("name, most", MOST.items())
@pytest.mark.parametrize("over", [True, False])
def test_past_the_bounds_nothing_changes(own, name, most, over):
    before = rates(own)
    other = "lock_ns" if name != "lock_ns" else "cpu_hz"
    reply = change(own, {other: 5, name: most + 1 if over else -1})
    expect_error(reply, 400, "bad_params", f"{name} must be a whole number from 0 to {most}")
    assert rates(own) == before


@pytest.mark.parametrize("body, code, text", [
    ({"cpu_hz": 1.5}, "bad_params", "cpu_hz"), ({"cpu_hz": "1"}, "bad_params", "cpu_hz"),
    ({"cpu_hz": None}, "bad_params", "cpu_hz"), ({"cpu_hz": True}, "bad_params", "cpu_hz"),
    ('{"cpu_hz":1e300}', "bad_params", "cpu_hz"), ({"hz": 1}, "bad_params", "\"hz\" is no rate"),
    ({"x" * 1000: 1}, "bad_params", "cpu_hz, wall_hz, alloc_bytes and lock_ns"),
    ("[]", "bad_json", "object"), ("{", "bad_json", "JSON"),
    ('{"cpu_hz":1,"cpu_hz":2}', "bad_json", "JSON"),
])
def test_what_makes_no_sense_changes_nothing(own, body, code, text):
    before = rates(own)
    expect_error(change(own, body), 400, code, text)
    assert rates(own) == before


def test_other_methods_are_told_which_there_are(own):
    reply = own.post(PATH)
    expect_error(reply, 405, "method_not_allowed")
    assert reply.headers["allow"] == "GET, HEAD, PUT"
