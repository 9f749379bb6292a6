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


SMUGGLED = get(b"GET /fn/stats HTTP/1.1")


# -- Chunks ----------------------------------------------------------------------------------------

GOOD_CHUNKS = {
    "of one byte": [chunk(bytes([byte])) for byte in b'{"a":"b"}'],
    "of odd sizes": [chunk(b'{"'), chunk(b'a":"'), chunk(b'b"}')],
    "with leading zeros": [chunk(b'{"a":"b"}', b"00000%x")],
    "with an extension": [chunk(b'{"a":"b"}', rest=b';name="value"')],
    "with a long extension": [chunk(b'{"a":"b"}', rest=b";" + b"x" * 10000)],
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
    "bare LF after the size": b"2\n{}\r\n0\r\n\r\n",
    "bare LF after the data": b"2\r\n{}\n0\r\n\r\n",
    "bare CR after the size": b"2\r{}\r\n0\r\n\r\n",
    "space after the size": b"2 \r\n{}\r\n0\r\n\r\n",
    "bare LF in an extension": b"2;x\n{}\r\n0\r\n\r\n",
    "endless extension": b"2;" + b"x" * 2 * MIB,
    "bare LF as the end": b"2\r\n{}\r\n0\r\n\n",
    "bare LF in a trailer": b"2\r\n{}\r\n0\r\nX: y\n\r\n",
    "endless trailer": b"2\r\n{}\r\n0\r\n" + b"X: y\r\n" * MIB,
}


def expect_no_second(server, data):
    """One request, refused; what lies behind it is not taken as another one."""
    found = replies_of(server, data, 3)
    assert len(found) <= 1 and all(400 <= status < 500 for status, _ in found), found
    return found


@pytest.mark.parametrize("rest", BAD_CHUNKS.values(), ids=BAD_CHUNKS)
def test_bad_chunks_are_refused(unharmed, rest):
    expect_no_second(unharmed, chunked([rest]) + SMUGGLED)


def test_trailer_is_no_request(unharmed):
    data = chunked([chunk(b"{}"), b"0\r\nGET /fn/stats HTTP/1.1: x\r\n\r\n"]) + get()
    assert [body for _, body in replies_of(unharmed, data, 3)][1:] == [b"OK"]


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


LENGTH, CHUNKED = b"Content-Length: 2", b"Transfer-Encoding: chunked"
AMBIGUOUS = {  # what is wrong, and the head; the body is empty for some who read it, more for others
    "two lengths": ("Content-Length", [LENGTH, b"Content-Length: %d" % (2 + len(SMUGGLED))]),
    "the same length twice": ("Content-Length", [LENGTH, LENGTH]),
    "lengths in a list": ("Content-Length", [b"Content-Length: 2, 2"]),
    "length with a plus": ("Content-Length", [b"Content-Length: +2"]),
    "empty length": ("Content-Length", [b"Content-Length:"]),
    "length and chunked": ("beside", [LENGTH, CHUNKED]),
    "chunked and length": ("beside", [CHUNKED, LENGTH]),
    "chunked twice": ("Transfer-Encoding", [CHUNKED, CHUNKED]),
    "encoding given twice": ("Transfer-Encoding", [CHUNKED, b"Transfer-Encoding: identity"]),
    "identity before chunked": ("Transfer-Encoding", [b"Transfer-Encoding: identity", CHUNKED]),
    "encoding not last": ("Transfer-Encoding", [b"Transfer-Encoding: chunked, identity"]),
    "encoding in a list": ("Transfer-Encoding", [b"Transfer-Encoding: gzip, chunked"]),
    "encoding that is near it": ("Transfer-Encoding", [b"Transfer-Encoding: xchunked"]),
    "encoding with a vertical tab": ("Transfer-Encoding", [b"Transfer-Encoding:\x0bchunked"]),
    "space before the colon": ("colon", [b"Content-Length : 2"]),
    "tab before the colon": ("colon", [b"Transfer-Encoding\t: chunked"]),
    "folded length": ("second line", [b"X: a", b" Content-Length: 2"]),
    "folded value": ("second line", [b"Transfer-Encoding:", b"\tchunked"]),
    "bare LF behind a length": ("CR LF", [b"X: y\nContent-Length: 2"]),
    "bare CR behind a length": ("CR", [b"X: y\rContent-Length: 2"]),
    "NUL in a name": ("NUL", [b"Content-Length\0: 2"]),
    "two hosts": ("Host", [b"Host: b", LENGTH]),
    "bad host": ("Host", [b"Host: a, b"]),
}
REMAINS = {"text": b"{}", "chunk": b"2\r\n{}\r\n0\r\n\r\n", "none": b""}


@pytest.mark.parametrize("body", REMAINS.values(), ids=REMAINS)
@pytest.mark.parametrize("wrong, headers", AMBIGUOUS.values(), ids=AMBIGUOUS)
def test_request_whose_length_is_ambiguous_is_refused(unharmed, wrong, headers, body):
    data = get(b"POST /fn/invoke/echo HTTP/1.1", *headers) + body + SMUGGLED
    for _, text in expect_no_second(unharmed, data):
        if text.startswith(b"{"):  # ours
            error = json.loads(text)
            assert error["code"] == "bad_request" and wrong in error["error"]


@pytest.mark.parametrize("data, wrong", [
    (b"POST /fn/invoke/echo HTTP/1.1\r\n\r\n", "Host is missing"),
    (b"POST /fn/invoke/echo HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", "Host is given twice"),
    (b"POST /fn/invoke/echo HTTP/1.1\nHost: a\n\n", "CR LF"),
    (b"POST /fn/invoke/echo HTTP/1.1\r\nHost: a\r\n\n", "CR LF"),
    (b"\nPOST /fn/invoke/echo HTTP/1.1\r\nHost: a\r\n\r\n", "CR LF"),
    (b"POST /fn/invoke/echo HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
     "HTTP/1.0"),
    (get(b"POST /fn/invoke/echo HTTP/1.1", LENGTH, LENGTH, b"Expect: 100-continue") + b"{}",
     "Content-Length is given twice"),
], ids=["no host", "two hosts", "bare LFs", "bare LF as the end", "bare LF first",
        "chunked in 1.0", "100-continue"])
def test_ambiguous_head_is_named_and_ends_the_connection(unharmed, data, wrong):
    (reply,) = expect_no_second(unharmed, data + SMUGGLED)
    status, text = reply
    assert (status, json.loads(text)["code"]) == (400, "bad_request")
    assert wrong in json.loads(text)["error"]


def test_first_requests_of_a_pipeline_are_served_before_an_ambiguous_one(unharmed):
    bad = get(b"POST /fn/invoke/echo HTTP/1.1", LENGTH, LENGTH) + b"{}"
    found = replies_of(unharmed, invoke(b"{}") + get() + bad + SMUGGLED, 5)
    assert [status for status, _ in found][:2] == [200, 200]
    assert [status for status, _ in found][2:] in ([400], [])


@pytest.mark.parametrize("data", [
    b"GET /health HTTP/1.0\r\n\r\n",
    b"GET /health HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
    b"\r\n" + get(),
    get(b"POST /fn/invoke/echo HTTP/1.0", LENGTH) + b"{}",
], ids=["1.0", "1.0 kept", "empty line first", "1.0 with a length"])
def test_old_but_plain_heads_are_taken(unharmed, data):
    assert exchange(unharmed, data)[0] == 200


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
