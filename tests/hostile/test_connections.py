# SPDX-License-Identifier: MIT
"""test_connections.py - clients that leave, stall, or send all at once."""

import json
import select
import socket
import struct
import time

import pytest

from raw import chunk, chunked, exchange, get, invoke, read_reply, replies_of
from server import BINARY, PATIENCE_S, SIGNALS_COME_AT_ONCE, Server, wait_until

REQUEST = invoke(b'{"a":"' + b"x" * 1000 + b'"}')
HEAD = REQUEST.index(b"\r\n\r\n") + 4


def close(raw):
    raw.close()


def reset(raw):
    """Closes with RST instead of FIN."""
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    raw.close()


def half_close_first(raw):
    raw.shutdown(socket.SHUT_WR)
    raw.close()


LEAVINGS = pytest.mark.parametrize("leave", [close, reset, half_close_first])


def in_flight(server):
    return sum(stats["in_flight"] for stats in server.get("/fn/stats").json().values())


def sockets_of_front(server):
    """Open descriptors of the front, as it counts them itself."""
    text = server.get("/metrics").text
    return float(text.split("\nprocess_open_fds ")[1].split("\n")[0])


# -- Leaving ---------------------------------------------------------------------------------------

@LEAVINGS
@pytest.mark.parametrize("sent", [0, 1, 5, 20, HEAD - 2, HEAD - 1, HEAD, HEAD + 1, len(REQUEST) - 1,
                                  len(REQUEST)])
def test_client_may_leave_in_a_request(unharmed, leave, sent):
    before = sockets_of_front(unharmed)
    for _ in range(20):
        raw = unharmed.connect()
        raw.sendall(REQUEST[:sent])
        leave(raw)
    wait_until(lambda: sockets_of_front(unharmed) <= before, "the connections to be closed")
    wait_until(lambda: in_flight(unharmed) == 0, "no call to be left")


@LEAVINGS
def test_client_may_leave_in_a_chunk(unharmed, leave):
    whole = chunked([chunk(b'{"a":'), chunk(b'"b"}'), b"0\r\n\r\n"])
    for sent in range(whole.index(b"\r\n\r\n"), len(whole)):
        raw = unharmed.connect()
        raw.sendall(whole[:sent])
        leave(raw)
    wait_until(lambda: in_flight(unharmed) == 0, "no call to be left")


CALLS = {
    "running": invoke(b'{"ms":200}', "spins"),
    "asleep": invoke(b'{"ms":300}', "sleep"),
    "burst": invoke(b'{"ms":300}').replace(b"invoke/echo", b"burst/sleep"),
    "chain": invoke(b'{"chain":["sleep","echo"],"params":{"ms":300}}').replace(b"invoke/echo",
                                                                              b"chain"),
    "fanout": invoke(b'{"function":"sleep","params":{"ms":300}}', "fanout"),
}


@LEAVINGS
@pytest.mark.parametrize("data", CALLS.values(), ids=CALLS)
def test_client_may_leave_while_its_call_runs(unharmed, leave, data):
    raws = [unharmed.connect() for _ in range(3)]
    for raw in raws:
        raw.sendall(data)
    wait_until(lambda: in_flight(unharmed) >= 3, "the calls")
    for raw in raws:
        leave(raw)
    wait_until(lambda: in_flight(unharmed) == 0, "the calls to end")


@LEAVINGS
def test_request_of_a_client_that_left_is_let_go_with_its_call(unharmed, leave):
    raw = unharmed.connect()
    raw.sendall(invoke(b'{"ms":2000}', "sleep"))
    wait_until(lambda: figure(unharmed, "faas_requests_in_flight") == 2, "the request")
    leave(raw)
    wait_until(lambda: figure(unharmed, "faas_requests_in_flight") == 1, "the request to go")
    wait_until(lambda: in_flight(unharmed) == 0, "the call to end")


@LEAVINGS
def test_request_of_a_client_that_sent_another_and_left_is_let_go(unharmed, leave):
    raw = unharmed.connect()
    raw.sendall(invoke(b'{"ms":2000}', "sleep") + invoke(b'{"ms":3000}', "sleep"))
    wait_until(lambda: figure(unharmed, "faas_requests_in_flight") == 2, "the request")
    leave(raw)
    wait_until(lambda: figure(unharmed, "faas_requests_in_flight") == 1, "the request to go")
    wait_until(lambda: in_flight(unharmed) == 0, "the call to end")


@LEAVINGS
@pytest.mark.skipif(not SIGNALS_COME_AT_ONCE, reason="needs signals at once")
@pytest.mark.parametrize("name, params", [("forever", {}), ("sleep", {"ms": 60000}),
                                          ("fanout", {"function": "forever", "count": 2})])
def test_call_of_a_client_that_left_is_cancelled(start, leave, name, params):
    server = start({"forever": "return {timeout_ms = 600000, handler = function() "
                               "while true do end end}"}, ["--workers", "2"])
    with server.connect() as other:
        for _ in range(3):
            raw = server.connect()
            raw.sendall(invoke(json.dumps(params).encode(), name))
            server.wait_in_flight(params.get("function", name), params.get("count", 1))
            leave(raw)
            wait_until(lambda: in_flight(server) == 0, "the calls to end", 20)
        other.sendall(invoke(b'{"rounds":1}', "hash"))
        assert read_reply(other)[0] == 200
    assert 'outcome="cancelled"} ' in server.get("/metrics").text
    assert figure(server, "faas_worker_restarts_total") == 0


def figure(server, name):
    return float(server.get("/metrics").text.split(f"\n{name} ")[1].split("\n")[0])


def queue_depth(server):
    return figure(server, "faas_queue_depth")


@LEAVINGS
def test_client_may_leave_while_its_call_is_queued(unharmed, leave):
    echoes = unharmed.stats("takes")["invocations"]
    busy = [unharmed.connect() for _ in range(2)]
    for raw in busy:
        raw.sendall(invoke(b'{"ms":800}', "spins"))
    unharmed.wait_in_flight("spins", 2)
    queued = [unharmed.connect() for _ in range(20)]
    for raw in queued:
        raw.sendall(invoke(b"{}", "takes"))
    wait_until(lambda: queue_depth(unharmed) == 20, "20 calls in the queue")
    for raw in queued:
        leave(raw)
    wait_until(lambda: queue_depth(unharmed) == 0, "the queue to be empty")
    assert [read_reply(raw)[0] for raw in busy] == [200, 200]
    for raw in busy:
        raw.close()
    if leave is reset:
        assert unharmed.stats("takes")["invocations"] == echoes  # dropped before they ran


def test_reply_comes_to_a_client_that_closed_its_half(unharmed):
    with unharmed.connect() as raw:
        raw.sendall(REQUEST)
        raw.shutdown(socket.SHUT_WR)
        reply = read_reply(raw)
    assert reply is None or reply[0] == 200


# -- All at once -----------------------------------------------------------------------------------

def tokens(count, name="echo"):
    return [invoke(b'{"token":%d}' % i, name) for i in range(count)]


def test_pipelined_requests_are_answered_in_order(unharmed):
    found = replies_of(unharmed, b"".join(tokens(200)), 200)
    assert [status for status, _ in found] == [200] * 200
    assert [json.loads(body)["token"] for _, body in found] == list(range(200))


def test_bad_request_ends_a_pipeline(unharmed):
    requests = tokens(10)
    requests[5] = b"\0\1\2 nonsense\r\n\r\n"
    found = replies_of(unharmed, b"".join(requests), 10)
    assert [status for status, _ in found] in ([200] * 5, [200] * 5 + [400])


@LEAVINGS
def test_client_may_leave_in_a_pipeline(unharmed, leave):
    for count in [1, 2, 50]:
        raw = unharmed.connect()
        raw.sendall(b"".join(tokens(count)) + REQUEST[:HEAD + 5])
        leave(raw)
    wait_until(lambda: in_flight(unharmed) == 0, "no call to be left")


def test_connections_that_say_nothing_keep_nobody_out(unharmed):
    silent = [unharmed.connect() for _ in range(500)]
    assert exchange(unharmed, REQUEST)[0] == 200
    for raw in silent:
        raw.close()


def test_connections_past_the_limit_wait_for_room(start):
    server = start(flags=["--connections-max", "4"])
    server.session.close()
    held = [server.connect() for _ in range(4)]
    for raw in held:
        raw.sendall(get())
        assert read_reply(raw)[0] == 200
    with server.connect() as late:
        late.sendall(get())
        assert not select.select([late], [], [], 0.2)[0]
        held.pop().close()
        assert read_reply(late)[0] == 200
    for raw in held:
        raw.close()


# -- Stalling --------------------------------------------------------------------------------------

STALLS = {  # what is sent at once, what then comes byte by byte
    "nothing": (b"", b""),
    "request line cut short": (b"GET /hea", b""),
    "head cut short": (get()[:-2], b""),
    "head that grows": (get()[:-2], b"X: " + b"y" * 100000),
    "body that does not come": (REQUEST[:HEAD], b""),
    "body cut short": (REQUEST[:-1], b""),
    "body that drips": (REQUEST[:HEAD], REQUEST[HEAD:]),
    "chunks that drip": (chunked([]), b"1\r\n{\r\n" * 1000),
    "chunk extension that drips": (chunked([b"1;"]), b"x" * 10000),
    "trailer that drips": (chunked([b"0\r\n"]), b"X: y\r\n" * 1000),
    "chunk cut short": (chunked([b"5\r\n{}"]), b""),
    "chunk size cut short": (chunked([b"5"]), b""),
    "connection kept after a reply": (get(), b""),
}


def is_closed(raw):
    try:
        return raw.recv(65536) == b""
    except ConnectionError:
        return True


def stall(raw, first, more):
    """Sends `first`, then `more` a byte each 20 ms; the seconds until the server closed."""
    began = time.monotonic()
    raw.sendall(first)
    for i in range(len(more) or 1):
        if select.select([raw], [], [], 0.02 if more else PATIENCE_S)[0] and is_closed(raw):
            break
        assert time.monotonic() - began < PATIENCE_S, "still open"
        try:
            raw.send(more[i:i + 1])
        except ConnectionError:
            break
    while not is_closed(raw):
        assert time.monotonic() - began < PATIENCE_S, "still open"
    return time.monotonic() - began


@pytest.fixture(scope="module", name="impatient")
def impatient_server():
    with Server(flags=["--workers", "1", "--read-timeout-ms", "300"]) as running:
        yield running


@pytest.mark.parametrize("first, more", STALLS.values(), ids=STALLS)
def test_stalling_client_is_cut_off(impatient, first, more):
    pids = impatient.children()
    with impatient.connect() as raw:
        assert stall(raw, first, more) >= 0.25
    assert impatient.get("/health").text == "OK"
    assert impatient.children() == pids


# -- Hoarding --------------------------------------------------------------------------------------

MIB = 1 << 20
HOARDED = ["--workers", "2", "--buffers-max", str(20 << 20), "--queue-wait-ms", "60000"]
BIG = {"big": 'return function() return {text = ("x"):rep(5 * 1024 * 1024)} end', "echo":
       "return function(params) return params end"}


def resident(server):
    """Bytes of the front's memory."""
    return figure(server, "process_resident_memory_bytes")


def ended(raws):
    """Those of the connections that the server has closed."""
    return [raw for raw in select.select(raws, [], [], 0)[0] if is_ended(raw)]


def is_ended(raw):
    try:
        return raw.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b""
    except BlockingIOError:
        return False
    except ConnectionError:
        return True


def never_reading(server, data):
    raw = socket.socket()
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    raw.connect(("127.0.0.1", server.port))
    raw.settimeout(PATIENCE_S)
    raw.sendall(data)
    return raw


def test_replies_that_nobody_reads_are_bounded(start):
    server = start(BIG, HOARDED)
    raws = []
    for i in range(12):
        raws.append(never_reading(server, invoke(b"{}", "big") * 5))
        wait_until(lambda most=i + 1: server.stats("big")["invocations"] >= most, "the call")
    wait_until(lambda: server.stats("big")["in_flight"] == 0, "the calls to end")
    # The kernel holds some of each reply, and three replies fit.
    wait_until(lambda: figure(server, "faas_requests_in_flight") <= 5, "the others to be given up")
    assert server.result("echo", {"a": 1})["a"] == 1
    assert resident(server) < 80 * MIB or not SIGNALS_COME_AT_ONCE or "/asan/" in BINARY
    for raw in raws:
        raw.close()


def test_large_reply_is_sent_whole_beside_those_that_nobody_reads(start):
    server = start(BIG, HOARDED)
    raws = [never_reading(server, invoke(b"{}", "big")) for _ in range(8)]
    for _ in range(3):
        assert len(server.result("big")["text"]) == 5 * MIB
    for raw in raws:
        raw.close()


def test_bodies_half_sent_are_bounded(start):
    server = start(BIG, ["--workers", "2", "--buffers-max", str(8 * MIB)])
    head = invoke(b" " * 1000000)[:-100000]
    raws = []
    for _ in range(40):
        raws.append(server.connect())
        try:
            raws[-1].sendall(head)
        except ConnectionError:
            pass
    wait_until(lambda: len(ended(raws)) >= 30, "most of them to be closed")
    assert server.result("echo", {"a": "x" * 900000})
    for raw in raws:
        raw.close()


def test_heads_half_sent_are_bounded(start):
    server = start(BIG, ["--workers", "2", "--buffers-max", str(4 * MIB)])
    raws = []
    for _ in range(40):
        raws.append(server.connect())
        try:
            raws[-1].sendall(get()[:-2] + b"X: " + b"x" * 400000)
        except ConnectionError:
            pass
    wait_until(lambda: len(ended(raws)) >= 25, "most of them to be closed")
    assert server.result("echo", {"a": 1})
    for raw in raws:
        raw.close()


def test_bodies_of_calls_are_bounded(start):
    server = start(BIG, ["--workers", "2", "--buffers-max", str(MIB)])
    body = b'{"ms":60000,"x":"' + b"x" * 600000 + b'"}'
    with server.connect() as first:
        first.sendall(invoke(body, "sleep"))
        server.wait_in_flight("sleep", 1)
        status, headers, text = exchange(server, invoke(body, "sleep"))
        assert (status, json.loads(text)["code"]) == (503, "queue_full")
        assert headers["retry-after"]
        assert server.result("echo", {"a": 1})["a"] == 1
    server.wait_in_flight("sleep", 0)
    assert server.result("echo", {"a": "x" * 600000})


def test_thousands_of_pipelined_requests_are_answered_in_order(start):
    server = start(BIG, ["--workers", "2"])
    before = resident(server)
    found = replies_of(server, b"".join(tokens(5000)), 5000)
    assert [json.loads(body)["token"] for _, body in found] == list(range(5000))
    assert resident(server) - before < 16 * MIB or "/release/" not in BINARY


def test_read_timeout_does_not_cut_a_long_call(impatient):
    with impatient.connect() as raw:
        raw.sendall(invoke(b'{"ms":1200}', "sleep"))
        assert read_reply(raw)[0] == 200
