# SPDX-License-Identifier: MIT
"""test_errors.py - what a call can fail with by itself: its request, its code, its result."""

import json

import pytest

from server import SIGNALS_COME_AT_ONCE, Server, expect_error, wait_until

FUNCTIONS = {
    "lib/deep": 'local M = {}\nfunction M.fail()\n  error("from the module")\nend\nreturn M\n',
    "echo": "return function(params) return params end",
    "letters": 'return function(params) return {s = ("x"):rep(params.n)} end',
    "floats": """return function(params, ctx)
  local list = {}
  for i = 1, params.n do list[i] = 0.1 end
  local result, err = ctx.invoke("echo", {list = list})
  return {count = result and #result.list, code = err and err.code}
end""",
}


@pytest.fixture(scope="module", name="own")
def own_server():
    flags = ["--workers", "1", "--body-max", "2048", "--reply-max", "1024"]
    with Server(FUNCTIONS, flags) as running:
        yield running


def load(server, name, text):
    """Writes a function and waits until this very text is what calls get."""
    version = (server.detail(name) or {"version": 0})["version"]
    server.write(name, text)
    wait_until(lambda: (server.detail(name) or {"version": 0})["version"] > version,
               f"{name} to load")


# -- The request -----------------------------------------------------------------------------------

@pytest.mark.parametrize("body", [
    "{", "}", "[]", "[1]", "1", '"x"', "null", "true", "nul", "{'a':1}", '{"a":1,}', "{a:1}",
    '{"a":1} x', '{"a":1}{"a":1}', '{"a":01}', '{"a":1,"a":2}', '{"a":+1}', '{"a":.5}',
    '{"a":NaN}', '{"a":"\t"}', '{"a":"\\x"}', '{"a":"\\ud800"}', b'{"a":"\xff"}', b"\xff\xfe",
    b'{"a":1}\0', b"\0", b'{"a\\u0000b":1}', '{"a":1e999}', "\ufeff{}".encode(),
])
@pytest.mark.parametrize("path", ["/fn/invoke/echo", "/fn/burst/echo", "/fn/chain"])
def test_body_that_is_no_json_object_is_bad_json(own, path, body):
    expect_error(own.post(path, body), 400, "bad_json")


def test_bad_json_names_the_place(own):
    expect_error(own.invoke("echo", '{\n"a": 1,\n}'), 400, "bad_json", "line 3", "echo")


@pytest.mark.parametrize("body", [
    {}, {"a": None}, {"a": {"b": [1, 2.5, "x\0y", True, None, {}, []]}}, {"": 1},
    {"a": "\U0001f600 \u2028 \x7f \" \\ /"}, {"n": -0.1, "big": 2**53, "small": 1e-300},
    {"__proto__": 1, "error": "mine", "code": "mine"},
])
def test_parameters_come_back_as_they_were(own, body):
    result = own.result("echo", body)
    result.pop("latency_ms")
    assert result == body


def padded(size):
    text = '{"n": 1' + " " * (size - 8) + "}"
    assert len(text) == size
    return text


def chunked(text, size=100):
    return (text[i:i + size].encode() for i in range(0, len(text), size))


@pytest.mark.parametrize("make", [lambda text: text, chunked], ids=["length", "chunked"])
@pytest.mark.parametrize("path", ["/fn/invoke/letters", "/fn/burst/letters"])
def test_body_has_a_bound(own, path, make):
    assert own.post(path, make(padded(2048))).status_code == 200
    reply = own.post(path, make(padded(2049)), headers={"X-Call-Id": "too-much"})
    expect_error(reply, 413, "too_large", "2048 bytes")
    assert reply.headers["x-call-id"] == "too-much"


def test_bound_of_the_body_is_1_mib_unless_set(server):
    assert server.invoke("sleep", '{"ms":0' + " " * ((1 << 20) - 8) + "}").status_code == 200
    reply = server.invoke("sleep", '{"ms":0' + " " * ((1 << 20) - 7) + "}")
    assert (reply.status_code, reply.json()["code"]) == (413, "too_large")


# -- The code --------------------------------------------------------------------------------------

RAISES = [  # what the handler does, what the error says, what the traceback says
    ('error("boom")', "raise.lua:2: boom", "raise.lua:2"),
    ('error("boom", 0)', "boom", "raise.lua:2"),
    ("error({error = 'my own', more = 1})", "my own", "raise.lua:2"),
    ("error({1, 2})", "", "raise.lua:2"),
    ("error()", "", "raise.lua:2"),
    ("error(nil)", "", "raise.lua:2"),
    ("error(true)", "", "raise.lua:2"),
    ("error(12.5)", "12.5", "raise.lua:2"),
    ("error(setmetatable({}, {__tostring = function() error('twice') end}))", "", ""),
    ("error(setmetatable({}, {__index = function() error('twice') end}))", "", ""),
    ("error('say \"hi\"\\n\\t\\\\ \\0 ü')", "say \"hi\"\n\t\\ ", ""),
    ("error('\\255\\254 bytes')", "bytes", ""),
    ("error(('long '):rep(100000))", "long long", ""),
    ("local t = nil; return t.field", "raise.lua:2: attempt to index local 't' (a nil value)", "raise.lua:2: in function"),
    ("return params.a.b", "raise.lua:2: attempt to index field 'a' (a nil value)", "raise.lua:2: in function"),
    ("return 1 + {}", "raise.lua:2: attempt to perform arithmetic on a table value", "raise.lua:2: in function"),
    ("undefined()", "attempt to call global 'undefined' (a nil value)", "raise.lua:2: in function"),
    ('require("deep").fail()', "lib/deep.lua:3: from the module", "lib/deep.lua:3"),
    ('require("nope")', "module 'nope' not found", "raise.lua:2"),
    ('require("sha256").iterate()', "bad argument #1 to 'iterate'", "raise.lua:2"),
    ('coroutine.wrap(function() error("inside") end)()', "raise.lua:2: inside", "raise.lua:2"),
    ("coroutine.yield(1)", "coroutine.yield", "raise.lua:2"),
    ("local function f() return 1 + f() end return f()", "stack overflow", "raise.lua:2"),
    ('local s = ("x"):gsub(".", function() error("in gsub") end) return s', "in gsub",
     "raise.lua:2"),
    ('table.sort({3, 2, 1}, function() error("in sort") end)', "in sort", ""),
    ('assert(false, "asserted")', "asserted", "raise.lua:2"),
    ('assert(load("return +"))', "unexpected symbol", "raise.lua:2"),
    ('local ok, e = pcall(error, "caught") error(e .. " again", 0)', "caught again", "raise.lua:2"),
]


@pytest.mark.parametrize("start", ["cold", "warm"])
@pytest.mark.parametrize("code, text, trace", RAISES)
def test_what_the_function_raises_is_told(raising, start, code, text, trace):
    reply = raising(code, start)
    body = expect_error(reply, 500, "function_error", text, "raise")
    assert body["error"]
    assert trace in body.get("details", "")


@pytest.fixture(scope="module", name="raising")
def raising_server(own):
    """Calls a function that does as the text says; one file for each."""
    seen = set()

    def call(code, start):
        if code not in seen:
            load(own, "raise", f"return function(params)\n{code}\nend\n")
            own.request("DELETE", "/fn/warmpool/raise")
            own.post("/fn/warmpool/raise?size=1")
            seen.clear()
            seen.add(code)
        reply = own.invoke("raise", {}, start)
        assert reply.headers["x-start"] == start
        return reply

    return call


def test_traceback_has_every_level(own):
    load(own, "levels", """
local function inner()
  error("deep")
end
local function outer()
  inner()
  return 1
end
return function()
  outer()
  return {}
end
""")
    body = expect_error(own.invoke("levels"), 500, "function_error", "levels.lua:3: deep")
    places = [body["details"].index(f"levels.lua:{line}") for line in (3, 6, 10)]
    assert places == sorted(places)


def test_traceback_begins_where_a_helper_failed(own):
    load(own, "helped", """
local function idx(t)
  local x = t.none.field
  return x
end
return function(params)
  idx(params)
  return {}
end
""")
    body = expect_error(own.invoke("helped"), 500, "function_error", "helped.lua:3: attempt to index")
    assert body["details"] == "helped.lua:3: in idx\nhelped.lua:7: in function"


DEADLINES = {
    "loop": ("while true do end", "late.lua:2: in function"),
    "helper": ("local function spin() while true do end end spin() return 1",
               "late.lua:2: in spin\nlate.lua:2: in function"),
    "coroutine": ("coroutine.wrap(function() while true do end end)() return 1",
                  "late.lua:2: in function\n[coroutine]\nlate.lua:2: in function"),
    "sleep": ("ctx.sleep(60000)", "[C]: in sleep\nlate.lua:2: in function"),
    "asleep in a coroutine": (
        "coroutine.wrap(function() ctx.sleep(60000) end)() return 1",
        "[C]: in sleep\nlate.lua:2: in function\n[coroutine]\nlate.lua:2: in function"),
    "child": ('ctx.invoke("sleep", {ms = 60000})', "[C]: in invoke\nlate.lua:2: in function"),
}


@pytest.mark.skipif(not SIGNALS_COME_AT_ONCE, reason="time: loops end with their worker there")
@pytest.mark.parametrize("code, trace", DEADLINES.values(), ids=DEADLINES)
def test_deadline_has_a_traceback(own, code, trace):
    load(own, "late", f"return {{timeout_ms = 50, handler = function(params, ctx)\n{code}\nend}}")
    assert expect_error(own.invoke("late"), 504, "deadline")["details"] == trace


def test_traceback_with_a_name_that_is_long_is_cut(own):
    load(own, "named", """
return function(params)
  local name = ("f"):rep(params.n)
  _G[name] = function() error("boom") end
  return load("return " .. name .. "() + 1", "=text")()
end
""")
    body = expect_error(own.invoke("named", {"n": 200000}), 500, "function_error", "boom")
    assert "named.lua:4" in body["details"] and len(body["details"]) < 5000
    assert own.result("letters", {"n": 1})["s"] == "x"


# -- Error values ----------------------------------------------------------------------------------

SOLD_OUT = '{message = "none left", code = "sold_out", status = 409, details = {left = {0, 1}}}'
CHOSEN = {
    "returns": f"return function() return nil, {SOLD_OUT} end",
    "raises_table": f"return function()\n  error({SOLD_OUT})\nend",
    "busy": "return function() return nil, {code = 'later', status = 503} end",
    "teapot": "return function() return nil, {status = 418} end",
    "as_text": """return function()
  error(setmetatable({}, {__tostring = function() return "as text" end}))
end""",
    "endless": """return {timeout_ms = 50, handler = function()
  error(setmetatable({}, {__tostring = function() while true do end end}))
end}""",
    "deep": """return function()
  local e = setmetatable({}, {})
  getmetatable(e).__tostring = function(x) local s = tostring(x) return s end
  error(e)
end""",
    "nothing": "return function() return nil, nil end",
    "refuses": "return function() return nil, false end",
    "failpass": 'return function(p, ctx) return ctx.invoke("no-such-function", {}) end',
    "passes": 'return function(p, ctx) return ctx.invoke(p.to, {to = p.next}) end',
    "passes_on": 'return function(p, ctx) return assert(ctx.invoke(p.to)) end',
    "seen": """return function(p, ctx)
  local _, e = ctx.invoke(p.to)
  return {e = e, text = tostring(e)}
end""",
    "invall": """return function(p, ctx)
  local r, e = ctx.invoke_all({{"echo", {error = "x", code = "y"}}, {"no-such-function", {}}})
  return {r = r, first = e[1] == nil, second = e[2]}
end""",
    "all_well": """return function(p, ctx)
  local r, e = ctx.invoke_all({{"echo", {error = "x"}}, {"echo", {result = false}}})
  return {r = r, none = e == nil}
end""",
    "echo": "return function(p) return p end",
}


@pytest.fixture(scope="module", name="chosen")
def chosen_server():
    with Server(CHOSEN, ["--workers", "1"]) as running:
        for name in CHOSEN:
            running.post(f"/fn/warmpool/{name}?size=1")
        yield running


@pytest.mark.parametrize("start", ["cold", "warm"])
@pytest.mark.parametrize("name", ["returns", "raises_table"])
def test_error_table_chooses_code_status_and_details(chosen, name, start):
    body = expect_error(chosen.invoke(name, {}, start), 409, "sold_out", "", name)
    assert body["error"] == "none left" and body["details"] == {"left": [0, 1]}
    assert body.get("traceback") == ("raises_table.lua:2: in function" if "raises" in name else None)


@pytest.mark.parametrize("name, status, code, text", [
    ("busy", 503, "later", "the function failed with the code later"),
    ("teapot", 418, "function_error", "the function failed without a message"),
    ("as_text", 500, "function_error", "as text"),
    ("deep", 500, "function_error", "the function failed without a message"),
    pytest.param("endless", 504, "deadline", "50 ms", marks=pytest.mark.skipif(
        not SIGNALS_COME_AT_ONCE, reason="time: loops end with their worker there")),
    ("refuses", 500, "function_error", "false"),
    ("failpass", 404, "unknown_function", "unknown function: no-such-function"),
])
def test_error_values(chosen, name, status, code, text):
    worker = chosen.worker()
    for start in ("cold", "warm"):
        expect_error(chosen.invoke(name, {}, start), status, code, text, name)
    assert chosen.worker() == worker


def test_nothing_and_nothing_is_a_result(chosen):
    assert set(chosen.result("nothing")) == {"latency_ms"}


def test_chosen_errors_are_counted_and_logged(chosen):
    before = chosen.get("/fn/stats").json()["returns"]["errors"]
    chosen.invoke("returns")
    assert chosen.get("/fn/stats").json()["returns"]["errors"] == before + 1
    line = chosen.get("/fn/logs/returns?tail=1").json()["lines"][-1]
    assert (line["level"], line["text"]) == ("error", "sold_out: none left")


def test_childs_error_is_passed_on_with_its_name(chosen):
    assert expect_error(chosen.invoke("failpass"), 404, "unknown_function")["child"] == \
        "no-such-function"
    for name in ("passes", "passes_on"):
        body = expect_error(chosen.invoke(name, {"to": "raises_table"}), 409, "sold_out", "", name)
        assert body["error"] == "raises_table: none left" and body["child"] == "raises_table"
        assert body["details"] == {"left": [0, 1]}
    body = expect_error(chosen.invoke("passes", {"to": "passes", "next": "returns"}), 409,
                        "sold_out", "", "passes")
    assert body["error"] == "passes: returns: none left" and body["child"] == "passes"


def test_error_object_of_a_child(chosen):
    found = chosen.result("seen", {"to": "returns"})
    call_id = found["e"].pop("call_id")
    assert found["e"] == {"error": "none left", "message": "none left", "code": "sold_out",
                          "status": 409, "function": "returns", "details": {"left": [0, 1]}}
    assert call_id.endswith(".1") and found["text"] == "returns: none left"


def test_results_and_errors_of_children_are_told_apart(chosen):
    found = chosen.result("invall")
    assert found["r"][0] == {"error": "x", "code": "y"} and found["first"] is True
    assert found["r"][1] == found["second"]
    assert (found["second"]["code"], found["second"]["status"],
            found["second"]["function"]) == ("unknown_function", 404, "no-such-function")
    found = chosen.result("all_well")
    assert found["r"] == [{"error": "x"}, {"result": False}] and found["none"] is True


def test_chosen_error_in_a_chain(chosen):
    body = expect_error(chosen.post("/fn/chain", {"chain": ["echo", "returns", "echo"]}), 409,
                        "sold_out", "none left", "returns")
    assert len(body["steps"]) == 1 and body["details"] == {"left": [0, 1]}


def test_chosen_error_in_a_burst(chosen):
    body = chosen.post("/fn/burst/returns?count=2").json()
    assert (body["succeeded"], body["failed"]) == (0, 2)
    for item in body["results"]:
        assert (item["code"], item["status"], item["details"]) == (
            "sold_out", 409, {"left": [0, 1]})


def test_details_have_a_bound(own):
    load(own, "details", 'return function(p) return nil, {message = "m", code = "c", '
                         'details = ("x"):rep(p.n)} end')
    assert expect_error(own.invoke("details", {"n": 1022}), 500, "c")["details"] == "x" * 1022
    assert "details" not in expect_error(own.invoke("details", {"n": 1023}), 500, "c")
    text = own.get("/fn/logs/details?tail=2").json()["lines"][0]["text"]
    assert "`details` are left out" in text and "1024 bytes" in text
    body = own.post("/fn/burst/details?count=20", {"n": 1000}).json()
    assert {item["code"] for item in body["results"]} == {"c"}
    assert sum("details" in item for item in body["results"]) < 12


# -- The result ------------------------------------------------------------------------------------

REFUSED = [
    ("{f = print}", "function"),
    ("{f = function() end}", "function"),
    ("{c = coroutine.create(print)}", ""),
    ("{m = require('matrix').random(2)}", ""),
    ("{x = 0/0}", "finite"),
    ("{x = math.huge}", "finite"),
    ("{a = {b = {-math.huge}}}", "a.b[1]"),
    ("0/0", "finite"),
    ("(function() local t = {} t.t = t return t end)()", "contains itself"),
    ("(function() local a, b = {}, {} a[1] = b b[1] = a return {a = a} end)()", "contains itself"),
    ("(function() local t = {} for _ = 1, 200 do t = {t} end return {t = t} end)()", "128"),
    ("{s = '\\255'}", "UTF-8"),
    ("{s = '\\237\\160\\128'}", "UTF-8"),  # a surrogate
    ("{s = '\\192\\128'}", "UTF-8"),  # NUL in two bytes
    ("{s = '\\244\\144\\128\\128'}", "UTF-8"),  # past U+10FFFF
    ("{s = ('ü'):sub(1, 1)}", "UTF-8"),
    ("{['\\255'] = 1}", "UTF-8"),
    ("{['a\\0b'] = 1}", "NUL"),
    ("{x = {1, 2, a = 3}}", "x "),
    ("{x = {a = 1, [1] = 2}}", "x "),
    ("{x = {[true] = 1}}", "x "),
    ("{x = {[1.5] = 1}}", "x "),
    ("{x = {[0] = 1}}", "x "),
    ("{x = {[-1] = 1}}", "x "),
    ("{x = {1, nil, 3}}", "x "),
    ("{x = {nil, 2}}", "x "),
    ("{x = {[2] = 1}}", "x "),
    ("{x = {[1] = 1, [1000000] = 2}}", "x "),
]


@pytest.fixture(scope="module", name="returning")
def returning_server(own):
    """One function has all the expressions: returning(i) gives what the i-th comes to."""
    texts = [text for text, *_ in REFUSED + TAKEN]
    branches = "\n".join(f"  function() return {text} end," for text in texts)
    load(own, "returns",
         f"local all = {{\n{branches}\n}}\nreturn function(params) return all[params.i]() end\n")
    return lambda text: own.invoke("returns", {"i": texts.index(text) + 1})


TAKEN = [
    ("nil", {}),
    ("{}", {}),
    ("1", {"result": 1}),
    ("'x'", {"result": "x"}),
    ("false", {"result": False}),
    ("{1, 2}", {"result": [1, 2]}),
    ("{a = {}, b = require('json').array(), c = require('json').null}",
     {"a": {}, "b": [], "c": None}),
    ("{x = 0.1, y = 1e15, z = -2^53, w = 1e308}", {"x": 0.1, "y": 10**15, "z": -2**53, "w": 1e308}),
    ("{['1'] = 'a', [''] = 'b'}", {"1": "a", "": "b"}),
    ("{nested = {warm = 1, latency_ms = 2}}", {"nested": {"warm": 1, "latency_ms": 2}}),
    ("{s = 'a\\0b\\n\\127'}", {"s": "a\0b\n\x7f"}),
    ("{s = '\\244\\143\\191\\191'}", {"s": "\U0010ffff"}),
    ("(function() local s = {1} return {a = s, b = s} end)()", {"a": [1], "b": [1]}),
    ("(function() local t = {} for _ = 1, 126 do t = {t} end return {t = t} end)()", None),
]


@pytest.mark.parametrize("text", [
    "latency_ms = -1", 'warm = "no"', "warm = false, latency_ms = {}", "latency_ms = print",
])
def test_latency_and_warm_are_the_servers(own, text):
    load(own, "claims", f"return function() return {{a = 1, {text}}} end")
    own.request("DELETE", "/fn/warmpool/claims")
    own.post("/fn/warmpool/claims?size=1")
    for start in ("cold", "warm"):
        pairs = json.loads(own.invoke("claims", {}, start).text, object_pairs_hook=list)
        found = dict(pairs)
        assert len(pairs) == len(found), "a key stands twice"
        assert found.pop("latency_ms") >= 0 and found.pop("warm", False) is (start == "warm")
        assert found == {"a": 1}


@pytest.mark.parametrize("text, why", REFUSED)
def test_what_json_cannot_hold_is_a_bad_result(returning, text, why):
    expect_error(returning(text), 500, "bad_result", why, "returns")


@pytest.mark.parametrize("text, expected", TAKEN)
def test_what_json_can_hold_comes_as_it_is(returning, text, expected):
    reply = returning(text)
    assert reply.status_code == 200, reply.text
    result = reply.json()
    assert result.pop("latency_ms") >= 0
    assert expected is None or result == expected


def test_result_has_a_bound(own):
    result = own.result("letters", {"n": 1024 - len('{"s":""}')})
    assert len(result["s"]) == 1016
    reply = own.invoke("letters", {"n": 1017})
    expect_error(reply, 500, "bad_result", "1024 bytes", "letters")


def test_parameters_of_a_child_have_a_bound(own):
    """Numbers take more room in the front's JSON than in the worker's."""
    assert own.result("floats", {"n": 50})["count"] == 50
    assert own.result("floats", {"n": 200})["code"] == "too_large"
    assert own.result("letters", {"n": 1})["s"] == "x"


def test_parameters_of_a_chain_take_no_more_room_than_in_its_body(own):
    own.write("counts", "return function(params) return {n = #params.list} end")
    wait_until(lambda: own.detail("counts"), "the function")
    body = {"chain": ["counts"], "params": {"list": [0.1] * 400}}
    reply = own.post("/fn/chain", json.dumps(body, separators=(",", ":")))
    assert reply.json()["steps"][0]["result"]["n"] == 400


def test_results_of_a_chain_have_a_bound_together(own):
    own.write("pads", 'return function() return {n = 900, s = ("x"):rep(900)} end')
    wait_until(lambda: own.detail("pads"), "the function")
    reply = own.post("/fn/chain", {"chain": ["pads"] * 10})
    assert reply.status_code == 200 and len(reply.json()["steps"]) == 10
    body = expect_error(own.post("/fn/chain", {"chain": ["pads"] * 11}), 500, "bad_result",
                        "10240 bytes")
    assert len(body["steps"]) == 10


def test_result_far_over_the_bound_costs_the_call_alone(own):
    before = own.worker()
    for _ in range(3):
        expect_error(own.invoke("letters", {"n": 5000000}), 500, "bad_result", "1024 bytes")
    assert own.result("letters", {"n": 1})["s"] == "x"
    assert own.worker() == before


def test_burst_keeps_the_replies_that_fit(own):
    body = own.post("/fn/burst/letters?count=20", json.dumps({"n": 1000})).json()
    assert body["count"] == 20 == len(body["results"])
    assert body["succeeded"] >= 5 and body["succeeded"] + body["failed"] == 20
    assert {item["code"] for item in body["results"] if "code" in item} <= {"bad_result"}
