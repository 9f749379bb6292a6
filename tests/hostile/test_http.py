# SPDX-License-Identifier: MIT
"""test_http.py - requests that no decent client sends: refused or cut off, and nobody else minds."""

import json
import socket

import pytest

from raw import chunk, chunked, exchange, get, invoke, read_reply, replies_of

MIB = 1 << 20


def expect_refused(reply, *codes):
    """A 4xx that says why, or a closed connection."""
    if reply is None:
        return
    status, headers, body = reply
    assert 400 <= status < 500, (status, body[:300])
    if headers["content-type"] == "application/json":
        error = json.loads(body)
        assert error["error"] and error["code"]
        assert not codes or error["code"] in codes, error


# -- Bodies ----------------------------------------------------------------------------------------

DEEP = 100000
BODIES = {
    "words": b"hello",
    "xml": b"<a>1</a>",
    "form": b"a=1&b=2",
    "lists nested deep": b"[" * DEEP + b"]" * DEEP,
    "lists nested deep in an object": b'{"a":' + b"[" * DEEP + b"]" * DEEP + b"}",
    "objects nested deep": b'{"a":' * DEEP + b"1" + b"}" * DEEP,
    "lists never closed": b"[" * DEEP,
    "objects never closed": b'{"a":' * DEEP,
    "string never closed": b'{"a":"' + b"x" * DEEP,
    "NUL bytes": b"\0" * 100,
    "NUL in a key": b'{"a\0b":1}',
    "NUL after the end": b'{"a":1}\0',
    "escaped NUL in a key": b'{"a\\u0000b":1}',
    "invalid UTF-8": b'{"a":"\xff\xfe"}',
    "overlong UTF-8": b'{"a":"\xc0\x80"}',
    "surrogate in UTF-8": b'{"a":"\xed\xa0\x80"}',
    "UTF-8 cut short": b'{"a":"\xe2\x82"}',
    "beyond Unicode": b'{"a":"\xf5\x80\x80\x80"}',
    "UTF-16": '{"a":1}'.encode("utf-16"),
    "lone high surrogate": b'{"a":"\\ud800"}',
    "lone low surrogate": b'{"a":"\\udc00"}',
    "surrogates in the wrong order": b'{"a":"\\udc00\\ud800"}',
    "duplicate keys": b'{"a":1,"a":2}',
    "duplicate keys by escapes": b'{"a":1,"\\u0061":2}',
    "duplicate keys within": b'{"a":{"b":1,"b":1}}',
    "huge exponent": b'{"a":1e999999}',
    "huge integer": b'{"a":1' + b"0" * DEEP + b"}",
    "huge negative": b'{"a":-1e400}',
    "bare minus": b'{"a":-}',
    "comments": b'{"a":1 /* one */}',
    "two values": b"{}{}",
    "control characters": b'{"a":"\x01"}',
}


@pytest.mark.parametrize("path", ["/fn/invoke/echo", "/fn/burst/echo", "/fn/chain"])
@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_bad_body_is_refused(unharmed, path, body):
    data = invoke(body).replace(b"/fn/invoke/echo", path.encode())
    expect_refused(exchange(unharmed, data), "bad_json")


@pytest.mark.parametrize("depth", [1, 100, 127, 128, 129, 1000, 1900, 2000, 2046, 2047, 2048, 2049])
@pytest.mark.parametrize("opening, closing", [(b"[", b"]"), (b'{"a":', b"}")], ids=["[]", "{}"])
def test_nesting_is_taken_or_refused(unharmed, opening, closing, depth):
    body = b'{"a":' + opening * depth + b"1" + closing * depth + b"}"
    reply = exchange(unharmed, invoke(body, "takes"))
    assert reply[0] in (200, 400), reply
    assert reply[0] == 200 or depth > 127


def too_large(size, kind):
    body = b'{"a":"' + b"x" * (size - 8) + b'"}'
    if kind == "chunked":
        parts = (chunk(body[i:i + 65536]) for i in range(0, size, 65536))
        return chunked([*parts, b"0\r\n\r\n"])
    return invoke(body, headers=b"Expect: 100-continue\r\n" if kind == "expect" else b"")


@pytest.mark.parametrize("kind", ["length", "chunked", "expect"])
@pytest.mark.parametrize("size", [MIB + 1, 10 * MIB])
def test_body_that_is_too_large_is_refused(unharmed, kind, size):
    reply = exchange(unharmed, too_large(size, kind))
    expect_refused(reply, "too_large")
    assert reply is None or reply[0] == 413


@pytest.mark.parametrize("length", [10 * MIB, 1 << 31, 1 << 32, (1 << 63) - 1])
def test_body_announced_too_large_is_refused_before_it_comes(unharmed, length):
    head = b"POST /fn/invoke/echo HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n" % length
    for more in [b"\r\n", b"Expect: 100-continue\r\n\r\n"]:
        reply = exchange(unharmed, head + more)
        assert reply and reply[0] == 413


def test_body_is_taken_after_100_continue(unharmed):
    body = b'{"a":"' + b"x" * 500000 + b'"}'
    head = invoke(body, headers=b"Expect: 100-continue\r\n")[:-len(body)]
    with unharmed.connect() as raw:
        raw.sendall(head)
        assert raw.recv(12) == b"HTTP/1.1 100"
        rest = b""
        while not rest.endswith(b"\r\n\r\n"):
            rest += raw.recv(1)
        raw.sendall(body)
        assert read_reply(raw)[0] == 200


@pytest.mark.parametrize("data", [
    invoke(b'{"slow":"body"}'),
    chunked([chunk(b'{"slow"'), chunk(b':"body"}'), b"0\r\n\r\n"]),
], ids=["length", "chunked"])
def test_request_may_come_a_byte_at_a_time(unharmed, data):
    with unharmed.connect() as raw:
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for i in range(len(data)):
            raw.send(data[i:i + 1])
        status, _, body = read_reply(raw)
    assert (status, json.loads(body)["slow"]) == (200, "body")


# -- Chunks ----------------------------------------------------------------------------------------

GOOD_CHUNKS = {
    "of one byte": [chunk(bytes([byte])) for byte in b'{"a":"b"}'],
    "of odd sizes": [chunk(b'{"'), chunk(b'a":"'), chunk(b'b"}')],
    "with leading zeros": [chunk(b'{"a":"b"}', b"00000%x")],
    "with an extension": [chunk(b'{"a":"b"}', rest=b';name="value"')],
    "with a long extension": [chunk(b'{"a":"b"}', rest=b";" + b"x" * 2 * MIB)],
    "with upper-case sizes": [chunk(b'{"a":"b" }'.ljust(0x1A), b"%X")],
}


@pytest.mark.parametrize("end", [b"0\r\n\r\n", b"0000\r\n\r\n", b"0\r\nTrailer: x\r\n\r\n"])
@pytest.mark.parametrize("parts", GOOD_CHUNKS.values(), ids=GOOD_CHUNKS)
def test_chunks_are_put_together(unharmed, parts, end):
    status, _, body = exchange(unharmed, chunked([*parts, end]))
    assert (status, json.loads(body)["a"]) == (200, "b")


BAD_CHUNKS = {
    "no hex": b"zz\r\n{}\r\n0\r\n\r\n",
    "negative": b"-2\r\n{}\r\n0\r\n\r\n",
    "empty size": b"\r\n{}\r\n0\r\n\r\n",
    "0x": b"0x2\r\n{}\r\n0\r\n\r\n",
    "larger than any number": b"F" * 17 + b"\r\n{}\r\n0\r\n\r\n",
    "largest number": b"7FFFFFFFFFFFFFFF\r\n{}\r\n0\r\n\r\n",
    "wraps around": b"FFFFFFFFFFFFFFFE\r\n{}\r\n0\r\n\r\n",
    "zeros without end": b"0" * MIB * 2,
    "NUL": b"\0\0\0\0",
    "longer than its size": b"2\r\n{}{}{}{}\r\n0\r\n\r\n",
}


# What libh2o 2.2.5 decides before a handler sees the request, and wrongly.
in_libh2o = pytest.mark.xfail(strict=True, reason="libh2o 2.2.5 takes it, and hides it from us")


def known(table, *ids):
    """The cases of a table, those of `ids` as known faults of libh2o."""
    return [pytest.param(case, id=name, marks=[in_libh2o] if name in ids else [])
            for name, case in table.items()]


@pytest.mark.parametrize("rest", known(BAD_CHUNKS, "0x"))
def test_bad_chunks_are_refused(unharmed, rest):
    expect_refused(exchange(unharmed, chunked([rest])))


# -- Heads -----------------------------------------------------------------------------------------

SETTINGS_FRAME = b"\0\0\0\4\0\0\0\0\0"
BAD_HEADS = {
    "HTTP/2 preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + SETTINGS_FRAME,
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x41" * 500,
    "SSH": b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
    "NUL bytes": b"\0" * 64 + b"\r\n\r\n",
    "no version": b"GET /health\r\n\r\n",
    "method alone": b"GET\r\n\r\n",
    "unknown version": get(b"GET /health HTTP/9.9"),
    "version 2.0": get(b"GET /health HTTP/2.0"),
    "no path": get(b"GET  HTTP/1.1"),
    "NUL in the path": get(b"GET /he\0alth HTTP/1.1"),
    "control character in the path": get(b"GET /he\x01alth HTTP/1.1"),
    "no slash": get(b"GET health HTTP/1.1"),
    "asterisk": get(b"OPTIONS * HTTP/1.1"),
    "CONNECT": get(b"CONNECT example.com:443 HTTP/1.1"),
    "unknown method": get(b"BREW /health HTTP/1.1"),
    "long method": get(b"G" * 100000 + b" /health HTTP/1.1"),
    "long path": get(b"GET /" + b"x" * MIB + b" HTTP/1.1"),
    "path out of the root": get(b"GET /../../etc/passwd HTTP/1.1"),
    "huge header": get(b"GET /health HTTP/1.1", b"X: " + b"x" * MIB),
    "too many headers": get(b"GET /health HTTP/1.1", *[b"X-%d: 1" % i for i in range(1000)]),
    "header without a colon": get(b"GET /health HTTP/1.1", b"nonsense"),
    "header without a name": get(b"GET /health HTTP/1.1", b": x"),
    "space before the colon": get(b"GET /health HTTP/1.1", b"A : b"),
    "NUL in a name": get(b"GET /health HTTP/1.1", b"A\0: b"),
    "NUL in a value": get(b"GET /health HTTP/1.1", b"A: b\0c"),
    "length of words": get(b"POST /fn/invoke/echo HTTP/1.1", b"Content-Length: many"),
    "negative length": get(b"POST /fn/invoke/echo HTTP/1.1", b"Content-Length: -1"),
    "length with a plus": get(b"POST /fn/invoke/echo HTTP/1.1", b"Content-Length: +2") + b"{}",
    "length past any number": get(b"POST /fn/invoke/echo HTTP/1.1", b"Content-Length: " + b"9" * 30),
    "list of lengths": get(b"POST /fn/invoke/echo HTTP/1.1", b"Content-Length: 2, 2") + b"{}",
    "unknown transfer encoding": get(b"POST /fn/invoke/echo HTTP/1.1", b"Transfer-Encoding: gzip"),
    "bad timeout": get(b"POST /fn/invoke/echo HTTP/1.1", b"X-Timeout-Ms: soon"),
}


@pytest.mark.parametrize("data", BAD_HEADS.values(), ids=BAD_HEADS)
def test_bad_head_is_refused(unharmed, data):
    expect_refused(exchange(unharmed, data))


SMUGGLED = get(b"GET /fn/stats HTTP/1.1")
AMBIGUOUS = {
    "two lengths": [b"Content-Length: 2", b"Content-Length: %d" % (2 + len(SMUGGLED))],
    "two lengths, the larger first": [b"Content-Length: %d" % (2 + len(SMUGGLED)),
                                      b"Content-Length: 2"],
    "encoding given twice": [b"Transfer-Encoding: chunked", b"Transfer-Encoding: identity"],
    "encoding not last": [b"Transfer-Encoding: chunked, identity"],
}


@pytest.mark.parametrize("headers", known(AMBIGUOUS, "two lengths"))
def test_request_whose_length_is_ambiguous_is_refused(unharmed, headers):
    data = get(b"POST /fn/invoke/echo HTTP/1.1", *headers) + b"{}" + SMUGGLED
    expect_refused(exchange(unharmed, data))


def test_chunked_wins_over_a_length(unharmed):
    # Or it is refused: what must not be is that the chunks become a request of their own.
    data = get(b"POST /fn/invoke/echo HTTP/1.1", b"Content-Length: 4",
               b"Transfer-Encoding: chunked") + b"2\r\n{}\r\n0\r\n\r\n" + get()
    found = replies_of(unharmed, data, 3)
    assert [status for status, _ in found] in ([200, 200], [400], [])


# -- Paths and headers that come back --------------------------------------------------------------

@pytest.mark.parametrize("path", [
    b"/fn/invoke/a%0d%0aInjected:%201", b'/fn/invoke/"quote', b"/fn/invoke/\xff\xfe",
    b"/fn/invoke/%00", b"/fn/invoke/..%2f..%2fetc", b"/fn/invoke/../../etc", b"/fn/invoke/\\",
    b"/fn/invoke/" + b"a" * 5000, b"/fn/invoke/echo?start=%0d%0aInjected:1",
    b'/fn/invoke/echo?start="\xff', b"/fn/burst/echo?count=\xff", b"/\xff", b"/%0d%0aInjected:1",
    b"/fn/invoke/echo%2e", b"/fn/invoke/echo/", b"//fn//invoke//nothing",
])
def test_odd_path_is_refused_in_json(unharmed, path):
    data = invoke(b"{}").replace(b"/fn/invoke/echo", path)
    status, headers, body = exchange(unharmed, data)
    assert status in (400, 404)
    assert json.loads(body)["code"] in ("unknown_function", "not_found", "bad_request")
    assert "injected" not in headers


@pytest.mark.parametrize("value", [
    b"", b" ", b"a b", b"a\tb", b"a\x7fb", b"\x80\xff", "é".encode(), b"x" * 129, b"x" * 5000,
    b"a\rInjected: 1", b"a\r\n Injected: 1", b"a\nInjected: 1",
])
@pytest.mark.parametrize("name", [b"X-Call-Id", b"traceparent"])
def test_header_value_is_not_echoed_as_it_is(unharmed, name, value):
    reply = exchange(unharmed, invoke(b"{}", headers=name + b": " + value + b"\r\n"))
    if reply is None or reply[0] == 400:
        return
    status, headers, _ = reply
    assert status == 200 and "injected" not in headers
    sent = headers["x-call-id"]
    assert 0 < len(sent) <= 128 and all("!" <= c <= "~" for c in sent)
    assert sent.encode() != value


@pytest.mark.parametrize("value", [b"x", b"x" * 128, b"a:b\"c\\d<e>%0d%0a"])
def test_valid_call_id_is_echoed(unharmed, value):
    status, headers, _ = exchange(unharmed, invoke(b"{}", headers=b"X-Call-Id: " + value + b"\r\n"))
    assert (status, headers["x-call-id"].encode()) == (200, value)
