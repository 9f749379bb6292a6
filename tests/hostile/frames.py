# SPDX-License-Identifier: MIT
"""frames.py - HTTP/2 as bytes: what a library would refuse to send."""

import socket
import struct

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE = 0, 1, 3, 4, 6, 7, 8
END_STREAM, END_HEADERS, ACK = 1, 4, 1
INITIAL_WINDOW_SIZE = 4
OK = b"\x88"  # how HPACK writes :status 200


def frame(kind, stream=0, payload=b"", flags=0):
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


def settings(*pairs):
    return frame(SETTINGS, payload=b"".join(struct.pack(">HI", *pair) for pair in pairs))


def fields(pairs):
    """Header fields, never indexed: all of them shorter than 127 bytes."""
    return b"".join(b"\x10" + bytes([len(name)]) + name + bytes([len(value)]) + value
                    for name, value in pairs)


def head(stream, path=b"/health", method=b"GET", flags=END_STREAM | END_HEADERS, more=()):
    return frame(HEADERS, stream, fields([(b":method", method), (b":scheme", b"http"),
                                          (b":authority", b"localhost"), (b":path", path), *more]),
                 flags)


def invoke(stream, name=b"echo", body=b"{}"):
    return (head(stream, b"/fn/invoke/" + name, b"POST", END_HEADERS)
            + frame(DATA, stream, body, END_STREAM))


def reset(stream):
    return frame(RST_STREAM, stream, struct.pack(">I", 8))  # CANCEL


def hello(*pairs):
    return PREFACE + settings(*pairs)


def read_exactly(raw, count):
    found = b""
    while len(found) < count:
        piece = raw.recv(count - len(found))
        if not piece:
            raise ConnectionError("closed")
        found += piece
    return found


def read_frame(raw):
    """(kind, flags, stream, payload); ConnectionError when the connection ends instead."""
    start = read_exactly(raw, 9)
    kind, flags, stream = struct.unpack(">BBI", start[3:])
    return kind, flags, stream, read_exactly(raw, int.from_bytes(start[:3], "big"))


def replies(raw, streams):
    """{stream: (head, body)} once all of `streams` have been answered in full."""
    heads, bodies, ended = {}, {}, set()
    while not set(streams) <= ended:
        kind, flags, stream, payload = read_frame(raw)
        assert kind not in (GOAWAY, RST_STREAM), (kind, stream, payload)
        if kind == HEADERS:
            heads[stream] = payload
        if kind == DATA:
            bodies[stream] = bodies.get(stream, b"") + payload
        if kind in (HEADERS, DATA) and flags & END_STREAM:
            ended.add(stream)
    return {stream: (heads[stream], bodies.get(stream, b"")) for stream in streams}


def wait_closed(raw):
    """The last frames before the connection ends; a timeout is a failure."""
    found = []
    try:
        while True:
            found.append(read_frame(raw))
    except socket.timeout as error:
        raise AssertionError("still open") from error
    except ConnectionError:
        return found
