# SPDX-License-Identifier: MIT
"""test_params.py - every declared parameter of the built-in functions, at its bounds and past."""

import pytest

from server import Server, expect_error

# The contract's own words: (function, parameter, least, most, unit of the bounds).
BOUNDS = [
    ("fibonacci", "n", 0, 45, ""),
    ("transform", "size", 0, 1000000, ""),
    ("hash", "rounds", 0, 10000000, ""),
    ("hash", "input", None, 65536, "bytes"),
    ("sort", "size", 1, 1000000, ""),
    ("sleep", "ms", 0, 60000, ""),
    ("matrix", "dim", 1, 1024, ""),
    ("regex", "count", 0, 1000000, ""),
    ("compress", "size", 0, 67108864, ""),
    ("primes", "limit", 0, 100000000, ""),
    ("contention", "threads", 1, 64, ""),
    ("contention", "iterations", 0, 100000, ""),
    ("fanout", "count", 1, 256, ""),
    ("fanout", "function", None, 64, "bytes"),
    ("fanout", "params", None, None, ""),
]
NUMBERS = [row[:4] for row in BOUNDS if row[2] is not None]
TEXTS = [(name, param, most) for name, param, _, most, unit in BOUNDS if unit]

# Those whose upper bound takes seconds; they are only begun.
SLOW = {("fibonacci", "n"), ("sleep", "ms"), ("transform", "size"), ("compress", "size")}


@pytest.fixture(scope="module", name="own")
def own_server():
    """Calls that are cut off at their deadline may cost their worker; not the shared server's."""
    with Server(flags=["--workers", "2"]) as running:
        yield running


def test_the_functions_declare_these_bounds_and_no_others(server):
    declared = {(item["name"], name, spec.get("min"), spec.get("max"))
                for item in server.get("/fn/list").json()["details"]
                for name, spec in item["params"].items()}
    assert declared == {row[:4] for row in BOUNDS}


@pytest.mark.parametrize("name, param, least, most", NUMBERS)
def test_lower_bound_is_taken(server, name, param, least, most):
    server.result(name, {param: least})


@pytest.mark.parametrize("name, param, least, most", NUMBERS)
def test_upper_bound_is_taken(own, name, param, least, most):
    if (name, param) in SLOW:
        reply = own.invoke(name, {param: most}, headers={"X-Timeout-Ms": "5"})
        expect_error(reply, 504, "deadline", "", name)
    else:
        own.result(name, {param: most, **({"threads": 1} if param == "iterations" else {})})


@pytest.mark.parametrize("name, param, most", TEXTS)
def test_longest_text_is_taken(server, name, param, most):
    assert server.invoke(name, {param: "x" * most}).status_code == 200
    assert server.invoke(name, {param: ""}).status_code == 200


@pytest.mark.parametrize("name, param, least, most", NUMBERS)
def test_past_the_bounds_is_refused_with_both_named(server, name, param, least, most):
    for value in (least - 1, most + 1, -1e300, 1e300):
        reply = server.invoke(name, {param: value})
        body = expect_error(reply, 400, "bad_params", f"parameter {param} ", name)
        assert f"between {least} and {most}" in body["error"]


@pytest.mark.parametrize("name, param, most", TEXTS)
@pytest.mark.parametrize("unit", ["x", "ä"])
def test_longer_text_is_refused_counted_in_bytes(server, name, param, most, unit):
    reply = server.invoke(name, {param: unit * (most // len(unit.encode()) + 1)})
    body = expect_error(reply, 400, "bad_params", f"parameter {param} ", name)
    assert f"at most {most} bytes" in body["error"]


WRONG = {
    "number": ["1", "", "ten", True, False, [], [1], {}, {"value": 1}],
    "text": [1, 0, 1.5, True, [], ["x"], {}],
    "object": [1, "x", True, [], [1]],
}
ROWS = [(name, param, value) for name, param, least, _, unit in BOUNDS
        for value in WRONG["text" if unit else "number" if least is not None else "object"]]


@pytest.mark.parametrize("name, param, value", ROWS)
def test_another_type_is_refused_with_the_parameter_named(server, name, param, value):
    reply = server.invoke(name, {param: value})
    expect_error(reply, 400, "bad_params", f"parameter {param} must be a", name)


@pytest.mark.parametrize("name, param, least, most", NUMBERS)
@pytest.mark.parametrize("text", ["1.5", "0.1", "1e-1", "44.999999"])
def test_fractions_are_refused(server, name, param, least, most, text):
    reply = server.invoke(name, f'{{"{param}": {text}}}')
    expect_error(reply, 400, "bad_params", f"parameter {param} must be a whole number", name)


@pytest.mark.parametrize("text, expected", [("1.0", 1), ("1e1", 10), ("100e-2", 1), ("-0", 0),
                                            ("10.00", 10)])
def test_whole_numbers_may_be_written_in_any_way(server, text, expected):
    assert server.result("primes", f'{{"limit": {text}}}')["limit"] == expected


@pytest.mark.parametrize("path, body", [
    ("/fn/burst/primes", {"limit": -1}),
    ("/fn/chain", {"chain": ["primes"], "params": {"limit": -1}}),
])
def test_burst_and_chain_refuse_what_a_call_refuses(server, path, body):
    expect_error(server.post(path, body), 400, "bad_params", "parameter limit must be between")


def test_refused_calls_are_not_begun(server):
    before = server.stats("primes")["invocations"]
    server.invoke("primes", {"limit": -1})
    assert server.stats("primes")["invocations"] == before


def test_undeclared_parameters_pass(server):
    assert server.result("primes", {"limit": 10, "other": [None]})["primes_found"] == 4


@pytest.mark.parametrize("path, body", [
    ("/fn/invoke/primes", '{"limit": %s}'), ("/fn/burst/primes", '{"limit": %s}'),
    ("/fn/chain", '{"chain": ["primes"], "params": {"limit": %s}}'),
])
@pytest.mark.parametrize("text", ["9007199254740993", "-9007199254740993", "10000000000000000001",
                                  "9007199254740993.0", "1" + "0" * 300 + "1",
                                  "1.0000000000000000000001"])
def test_integers_that_a_double_cannot_hold_are_refused_unrounded(server, path, body, text):
    error = expect_error(server.post(path, body % text), 400, "bad_params", "parameter limit must be")
    if text.startswith("1.0"):
        assert error["error"].endswith(f"not {text}")


def test_numbers_too_large_for_a_double_are_bad_json(server):
    expect_error(server.invoke("primes", '{"limit": 1e400}'), 400, "bad_json", "", "primes")


def test_null_means_the_default(server):
    assert server.result("primes", {"limit": None})["limit"] == server.result("primes")["limit"]
