# SPDX-License-Identifier: MIT
"""test_children.py - what goes from a function to those it calls, and back."""

import pytest

from server import Server

NESTED = """local function nested(levels)
  local value = {}
  for _ = 2, levels do value = {a = value} end
  return value
end
"""
FUNCTIONS = {
    "echo": "return function(params) return params end",
    "deep": NESTED + "return function(params) return nested(params.levels) end",
    "fails_deep": NESTED + """return function(params)
  return nil, {message = "no", details = nested(params.levels)}
end""",
    "passes": "return function(params, ctx) return ctx.invoke(params.to, params) end",
    "passes_all": """return function(params, ctx)
  local results, errors = ctx.invoke_all({{"echo"}, {params.to, params}})
  if errors then return nil, errors[2] end
  return results[2]
end""",
    "sends_deep": NESTED + """return function(params, ctx)
  return ctx.invoke("echo", nested(params.levels))
end""",
    "calls_nul": 'return function(params, ctx) return ctx.invoke("no\\0where") end',
    "sends_list": 'return function(params, ctx) return ctx.invoke("echo", {1, 2}) end',
    "calls_none": """return function(params, ctx)
  local results, errors = ctx.invoke_all({})
  return {results = results, none = errors == nil}
end""",
}


@pytest.fixture(scope="module", name="own")
def own_server():
    with Server(FUNCTIONS, ["--workers", "1"]) as running:
        for name in FUNCTIONS:
            running.post(f"/fn/warmpool/{name}?size=1")
        yield running


def levels_of(value):
    return 1 + max(map(levels_of, value.values()), default=0) if isinstance(value, dict) else 0


@pytest.mark.parametrize("start", ["cold", "warm"])
@pytest.mark.parametrize("caller", ["passes", "passes_all"])
def test_results_and_details_of_children_nest_as_deep_as_replies(own, caller, start):
    for levels in (127, 128):
        reply = own.invoke(caller, {"to": "deep", "levels": levels}, start)
        assert reply.status_code == 200, reply.text
        result = reply.json()
        del result["latency_ms"]
        result.pop("warm", None)
        assert levels_of(result) == levels
        body = own.invoke(caller, {"to": "fails_deep", "levels": levels}, start).json()
        assert (body["code"], levels_of(body["details"])) == ("function_error", levels)
    body = own.invoke(caller, {"to": "deep", "levels": 129}, start).json()
    assert (body["code"], body["child"]) == ("bad_result", "deep")


@pytest.mark.parametrize("start", ["cold", "warm"])
def test_parameters_of_children_nest_as_deep_as_those_of_clients(own, start):
    for levels in (127, 128):
        assert own.invoke("sends_deep", {"levels": levels}, start).status_code == 200
    body = own.invoke("sends_deep", {"levels": 129}, start).json()
    assert "more than 128 levels" in body["error"]


def test_name_of_a_child_may_hold_a_nul(own):
    body = own.invoke("calls_nul").json()
    assert (body["code"], body["error"]) == ("unknown_function", "unknown function: no")


def test_parameters_of_a_child_are_no_list(own):
    body = own.invoke("sends_list").json()
    assert body["error"] == "echo: the parameters of a call must be an object"
    assert (body["code"], body["child"]) == ("bad_request", "echo")


def test_no_calls_have_a_list_of_no_results(own):
    result = own.result("calls_none")
    assert (result["results"], result["none"]) == ([], True)
