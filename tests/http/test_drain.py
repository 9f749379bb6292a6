# SPDX-License-Identifier: MIT
"""test_drain.py - told to stop: what runs ends well, what is new is refused, nothing is lost."""

import http.client
import os
import pathlib
import signal

import pytest

from pressure import Pressure, request_of
from server import Background, expect_error, wait_until

SPIN = {"spin": "return {timeout_ms = 60000, handler = function() while true do end end}",
        "hold": "return function(p, ctx) ctx.sleep(p.ms) return {start = ctx.start} end"}


def spin(server):
    call = Background(server, "spin")
    server.wait_in_flight("spin")
    return call


def read_reply(raw):
    """(status, whether the connection ends with it)"""
    reply = http.client.HTTPResponse(raw)
    reply.begin()
    reply.read()
    return reply.status, reply.will_close


class Held:
    """The front stands still meanwhile: what clients do comes to it all at once."""

    def __init__(self, server):
        self.pid = server.front()

    def __enter__(self):
        os.kill(self.pid, signal.SIGSTOP)
        wait_until(self._stands, "the front to stand still")

    def _stands(self):
        text = pathlib.Path(f"/proc/{self.pid}/stat").read_text()
        return text[text.rindex(")") + 2] == "T"

    def __exit__(self, *_):
        os.kill(self.pid, signal.SIGCONT)


# -- Under load ------------------------------------------------------------------------------------

@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_no_request_is_lost_under_load(start, number):
    server = start(flags=["--workers", "2"])
    with Pressure(server.port) as load:
        wait_until(lambda: load.answered() > 200, "some load")
        os.kill(server.pid, number)
        server.wait_ended()
    assert set(load.seen) <= {"200", "503", "crossed", "not taken"}, load.seen
    assert load.seen["not taken"] == 8  # each client found that nobody listens


def test_calls_that_run_under_load_end_well(start):
    server = start(SPIN, ["--workers", "2"])
    calls = [Background(server, "hold", {"ms": 1000}) for _ in range(16)]
    server.wait_in_flight("hold", 16)
    with Pressure(server.port) as load:
        wait_until(lambda: load.answered() > 200, "some load")
        os.kill(server.pid, signal.SIGTERM)
        server.wait_ended()
    assert [call.reply().status_code for call in calls] == [200] * 16
    assert set(load.seen) <= {"200", "503", "crossed", "not taken"}, load.seen


# -- What was sent before --------------------------------------------------------------------------

@pytest.mark.parametrize("most", ["2", "10000"])
def test_connections_that_were_not_yet_taken_are_answered(start, most):
    server = start(flags=["--workers", "1", "--connections-max", most])
    server.session.close()
    with Held(server):
        raws = [server.connect() for _ in range(20)]
        for raw in raws:
            raw.sendall(request_of())
        os.kill(server.pid, signal.SIGTERM)
        server.wait_log("stopping")
    for raw in raws:
        with raw:
            assert read_reply(raw) in [(200, True), (503, True)]
    server.wait_ended()


def test_request_on_a_kept_connection_that_was_not_yet_read_is_answered(start):
    server = start(flags=["--workers", "1"])
    with server.connect() as raw:
        raw.sendall(request_of())
        assert read_reply(raw) == (200, False)
        with Held(server):
            raw.sendall(request_of())
            os.kill(server.pid, signal.SIGTERM)
            server.wait_log("stopping")
        assert read_reply(raw) in [(200, True), (503, True)]
    server.wait_ended()


def test_request_that_was_sent_in_part_is_waited_for(start):
    server = start(flags=["--workers", "1"])
    with server.connect() as raw:
        raw.sendall(request_of()[:30])
        wait_until(lambda: server.get("/health").status_code == 200, "a turn of the front")
        os.kill(server.pid, signal.SIGTERM)
        server.wait_log("draining")
        raw.sendall(request_of()[30:])
        assert read_reply(raw) == (503, True)
    server.wait_ended()


def test_idle_connection_is_closed_in_order(start):
    server = start(flags=["--workers", "1", "--read-timeout-ms", "600000"])
    with server.connect() as silent, server.connect() as kept:
        kept.sendall(request_of())
        assert read_reply(kept) == (200, False)
        os.kill(server.pid, signal.SIGTERM)
        assert (silent.recv(1), kept.recv(1)) == (b"", b"")
        server.wait_ended()


# -- Running calls ---------------------------------------------------------------------------------

@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_running_calls_end_well_and_new_ones_are_refused(start, number):
    server = start(SPIN, ["--workers", "2"])
    call = Background(server, "hold", {"ms": 2000})
    server.wait_in_flight("hold")
    os.kill(server.pid, number)
    wait_until(lambda: server.get("/ready").status_code == 503, "the server to drain")
    assert server.get("/ready").json()["reasons"] == ["draining"]
    assert "retry-after" in server.get("/ready").headers
    reply = server.invoke("hash")  # each of these is on a connection of its own
    expect_error(reply, 503, "draining", "", "hash")
    assert reply.headers["connection"] == "close"
    assert server.get("/health").text == "OK"
    assert call.reply().status_code == 200
    server.wait_ended()


def test_what_a_draining_server_began_may_go_on_to_its_end(start):
    server = start({"later": "return function(p, ctx)\n  ctx.sleep(1500)\n"
                             "  return assert(ctx.invoke(\"hash\", {rounds = 2}))\nend"},
                   ["--workers", "1"])
    calls = [Background(server, "later"),
             Background(server, "/fn/chain", {"chain": ["later", "primes"]}, method="post")]
    server.wait_in_flight("later", 2)
    os.kill(server.pid, signal.SIGTERM)
    wait_until(lambda: server.get("/ready").status_code == 503, "the server to drain")
    replies = [call.reply() for call in calls]
    assert [reply.status_code for reply in replies] == [200, 200]
    assert replies[0].json()["rounds"] == 2
    assert [step["function"] for step in replies[1].json()["steps"]] == ["later", "primes"]
    server.wait_ended()


def test_calls_that_were_queued_end_well_too(start):
    server = start({"hold": "return function() while true do end end"}, ["--workers", "1"])
    holder = Background(server, "hold", headers={"X-Timeout-Ms": "1000"})
    server.wait_in_flight("hold")
    queued = Background(server, "hash", {"rounds": 3})
    server.wait_in_flight("hash")
    os.kill(server.pid, signal.SIGTERM)
    assert queued.reply().json()["rounds"] == 3
    assert holder.reply().status_code == 504
    server.wait_ended()


def test_calls_that_last_too_long_are_cut_off(start):
    server = start(SPIN, ["--drain-ms", "100", "--workers", "2"])
    call = spin(server)
    os.kill(server.pid, signal.SIGTERM)
    server.wait_ended()
    with pytest.raises(Exception, match="Connection|closed|reset"):
        call.reply()


def test_second_signal_ends_it_at_once(start):
    server = start(SPIN, ["--drain-ms", "600000"])
    call = spin(server)
    os.kill(server.pid, signal.SIGTERM)
    server.wait_log("draining")
    os.kill(server.pid, signal.SIGTERM)
    server.wait_ended()
    with pytest.raises(Exception, match="Connection|closed|reset"):
        call.reply()
