# SPDX-License-Identifier: MIT
"""test_connections.py - clients that leave, stall, or send all at once."""

import json
import select
import socket
import struct
import time

import pytest

from raw import chunk, chunked, exchange, get, invoke, read_reply, replies_of
from server import PATIENCE_S, SIGNALS_COME_AT_ONCE, Server, wait_until

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


def test_read_timeout_does_not_cut_a_long_call(impatient):
    with impatient.connect() as raw:
        raw.sendall(invoke(b'{"ms":1200}', "sleep"))
        assert read_reply(raw)[0] == 200
