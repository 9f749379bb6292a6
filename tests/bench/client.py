# SPDX-License-Identifier: MIT
"""client.py - who asks: one keep-alive connection, or wrk."""

import json
import pathlib
import re
import shutil
import socket
import subprocess

SCRIPT = pathlib.Path(__file__).with_name("post.lua")
PATIENCE_S = 30
LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.I)


class Missing(Exception):
    """Something that a measurement needs is not on this machine."""


def request(method, path, body=b""):
    """The bytes of a request."""
    length = f"Content-Length: {len(body)}\r\n" if method == "POST" else ""
    return f"{method} {path} HTTP/1.1\r\nHost: localhost\r\n{length}\r\n".encode() + body


def invoke(function, start=None, body=b"{}"):
    """The bytes of a call."""
    return request("POST", f"/fn/invoke/{function}" + (f"?start={start}" if start else ""), body)


class Connection:
    """One keep-alive connection, on which requests go one after another."""

    def __init__(self, port, patience_s=PATIENCE_S):
        self.socket = socket.create_connection(("127.0.0.1", port), patience_s)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def _more(self):
        data = self.socket.recv(1 << 16)
        if not data:
            raise ConnectionError("the server closed the connection")
        return data

    def ask(self, data):
        """(status, head, body) of the reply to a request's bytes."""
        self.socket.sendall(data)
        got = self._more()
        while (end := got.find(b"\r\n\r\n")) < 0:
            got += self._more()
        length = end + 4 + int(LENGTH.search(got, 0, end + 2)[1])
        while len(got) < length:
            got += self._more()
        return int(got[9:12]), got[:end], got[end + 4:]

    def call(self, data):
        """The head of a reply that has to be 200."""
        status, head, body = self.ask(data)
        if status != 200:
            raise RuntimeError(f"got {status}: {body.decode(errors='replace')}")
        return head

    def json(self, method, path):
        return json.loads(self.ask(request(method, path))[2])


def wrk_command(port, path, seconds, connections, body="{}"):
    """What runs wrk with one thread."""
    program = shutil.which("wrk")
    if not program:
        raise Missing("wrk is not installed")
    return [program, "-t1", f"-c{connections}", f"-d{seconds}s", "-s", str(SCRIPT),
            f"http://127.0.0.1:{port}{path}", "--", body]


def wrk(port, path, seconds, connections, body="{}"):
    """{"requests", "seconds"} of one run; every reply has to be good."""
    done = subprocess.run(wrk_command(port, path, seconds, connections, body), text=True, check=True,
                          stdout=subprocess.PIPE, timeout=seconds + PATIENCE_S)
    summary = json.loads(done.stdout.splitlines()[-1])
    if summary["failed"] or not summary["requests"]:
        raise RuntimeError(f"{summary['failed']} of {summary['requests']} requests failed: {path}")
    return summary
