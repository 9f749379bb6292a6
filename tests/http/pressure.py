# SPDX-License-Identifier: MIT
"""pressure.py - clients that call without pause, and what became of each request.

A request counts as lost when it was sent whole and the reply is missing or cut short: on a connection
of its own, however that ended; on a kept one, when it ended by a reset, or in the middle of a
reply. A kept connection that was closed in order without a byte of reply had been closed before
the request came: nobody read it, and the client may send it again. That is counted as crossed."""

import collections
import http.client
import socket
import threading

from server import PATIENCE_S

BODY = b'{"rounds":1}'


def request_of(name="hash", body=BODY, close=False, query=""):
    return (f"POST /fn/invoke/{name}{query} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n"
            + ("Connection: close\r\n" if close else "") + "\r\n").encode() + body


class Pressure:
    """`kept` clients keep their connections, `fresh` ones take a new one for each request. `look`
    gets status and body of each reply and gives the word to count it by. A context: it ends them."""

    def __init__(self, port, kept=4, fresh=4, name="hash", body=BODY, look=None, query=""):
        self.port, self.name, self.body, self.query = port, name, body, query
        self.look = look or (lambda status, _body: str(status))
        self.seen = collections.Counter()
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._work, args=(i < kept,), daemon=True)
                         for i in range(kept + fresh)]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        for thread in self._threads:
            thread.join(PATIENCE_S)
            assert not thread.is_alive(), "a client waits for ever"

    def answered(self):
        """How many replies have come so far."""
        return sum(count for word, count in self.seen.items()
                   if word not in ("lost", "crossed", "not taken"))

    def _count(self, word):
        with self._lock:
            self.seen[word] += 1

    def _work(self, keep):
        """Until it is told to stop, or nobody listens any more."""
        raw, data = None, request_of(self.name, self.body, not keep, self.query)
        while not self._stop.is_set():
            if raw is None:
                try:
                    raw = socket.create_connection(("127.0.0.1", self.port), PATIENCE_S)
                except OSError:
                    self._count("not taken")
                    return
                first = True
            kept_on = self._exchange(raw, data, first)
            first = False
            if not (kept_on and keep):
                raw.close()
                raw = None
        if raw:
            raw.close()

    def _exchange(self, raw, data, first):
        """True when the connection can be used again."""
        try:
            raw.sendall(data)
            start = raw.recv(1, socket.MSG_PEEK)
        except OSError as error:
            gone = isinstance(error, BrokenPipeError) and not first
            self._count("crossed" if gone else "lost")
            return False
        if not start:
            self._count("lost" if first else "crossed")
            return False
        try:
            reply = http.client.HTTPResponse(raw)
            reply.begin()
            body = reply.read()
        except (OSError, http.client.HTTPException):
            self._count("lost")
            return False
        self._count(self.look(reply.status, body))
        return not reply.will_close
