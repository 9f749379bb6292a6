# SPDX-License-Identifier: MIT
"""raw.py - requests as bytes, over sockets: what a library would refuse to send."""

import http.client


def invoke(body, name="echo", headers=b""):
    return (b"POST /fn/invoke/%s HTTP/1.1\r\nHost: a\r\n%sContent-Length: %d\r\n\r\n%s"
            % (name.encode(), headers, len(body), body))


def chunked(parts, name="echo"):
    return (b"POST /fn/invoke/%s HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
            % name.encode() + b"".join(parts))


def chunk(data, size=b"%x", rest=b""):
    return size % len(data) + rest + b"\r\n" + data + b"\r\n"


def read_reply(raw):
    """(status, headers, body), or None when the connection was closed instead."""
    reply = http.client.HTTPResponse(raw)
    try:
        reply.begin()
        return reply.status, reply.headers, reply.read()
    except ConnectionError:
        return None  # http.client's for a closed connection are among these
    except http.client.BadStatusLine as error:
        raise AssertionError(f"no HTTP came back: {error}") from error


def exchange(server, data):
    """Sends all of it, as far as the server lets us, and reads one reply."""
    with server.connect() as raw:
        try:
            raw.sendall(data)
        except ConnectionError:
            pass
        return read_reply(raw)


def get(line=b"GET /health HTTP/1.1", *headers):
    return b"\r\n".join([line, b"Host: a", *headers, b"", b""])


def replies_of(server, data, most):
    """Statuses and bodies of what comes back before the connection closes, at most so many."""
    with server.connect() as raw:
        try:
            raw.sendall(data)
        except ConnectionError:
            pass
        stream, found = raw.makefile("rb"), []
        while len(found) < most:
            reply = http.client.HTTPResponse(_Stream(stream))
            try:
                reply.begin()
            except (ConnectionError, http.client.BadStatusLine):
                break
            found.append((reply.status, reply.read()))
        return found


class _Stream:
    """Lets several HTTPResponses read one connection."""

    def __init__(self, stream):
        self.stream = stream

    def makefile(self, _mode):
        return self

    def close(self):
        """The next one reads on."""

    def __getattr__(self, name):
        return getattr(self.stream, name)
