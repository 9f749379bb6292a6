# SPDX-License-Identifier: MIT
"""test_logs.py - /fn/logs/: what functions logged, how calls failed, how much of it is kept."""

import re

import pytest

from server import Background, Server, expect_error, wait_until
from test_metrics import Scrape

TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
FUNCTIONS = {
    "say": """
        return function(params, ctx)
          for i, line in ipairs(params.lines or {}) do
            ctx.log(params.levels and params.levels[i] or "info", line)
          end
          return {}
        end""",
    "loud": "print('loaded') return function() return {} end",
    "speak": "return function() print('a', 1, nil) return {} end",
    "many": """
        return function(params, ctx)
          for i = params.first, params.last do
            ctx.log("info", tostring(i))
          end
          return {}
        end""",
    "fail": """
        return {
          params = {how = {type = "string", default = "error"}},
          memory_mb = 4, timeout_ms = 60000,
          handler = function(params, ctx)
            if params.how == "error" then
              error("no luck")
            elseif params.how == "memory" then
              return {("x"):rep(64 * 1024 * 1024)}
            elseif params.how == "result" then
              return {print}
            end
            ctx.sleep(50000)
          end,
        }""",
    "nest": "return function(_, ctx) return {all = ctx.invoke_all({{'fail'}, {'speak'}})} end",
}


@pytest.fixture(scope="module", name="own")
def own_server():
    with Server(FUNCTIONS, ["--workers", "2"]) as running:
        yield running


def lines_of(server, name, query=""):
    reply = server.get(f"/fn/logs/{name}{query}")
    assert reply.status_code == 200, reply.text
    assert set(reply.json()) == {"lines"}
    return reply.json()["lines"]


def texts_of(server, name, query=""):
    return [line["text"] for line in lines_of(server, name, query)]


# -- What is told ----------------------------------------------------------------------------------

def test_a_function_that_has_said_nothing_has_no_lines(server):
    assert lines_of(server, "fibonacci") == []


def test_lines_have_time_level_call_id_and_text_newest_last(own):
    levels = ["debug", "info", "warn", "error"]
    own.result("say", {"lines": ["a", "b", "c", 'd "\n\0ä'], "levels": levels},
               headers={"X-Call-Id": "told"})
    lines = lines_of(own, "say")[-4:]
    assert [line["level"] for line in lines] == levels  # whatever --log-level is
    assert [line["text"] for line in lines] == ["a", "b", "c", 'd "\n\0ä']
    for line in lines:
        assert set(line) == {"time", "level", "call_id", "text"}
        assert line["call_id"] == "told"
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line["time"])
    assert sorted(line["time"] for line in lines) == [line["time"] for line in lines]


def test_call_ids_are_those_of_the_replies(own):
    reply = own.invoke("say", {"lines": ["once"]})
    assert lines_of(own, "say", "?tail=1")[0]["call_id"] == reply.headers["x-call-id"]


def test_what_a_file_says_while_it_loads_is_told_of_calls_alone(own):
    assert lines_of(own, "loud") == []
    own.wait_log('function=loud .*text="loaded"')
    own.result("loud", headers={"X-Call-Id": "cold"}, start="cold")
    assert [line["call_id"] for line in lines_of(own, "loud")] == ["cold"]


def test_traceparent_is_in_the_line(own):
    own.result("say", {"lines": ["traced"]}, headers={"traceparent": TRACE})
    line, = lines_of(own, "say", "?tail=1")
    assert (line["text"], line["traceparent"]) == ("traced", TRACE)


def test_print_is_a_line_too(own):
    own.result("speak")
    assert texts_of(own, "speak", "?tail=1") == ["a\t1\tnil"]


def test_text_that_is_no_utf8_is_told_as_far_as_it_is(start):
    server = start({"bytes": "return function(_, ctx) ctx.log('info', 'a\\255b') end"})
    server.result("bytes")
    assert texts_of(server, "bytes") == ["a\ufffdb"]


# -- How calls failed ------------------------------------------------------------------------------

@pytest.mark.parametrize("how, headers, code, text", [
    ("error", {}, "function_error", "no luck"),
    ("memory", {}, "memory_limit", ""),
    ("result", {}, "bad_result", ""),
    ("sleep", {"X-Timeout-Ms": "20"}, "deadline", ""),
])
def test_a_failed_call_is_a_line_with_its_error(own, how, headers, code, text):
    reply = own.invoke("fail", {"how": how}, headers={**headers, "traceparent": TRACE})
    assert reply.json()["code"] == code
    line, = lines_of(own, "fail", "?tail=1")
    assert line["text"] == f"{code}: {reply.json()['error']}" and text in line["text"]
    assert line["level"] == "error" and line["traceparent"] == TRACE
    assert line["call_id"] == reply.headers["x-call-id"]


def test_a_call_whose_client_left_is_a_line(own):
    body = b'{"how":"wait"}'
    with own.connect() as raw:
        raw.sendall(b"POST /fn/invoke/fail HTTP/1.1\r\nHost: x\r\nX-Call-Id: left\r\n"
                    b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        own.wait_in_flight("fail")
    line = wait_until(lambda: next((line for line in lines_of(own, "fail")
                                    if line["call_id"] == "left"), None), "the line")
    assert line["level"] == "info" and line["text"].startswith("cancelled: ")


def test_calls_of_a_function_are_told_with_those_of_its_children(own):
    own.result("nest", headers={"X-Call-Id": "parent"})
    assert lines_of(own, "nest") == []  # it did not fail itself
    failed, said = lines_of(own, "fail", "?tail=1")[0], lines_of(own, "speak", "?tail=1")[0]
    assert failed["call_id"].startswith("parent") and said["call_id"].startswith("parent")
    assert failed["call_id"] != said["call_id"]


def test_a_call_that_was_refused_is_no_line(own):
    before = len(lines_of(own, "fail", "?tail=1000"))
    expect_error(own.invoke("fail", {"how": 1}), 400, "bad_params")
    assert len(lines_of(own, "fail", "?tail=1000")) == before


# -- Bounds ----------------------------------------------------------------------------------------

def test_tail_says_how_many_and_a_thousand_are_kept(own):
    own.result("many", {"first": 1, "last": 1005})
    expected = [str(i) for i in range(6, 1006)]
    assert texts_of(own, "many") == expected[-100:]
    assert texts_of(own, "many", "?tail=1") == ["1005"]
    assert texts_of(own, "many", "?tail=1000") == expected


@pytest.mark.parametrize("tail", ["0", "1001", "-1", "x", "", "1.5"])
def test_a_tail_out_of_range_is_refused(own, tail):
    reply = own.get(f"/fn/logs/say?tail={tail}")
    expect_error(reply, 400, "bad_request", "tail must be a whole number from 1 to 1000", "say")


def test_of_an_unknown_function_there_is_nothing(own):
    expect_error(own.get("/fn/logs/none"), 404, "unknown_function", "unknown function: none",
                 "none")


def test_all_functions_together_have_four_mebibytes(start):
    large = "return function(_, ctx) for _ = 1, 15 do ctx.log('info', ('x'):rep(4096)) end end"
    server = start({f"large{i}": large for i in range(10)} | {"quiet": FUNCTIONS["speak"]},
                   ["--workers", "2"])
    server.result("quiet")
    for i in range(10):
        server.post(f"/fn/burst/large{i}?count=20")
    scrape = Scrape(server)
    most = 4 << 20
    assert most - 10000 < scrape.value("faas_function_log_bytes") <= most
    counts = [len(lines_of(server, f"large{i}", "?tail=1000")) for i in range(10)]
    assert counts[-1] > 200 and counts[0] == 0  # the oldest go first
    assert lines_of(server, "quiet") == []
    assert scrape.value("faas_function_log_lines") == sum(counts)


# -- Files -----------------------------------------------------------------------------------------

def test_lines_outlive_a_new_version_but_not_the_function(start):
    server = start({"f": FUNCTIONS["speak"]})
    server.result("f")
    server.write("f", "return function() print('new') return {} end")
    wait_until(lambda: server.detail("f")["version"] == 2, "the new version")
    server.result("f")
    assert texts_of(server, "f") == ["a\t1\tnil", "new"]
    (server.folder / "f.lua").unlink()
    wait_until(lambda: server.get("/fn/logs/f").status_code == 404, "it to be gone")
    assert Scrape(server).value("faas_function_log_lines") == 0
    server.write("f", FUNCTIONS["speak"])
    wait_until(lambda: server.detail("f"), "it to be back")
    assert lines_of(server, "f") == []


def test_what_still_runs_of_a_function_that_is_gone_is_not_kept(start):
    server = start({"f": "return function(_, ctx) ctx.sleep(500) print('late') return {} end"})
    call = Background(server, "f")
    server.wait_in_flight("f")
    (server.folder / "f.lua").unlink()
    wait_until(lambda: server.get("/fn/logs/f").status_code == 404, "it to be gone")
    assert call.reply().status_code == 200
    server.wait_log('text="late"')
    assert Scrape(server).value("faas_function_log_lines") == 0
