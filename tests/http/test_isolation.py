# SPDX-License-Identifier: MIT
"""test_isolation.py - what a function finds, what its ctx does, and that no call sees another's."""

import json
import re

import pytest

from server import ROOT, SIGNALS_COME_AT_ONCE, Server, expect_error

LUA = ROOT / "tests/lua"
FUNCTIONS = {str(path.relative_to(LUA).with_suffix("")): path.read_text()
             for path in sorted(LUA.rglob("*.lua"))}
STARTS = ["cold", "warm"]
POOLED = ["leavings", "random_numbers", "context", "waits", "children", "json_values", "reachable",
          "writes"]


@pytest.fixture(scope="module", name="own")
def own_server():
    # One worker and pools of one: the next call gets the very state that the last one used.
    with Server(FUNCTIONS, ["--workers", "1", "--log-level", "debug"]) as running:
        for name in POOLED:
            assert running.post(f"/fn/warmpool/{name}?size=1").json()["pool_size"] == 1
        yield running


def call(server, name, body=None, start="cold", **options):
    """The result of a call that has to succeed, and to start as asked."""
    reply = server.invoke(name, body or {}, start=start, **options)
    assert reply.status_code == 200, reply.text
    assert reply.headers["x-start"] == start
    result = reply.json()
    assert result.pop("warm", False) == (start == "warm")
    result.pop("latency_ms")
    return result


# -- What calls leave behind -----------------------------------------------------------------------

KINDS = re.findall(r"function kinds\.(\w+)", FUNCTIONS["leavings"])


def test_kinds_of_leavings_are_found():
    assert len(KINDS) >= 15


@pytest.mark.parametrize("start", STARTS)
@pytest.mark.parametrize("kind", KINDS)
def test_call_leaves_nothing_to_the_next_one(own, kind, start):
    for _ in range(3):
        assert call(own, "leavings", {"kind": kind}, start) == {"clean": True}


@pytest.mark.parametrize("start", STARTS)
def test_call_leaves_nothing_to_calls_of_other_kinds(own, start):
    for _ in range(2):
        for kind in KINDS:
            assert call(own, "leavings", {"kind": kind}, start) == {"clean": True}, kind


@pytest.mark.parametrize("start", STARTS)
@pytest.mark.parametrize("kind", KINDS)
def test_call_that_raised_leaves_nothing(own, kind, start):
    for _ in range(2):
        reply = own.invoke("leavings", {"kind": kind, "ending": "raise"}, start=start)
        expect_error(reply, 500, "function_error", "clean: true", "leavings")
    assert call(own, "leavings", {"kind": kind}, start) == {"clean": True}


@pytest.mark.parametrize("start", STARTS)
def test_call_that_went_over_its_memory_leaves_nothing(own, start):
    for _ in range(3):
        reply = own.invoke("leavings", {"kind": "global", "ending": "memory"}, start=start)
        expect_error(reply, 500, "memory_limit", "16 MiB", "leavings")
    assert call(own, "leavings", {"kind": "global"}, start) == {"clean": True}


@pytest.mark.parametrize("start", STARTS)
def test_random_numbers_differ_between_calls(own, start):
    seen = [call(own, "random_numbers", start=start) for _ in range(20)]
    numbers = [number for result in seen for number in result["calling"]]
    assert len(set(numbers)) > 35  # 31 bits each: two may be the same by chance, hardly five
    if start == "cold":
        assert len({result["loading"] for result in seen}) > 15


# -- ctx -------------------------------------------------------------------------------------------

@pytest.mark.parametrize("start", STARTS)
def test_ctx_tells_of_its_call(own, start):
    parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    headers = {"X-Call-Id": f"mine-{start}", "traceparent": parent}
    seen = call(own, "context", start=start, headers=headers)
    assert 0 < seen.pop("passed_ms") <= 20000
    assert 0 < seen.pop("remaining_ms") <= 20000
    assert seen == {"call_id": f"mine-{start}", "function_name": "context", "start": start,
                    "traceparent": parent}


def test_ctx_has_the_call_id_of_the_reply(own):
    reply = own.invoke("context", {}, start="cold")
    assert reply.json()["call_id"] == reply.headers["x-call-id"]
    assert reply.json()["traceparent"] is None


def test_remaining_ms_follows_the_shorter_deadline(own):
    seen = call(own, "context", headers={"X-Timeout-Ms": "9000"})
    assert 0 < seen["remaining_ms"] <= 9000


WAITS = {
    "wrap": [2, 11, "end"],
    "resume": [3, "yielded", "suspended", 30, "dead", False, "cannot resume dead coroutine"],
    "nested_coroutines": ["deep", "inner end"],
    "generator": [1, 2, 3, 4, 5],
    "pcall": [True, "protected", False, "after the sleep"],
    "xpcall": [False, "raised and handled"],
    "error_in_wrap": [False, "from within"],
    "coroutines_in_turn": [11, 21, 31, 12, 22, 32],
    "iterator_and_metamethod": ["a!", "b!"],
    "none_at_all": [True, 0],
    "callback_of_c": [False, "goes on"],
}


@pytest.mark.parametrize("start", STARTS)
@pytest.mark.parametrize("case, expected", WAITS.items(), ids=WAITS)
def test_call_may_wait_inside(own, case, expected, start):
    assert call(own, "waits", {"case": case}, start) == {"seen": expected}


CHILDREN = {
    "one": [{"a": 1}],
    "one_without_params": [{}],
    "one_that_fails": [True, "function_error", "raises.lua:8: no luck", "raises", "parent.1"],
    "one_unknown": [True, "unknown_function", "unknown function: nowhere"],
    "one_with_bad_params": [True, "bad_params",
                            "parameter n must be between 0 and 45, not 46"],
    "all": [4, 1, "function_error", "unknown_function", True],
    "all_in_order": [40 - i for i in range(1, 41)],
    "misuse": [False] * 13,
    "too_many": [False, "bad argument #1 to '?' (at most 1000 calls at once)"],
}


@pytest.mark.parametrize("start", STARTS)
@pytest.mark.parametrize("case, expected", CHILDREN.items(), ids=CHILDREN)
def test_children(own, case, expected, start):
    seen = call(own, "children", {"case": case}, start, headers={"X-Call-Id": "parent"})
    assert seen == {"seen": expected}


@pytest.mark.parametrize("most, expected", [
    (3, {"depth": 3}),
    (4, {"depth": 3, "code": "bad_request", "error": "calls may be nested 3 deep, no deeper"}),
])
def test_calls_nest_3_deep(own, most, expected):
    assert call(own, "nest", {"most": most}) == expected


def test_json_module(own):
    given = {"a": [1, None, [], {}], "b": 2**53, "c": 0.1, "d": "ä€😀\0", "e": {"f": [[]]}}
    for start in STARTS:
        assert call(own, "json_values", {"given": given}, start) == {
            "null": None, "empty_list": [], "empty_object": {}, "list": [1, None, []],
            "given": given}


# -- The log ---------------------------------------------------------------------------------------

LOGGED = [
    ("info", "printed\tnil\t1.5\ttrue"),
    ("info", "as its metatable says"),
    ("info", "an info"),
    ("warn", "a warning"),
    ("error", 'an error\nof "two" lines'),
    ("debug", "a debug line"),
]


def logged(server, call_id):
    """(level, function, text) of the lines that a call logged."""
    server.wait_log(f'call_id="{re.escape(call_id)}"')
    found = re.findall(r'^\S+ (\w+) +front function=(\S+) call_id="([^"]*)".*? text=(".*")$',
                       server.log(), re.M)
    return [(level, name, json.loads(text)) for level, name, id, text in found if id == call_id]


def test_print_and_ctx_log_go_to_the_log_with_the_call_id(own):
    result = call(own, "logs", headers={"X-Call-Id": "logged"})
    assert result["refused"][0] is False and "debug" in result["refused"][1]
    lines = logged(own, "logged")
    assert [(level, text) for level, _, text in lines if "while" not in text] == LOGGED
    assert {name for _, name, _ in lines} == {"logs"}


@pytest.mark.parametrize("start", STARTS)
def test_what_is_written_is_logged_line_by_line(own, start):
    for _ in range(2):
        id = f"written-{start}-{_}"
        assert call(own, "writes", start=start, headers={"X-Call-Id": id}) == {"result": "written"}
        lines = [(level, text) for level, _, text in logged(own, id) if "loading" not in text]
        assert lines == [("info", "a number 12"), ("info", "a line"), ("warn", "a warning"),
                         ("info", "printed after"), ("info", "the end")]


def test_unfinished_line_is_logged_when_the_call_fails(own):
    for ending, status in [("raise", 500), ("never", 504)][:1 + SIGNALS_COME_AT_ONCE]:
        reply = own.invoke("writes", {"ending": ending}, start="cold",
                           headers={"X-Call-Id": f"written-{ending}"})
        assert reply.status_code == status
        assert logged(own, f"written-{ending}")[-1][2] == "the end"


def test_log_lines_carry_the_traceparent(own):
    parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    call(own, "logs", headers={"X-Call-Id": "traced", "traceparent": parent})
    own.wait_log(f'call_id="traced" traceparent="{parent}" text="an info"')


def test_call_logs_64_kib_at_most(own):
    call(own, "log_much", headers={"X-Call-Id": "talker"})
    texts = [text for _, _, text in logged(own, "talker")]
    assert len(texts) == 65 and texts[0].startswith("line 001 ")
    assert texts[-1] == "this call has logged 64 KiB; the rest is left out"


# -- The sandbox -----------------------------------------------------------------------------------

FUNCTION_GLOBALS = """assert collectgarbage error getfenv getmetatable ipairs load loadstring next
    pairs pcall print rawequal rawget rawset require select setfenv setmetatable tonumber tostring
    type unpack xpcall"""
LIBRARIES = {
    "bit": "arshift band bnot bor bswap lshift rol ror rshift tobit tohex bxor",
    "coroutine": "create isyieldable resume running status wrap yield",
    "ctx": "invoke invoke_all log remaining_ms sleep",
    "debug": "gethook getinfo setmetatable traceback",
    "io": "flush lines open read type write",
    "json": "array decode encode",
    "math": """abs acos asin atan atan2 ceil cos cosh deg exp floor fmod frexp ldexp log log10 max
        min modf pow rad random randomseed sin sinh sqrt tan tanh""",
    "os": "clock date difftime getenv time",
    "package": "",
    "string": "byte char find format gmatch gsub len lower match rep reverse sub upper",
    "table": "clear concat foreach foreachi getn insert maxn move new pack remove sort unpack",
}
OTHER_FIELDS = {
    "ctx": {"call_id": "string", "function_name": "string", "start": "string"},
    "io": {"stderr": "userdata", "stdin": "userdata", "stdout": "userdata"},
    "json": {"null": "userdata"},
    "math": {"huge": "number", "pi": "number"},
    "package": {"config": "string", "cpath": "string", "loaded": "table", "path": "string",
                "preload": "table"},
}


@pytest.mark.parametrize("start", STARTS)
def test_globals_and_libraries_are_those_of_the_list(own, start):
    seen = call(own, "reachable", start=start)
    expected = {name: dict.fromkeys(names.split(), "function") | OTHER_FIELDS.get(name, {})
                for name, names in LIBRARIES.items()}
    optional = {"table": {"clear", "new", "pack", "unpack"}}  # of some releases of LuaJIT only
    for name, names in optional.items():
        expected[name] = {field: kind for field, kind in expected[name].items()
                          if field not in names or field in seen["libraries"][name]}
    assert seen["libraries"] == expected
    assert seen["globals"] == (
        dict.fromkeys(FUNCTION_GLOBALS.split(), "function")
        | dict.fromkeys(set(LIBRARIES) - {"ctx", "json"}, "table")
        | {"_G": "table", "_VERSION": "string"})


@pytest.mark.parametrize("name", """io.popen io.tmpfile io.input io.output io.close os.execute os.exit
    os.remove os.rename os.tmpname os.setlocale package.loadlib package.loaders package.seeall
    debug.debug debug.getfenv debug.getlocal debug.getmetatable debug.getregistry debug.getupvalue
    debug.setfenv debug.sethook debug.setlocal debug.setupvalue debug.upvalueid debug.upvaluejoin
    jit ffi dofile loadfile newproxy module gcinfo string.dump string.buffer table.dump
    coroutine.close""".split())
def test_sandbox_has_no(own, name):
    assert call(own, "evaluate", {"source": f"return {name}"})["type"] == "nil"


EVALUATED = [
    ('return ("").dump', "nil"),
    ('return getmetatable("")', "false"),
    ('return pcall(setmetatable, "", {})', "false"),
    ('return pcall(function() getmetatable("").__index = {} end)', "false"),
    ("return pcall(require, 'ffi')", "false"),
    ("return pcall(require, 'jit')", "false"),
    ("return pcall(require, 'jit.util')", "false"),
    ("return pcall(require, 'string.buffer')", "false"),
    ("return require('os').execute", "nil"),
    ("return require('io').popen", "nil"),
    ("return require('debug').sethook", "nil"),
    ("return require('package').loadlib", "nil"),
    ("return os.getenv('PATH')", "nil"),
    ("return (io.open('/etc/passwd'))", "nil"),
    ("return getfenv(0) == _G and getfenv(print) == _G", "true"),
    ("return pcall(setfenv, 0, {})", "false"),
    ("return pcall(setfenv, print, {})", "false"),
    ("return pcall(require, '../lib/counter')", "false"),
    ("return pcall(require, '/etc/passwd')", "false"),
    ("return pcall(require, '')", "false"),
    ("return require('counter').next()", "1"),
    ("return require('counter') == require('counter')", "true"),
    ("return require('json') == require('json')", "true"),
    ("return collectgarbage('count') > 0", "true"),
    ("return collectgarbage()", "0"),
    ("return (load('return 1 + 1'))()", "2"),
    ("return (loadstring('return 1 + 1'))()", "2"),
    ("return (load('return x', 'name', 't', {x = 3}))()", "3"),
    ("return (select(2, load('x =', '=name')))", "name:1: unexpected symbol near '<eof>'"),
    ("return pcall(load, nil)", "false"),
    ("return type(_G) == 'table' and _G._G == _G", "true"),
    ("return getmetatable(_G)", "nil"),
    ("return coroutine.running() ~= nil", "true"),
    ("return pcall(string.rep, 'x', 1e9)", "memory"),
    ("return math.randomseed(1)", "nil"),
]


@pytest.mark.parametrize("source, text", EVALUATED)
def test_sandbox_evaluates(own, source, text):
    reply = own.invoke("evaluate", {"source": source}, start="cold")
    if text == "memory":
        expect_error(reply, 500, "memory_limit", "64 MiB")
    else:
        assert reply.json()["text"] == text


BYTECODE = r"'\27LJ\2\2' .. ('\0'):rep(40)"


@pytest.mark.parametrize("loads", [
    "load(%s)", "loadstring(%s)", "load(%s, 'x', 'b')", "load(%s, 'x', 'bt')",
    "load(%s, 'x', 't', {})",
    "load((function(t) return function() local c = t:sub(1, 1) t = t:sub(2) "
    "return c ~= '' and c or nil end end)(%s))",
])
def test_bytecode_is_not_loaded(own, loads):
    seen = call(own, "evaluate", {"source": f"return (select(2, {loads % BYTECODE}))"})
    assert "attempt to load" in seen["text"], seen


def test_file_of_bytecode_is_not_loaded(own):
    own.write("bytecode", "\x1bLJ\x02\x02" + "\0" * 40)
    own.wait_log("bytecode")
    reply = own.invoke("bytecode", {})
    expect_error(reply, 503, "function_broken", "bytecode")


def test_yield_outside_of_own_coroutines_is_an_error(own):
    for source in ["coroutine.yield()", "coroutine.yield(1, 2)", "coroutine.yield(nil)"]:
        expect_error(own.invoke("evaluate", {"source": source}), 500, "function_error",
                     "coroutine.yield")
