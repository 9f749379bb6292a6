# SPDX-License-Identifier: MIT
"""test_http2.py - HTTP/2: calls, and clients that reset, stall, hoard and never read."""

import json
import select
import signal
import subprocess

import pytest

import frames
from raw import exchange, get
from server import PATIENCE_S, SIGNALS_COME_AT_ONCE, Server, wait_until

MIB = 1 << 20
SLOW = PATIENCE_S / 2
FUNCTIONS = {"echo": "return function(params) return params end"}


@pytest.fixture(scope="module", name="h2")
def h2_server():
    with Server(FUNCTIONS, ["--workers", "2", "--http2"]) as running:
        yield running


@pytest.fixture(scope="module", name="impatient")
def impatient_server():
    flags = ["--workers", "2", "--http2", "--read-timeout-ms", "300", "--write-stall-ms", "300"]
    with Server(FUNCTIONS, flags) as running:
        yield running


def connect(server, *pairs):
    raw = server.connect()
    raw.sendall(frames.hello(*pairs))
    return raw


def in_flight(server):
    return sum(stats["in_flight"] for stats in server.get("/fn/stats").json().values())


def resident(server):
    """Bytes of the front's memory."""
    text = server.get("/metrics").text
    return float(text.split("\nprocess_resident_memory_bytes ")[1].split("\n")[0])


def curl(server, path, *options):
    """(HTTP version, status, body)"""
    done = subprocess.run(["curl", "-s", "-w", "\n%{http_version} %{http_code}", *options,
                           server.url + path], capture_output=True, text=True, check=False,
                          timeout=PATIENCE_S)
    body, _, said = done.stdout.rpartition("\n")
    return (*said.split(), body)


# -- Calls -----------------------------------------------------------------------------------------

def test_calls_by_prior_knowledge(h2):
    h2c = "--http2-prior-knowledge"
    assert curl(h2, "/health", h2c) == ("2", "200", "OK")
    version, status, body = curl(h2, "/fn/invoke/echo", h2c, "-d", '{"a":[1]}')
    assert (version, status, json.loads(body)["a"]) == ("2", "200", [1])
    assert curl(h2, "/nowhere", h2c)[:2] == ("2", "404")
    assert curl(h2, "/fn/invoke/echo", h2c, "-d", "nonsense")[:2] == ("2", "400")
    assert curl(h2, "/fn/invoke/echo", h2c, "-H", "X-Timeout-Ms: x", "-d", "")[:2] == ("2", "400")


def test_http1_is_spoken_beside_it(h2):
    assert exchange(h2, get())[0] == 200
    assert curl(h2, "/health", "--http1.1") == ("1.1", "200", "OK")


def test_upgrade_is_not_taken(h2):
    assert curl(h2, "/health", "--http2") == ("1.1", "200", "OK")


def test_it_is_off_unless_wanted(target):
    with connect(target) as raw:
        assert raw.recv(65536)[:12] in (b"HTTP/1.1 400", b"")
    assert curl(target, "/health", "--http2") == ("1.1", "200", "OK")


def test_body_past_the_limit_is_refused(h2, tmp_path):
    large = tmp_path / "large"
    large.write_bytes(b"x" * (MIB + 1))
    assert curl(h2, "/fn/invoke/echo", "--http2-prior-knowledge", "-H", "Expect:",
                "--data-binary", f"@{large}")[:2] == ("2", "413")


def test_more_calls_at_once_than_are_worked_on_are_all_answered(h2):
    streams = range(1, 161, 2)
    with connect(h2) as raw:
        raw.sendall(b"".join(frames.invoke(i, b"echo", b'{"i":%d}' % i) for i in streams))
        for stream, (head, body) in frames.replies(raw, streams).items():
            assert head.startswith(frames.OK) and json.loads(body)["i"] == stream


def test_long_call_is_not_cut_by_the_read_timeout(impatient):
    with connect(impatient) as raw:
        raw.sendall(frames.invoke(1, b"sleep", b'{"ms":1200}'))
        assert frames.replies(raw, [1])[1][0].startswith(frames.OK)


# -- Resets ----------------------------------------------------------------------------------------

def test_reset_ends_the_call(h2):
    with connect(h2) as raw:
        raw.sendall(frames.invoke(1, b"sleep", b'{"ms":60000}'))
        h2.wait_in_flight("sleep", 1)
        raw.sendall(frames.reset(1))
        h2.wait_in_flight("sleep", 0)
        raw.sendall(frames.invoke(3))
        assert frames.replies(raw, [3])[3][0].startswith(frames.OK)


def test_client_that_leaves_ends_its_calls(h2):
    with connect(h2) as raw:
        raw.sendall(b"".join(frames.invoke(i, b"sleep", b'{"ms":60000}') for i in (1, 3, 5)))
        h2.wait_in_flight("sleep", 3)
    h2.wait_in_flight("sleep", 0)


def test_some_resets_are_forgiven(h2):
    with connect(h2) as raw:
        for stream in range(1, 101, 2):
            raw.sendall(frames.invoke(stream, b"sleep", b'{"ms":60000}') + frames.reset(stream))
        raw.sendall(frames.invoke(101))
        assert frames.replies(raw, [101])[101][0].startswith(frames.OK)
    h2.wait_in_flight("sleep", 0)


def reset_rapidly(server, count):
    """Calls, each taken back at once, as far as the connection lets us; how many were sent."""
    sent = 0
    with connect(server) as raw:
        try:
            while sent < count:
                batch = range(2 * sent + 1, 2 * (sent + 100) + 1, 2)
                raw.sendall(b"".join(frames.invoke(i) + frames.reset(i) for i in batch))
                sent += 100
            frames.wait_closed(raw)
        except ConnectionError:
            pass
    return sent


@pytest.mark.skipif(not SIGNALS_COME_AT_ONCE, reason="memory of instrumented builds says nothing")
def test_rapid_resets_cut_the_connection(start):
    server = start(FUNCTIONS, ["--workers", "2", "--http2"])
    server.result("echo", {})
    before, calls, rounds = resident(server), server.stats("echo")["invocations"], 20
    assert [reset_rapidly(server, 5000) > 0 for _ in range(rounds)] == [True] * rounds
    wait_until(lambda: in_flight(server) == 0, "the calls to be forgotten")
    assert server.result("echo", {"a": 1})["a"] == 1
    # A connection is worth a hundred resets, and a few more that forgiveness lets by.
    assert server.stats("echo")["invocations"] - calls < rounds * 150
    assert resident(server) - before < 32 * MIB or "asan" in str(server.process.args[0])


# -- Stalling --------------------------------------------------------------------------------------

STALLS = {  # what is sent at once, what then comes again and again
    "nothing": (b"", b""),
    "preface cut short": (frames.PREFACE[:10], b""),
    "connection alone": (frames.hello(), b""),
    "connection kept after a reply": (frames.hello() + frames.head(1), b""),
    "head that does not end": (frames.hello() + frames.head(1, flags=frames.END_STREAM), b""),
    "body that does not come": (frames.hello() + frames.head(1, b"/fn/invoke/echo", b"POST",
                                                             frames.END_HEADERS), b""),
    "body that drips": (frames.hello() + frames.head(1, b"/fn/invoke/echo", b"POST",
                                                     frames.END_HEADERS),
                        frames.frame(frames.DATA, 1, b"{")),
    "body behind pings": (frames.hello() + frames.head(1, b"/fn/invoke/echo", b"POST",
                                                       frames.END_HEADERS),
                          frames.frame(frames.PING, payload=b"x" * 8)),
}


@pytest.mark.parametrize("first, again", STALLS.values(), ids=STALLS)
def test_stalling_client_is_cut_off(impatient, first, again):
    pids = impatient.children()
    with impatient.connect() as raw:
        raw.sendall(first)
        wait_until(lambda: is_over_after(raw, again), "the connection to be closed", SLOW)
    assert impatient.get("/health").text == "OK"
    assert impatient.children() == pids


def is_over_after(raw, again):
    """Whether the connection has ended; 50 ms later it gets something more."""
    if select.select([raw], [], [], 0)[0] and is_over(raw):
        return True
    raw.setblocking(True)
    select.select([], [], [], 0.05)
    try:
        raw.sendall(again)
    except ConnectionError:
        return True
    return False


BIG = {"big": 'return function() return {text = ("x"):rep(4 * 1024 * 1024)} end'}


def test_client_that_opens_no_window_is_cut_off(start):
    server = start(BIG, ["--workers", "2", "--http2", "--write-stall-ms", "300"])
    with connect(server, (frames.INITIAL_WINDOW_SIZE, 0)) as raw:
        raw.sendall(frames.invoke(1, b"big"))
        frames.wait_closed(raw)
    assert server.get("/health").text == "OK"


def test_client_that_reads_slowly_is_not(start):
    server = start(BIG, ["--workers", "2", "--http2", "--write-stall-ms", "600"])
    window = frames.frame(frames.WINDOW_UPDATE, 1, (1 << 16).to_bytes(4, "big"))
    both = window + frames.frame(frames.WINDOW_UPDATE, 0, (1 << 16).to_bytes(4, "big"))
    with connect(server) as raw:
        raw.sendall(frames.invoke(1, b"big"))
        for _ in range(12):
            select.select([], [], [], 0.2)  # slow, but it goes on
            raw.sendall(both)
            for _ in range(4):
                assert frames.read_frame(raw)[0] != frames.GOAWAY


def test_unfinished_bodies_are_bounded(start):
    server = start(FUNCTIONS, ["--workers", "2", "--http2", "--buffers-max", str(16 * MIB)])
    opened = frames.hello() + b"".join(
        frames.head(i, b"/fn/invoke/echo", b"POST", frames.END_HEADERS) for i in range(1, 61, 2))
    raws = []
    for _ in range(4):
        raws.append(server.connect())
        raws[-1].sendall(opened)
    wait_until(lambda: any(select.select(raws, [], [], 0)[0] and is_over(raw) for raw in raws),
               "a connection to be closed")
    assert server.get("/health").text == "OK"
    for raw in raws:
        raw.close()


def is_over(raw):
    raw.setblocking(False)
    try:
        return raw.recv(65536) == b""
    except BlockingIOError:
        return False
    except ConnectionError:
        return True


# -- Frames that make no sense ---------------------------------------------------------------------

BAD = {
    "no settings": frames.PREFACE + b"nonsense" * 4,
    "even stream": frames.hello() + frames.head(2),
    "frame too large": frames.hello() + b"\xff\xff\xff\0\0\0\0\0\1",
    "data for no stream": frames.hello() + frames.frame(frames.DATA, 9, b"x"),
    "broken compression": frames.hello() + frames.frame(frames.HEADERS, 1, b"\xff" * 9, 5),
    "continuation alone": frames.hello() + frames.frame(9, 1, b"", 4),
    "window past its end": frames.hello() + 2 * frames.frame(frames.WINDOW_UPDATE, 0,
                                                            b"\x7f\xff\xff\xff"),
}


@pytest.mark.parametrize("data", BAD.values(), ids=BAD)
def test_nonsense_ends_the_connection(h2, data):
    with h2.connect() as raw:
        raw.sendall(data)
        frames.wait_closed(raw)
    assert h2.get("/health").text == "OK"


@pytest.mark.parametrize("more", [[(b"transfer-encoding", b"chunked")], [(b"connection", b"close")],
                                  [(b"content-length", b"9")], [(b"content-length", b"x")],
                                  [(b"X-Upper", b"1")], [(b":path", b"/other")],
                                  [(b"x-call-id", b"a\r\nInjected: 1")]])
def test_odd_headers_are_refused_or_harmless(h2, more):
    with connect(h2) as raw:
        raw.sendall(frames.head(1, b"/fn/invoke/echo", b"POST", frames.END_HEADERS, more)
                    + frames.frame(frames.DATA, 1, b"{}", frames.END_STREAM))
        while True:
            try:
                kind, flags, _, payload = frames.read_frame(raw)
            except ConnectionError:
                break
            assert b"njected" not in payload
            if kind in (frames.RST_STREAM, frames.GOAWAY) or flags & frames.END_STREAM and (
                    kind == frames.DATA):
                break
    assert h2.get("/health").text == "OK"


def test_unknown_frames_do_not_fill_the_log(h2):
    before = len(h2.log())
    with connect(h2) as raw:
        raw.sendall(b"".join(frames.frame(0x77) for _ in range(10000)) + frames.head(1))
        assert frames.replies(raw, [1])[1][0].startswith(frames.OK)
    assert len(h2.log()) - before < 10000


# -- Drain -----------------------------------------------------------------------------------------

def test_drain_says_goaway_and_answers_what_runs(start):
    server = start(FUNCTIONS, ["--workers", "2", "--http2"])
    with connect(server) as raw:
        raw.sendall(frames.invoke(1, b"sleep", b'{"ms":500}'))
        server.wait_in_flight("sleep", 1)
        server.process.send_signal(signal.SIGTERM)
        last = frames.wait_closed(raw)
    assert any(kind == frames.GOAWAY for kind, *_ in last)
    assert any(kind == frames.HEADERS and payload.startswith(frames.OK)
               for kind, _, _, payload in last)
    server.wait_ended()
