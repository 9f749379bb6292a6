# SPDX-License-Identifier: MIT
"""load.py - calls at a steady rate, from a process of their own, and what became of them."""

import collections
import contextlib
import dataclasses
import multiprocessing
import os
import re
import resource
import select
import socket
import time

from figures import percentile

LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.I)
PROCESSES = multiprocessing.get_context("fork")
PATIENCE_S = 60
CLIENT_NICE = -10  # so that what the server does is measured, not when the client gets a processor
NO_WAIT = 0.0
IDLE_MOST_S = 2  # servers close connections that are idle for longer: 3 s where clients stall


def invoke(function, body=b"{}", timeout_ms=None, query=""):
    """The bytes of a call."""
    header = f"X-Timeout-Ms: {timeout_ms}\r\n" if timeout_ms else ""
    return (f"POST /fn/invoke/{function}{query} HTTP/1.1\r\nHost: localhost\r\n{header}"
            f"Content-Length: {len(body)}\r\n\r\n").encode() + body


@dataclasses.dataclass
class Seen:
    """What a load gave: (when it was due, seconds from then to its end, what came of it)."""

    calls: list
    cpu_s: float

    def counts(self):
        return collections.Counter(label for _, _, label in self.calls)

    def took_ms(self, label="ok"):
        return [1000 * took for _, took, one in self.calls if one == label]

    def p99_ms(self):
        return percentile(self.took_ms(), .99)


class _Connection:
    """One call at a time; after a loss the next one is on a new connection."""

    def __init__(self, port):
        self.port, self.socket, self.got = port, None, b""
        self.due = self.tag = None
        self.used = 0.0

    def open(self):
        self.socket = socket.create_connection(("127.0.0.1", self.port), PATIENCE_S)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def send(self, due, data, tag):
        self.due, self.tag, self.got = due, tag, b""
        now = time.monotonic()
        if self.socket and now - self.used > IDLE_MOST_S:
            self.close()
        self.used = now
        if not self.socket:
            self.open()
        self.socket.sendall(data)

    def receive(self):
        """(status, body) once the reply is whole."""
        data = self.socket.recv(1 << 16)
        if not data:
            raise ConnectionError("closed")
        self.got += data
        end = self.got.find(b"\r\n\r\n")
        if end < 0:
            return None
        body = end + 4
        if len(self.got) - body < int(LENGTH.search(self.got, 0, end + 2)[1]):
            return None
        return int(self.got[9:12]), self.got[body:]

    def close(self):
        if self.socket:
            self.socket.close()
        self.socket = None


class _Driver:
    """Gives each call that is due to a free connection; one that has to wait for it is late."""

    def __init__(self, load):
        self.load = load
        self.free = [_Connection(load.port) for _ in range(load.connections)]
        self.busy, self.waiting, self.seen = {}, collections.deque(), []

    def end(self, connection, label):
        self.seen.append((connection.due, time.monotonic() - connection.due, label))
        self.free.append(connection)

    def lost(self, connection):
        connection.close()
        self.end(connection, "lost")

    def begin(self):
        while self.waiting and self.free:
            connection = self.free.pop()
            due, data, tag = self.waiting.popleft()
            try:
                connection.send(due, data, tag)
                self.busy[connection.socket] = connection
            except OSError:
                self.lost(connection)

    def wait(self, timeout_s):
        for ready in select.select(list(self.busy), [], [], timeout_s)[0]:
            connection = self.busy[ready]
            try:
                reply = connection.receive()
            except OSError:
                del self.busy[ready]
                self.lost(connection)
                continue
            if reply:
                del self.busy[ready]
                self.end(connection, self.load.judge(connection.tag, *reply))

    def run(self):
        """Until told to stop, or all calls are made; then until those that began have ended."""
        due, left = time.monotonic(), self.load.count
        while (left or self.waiting or self.busy) and not self.load.aborted.is_set():
            if self.load.stopped.is_set():
                left = 0
                self.waiting.clear()
            now = time.monotonic()
            while left and due <= now:
                self.waiting.append((due, *self.load.pick()))
                due += 1 / self.load.rate
                left -= 1
            self.begin()
            self.wait(max(NO_WAIT, due - now) if left else 0.05)


class Load:
    """Calls, `rate` of them a second, `count` in all (None: until stop).

    pick() gives the bytes of the next call and a tag for it; judge(tag, status, body) says what
    came of it, "ok" if that is well. Both run in the other process."""

    def __init__(self, port, pick, judge, rate, connections=16, count=None):
        self.port, self.pick, self.judge, self.rate = port, pick, judge, rate
        self.connections, self.count = connections, count or 1 << 60
        self.stopped, self.aborted = PROCESSES.Event(), PROCESSES.Event()
        self.results, theirs = PROCESSES.Pipe(duplex=False)
        self.process = PROCESSES.Process(target=self._work, args=(theirs,), daemon=True)
        self.process.start()
        theirs.close()

    def _work(self, results):
        with contextlib.suppress(PermissionError):
            os.setpriority(os.PRIO_PROCESS, 0, CLIENT_NICE)
        driver = _Driver(self)
        driver.run()
        used = resource.getrusage(resource.RUSAGE_SELF)
        results.send(Seen(driver.seen, used.ru_utime + used.ru_stime))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.aborted.set()
        self.process.join(5)
        self.process.terminate()
        self.process.join()

    def wait(self, seconds=PATIENCE_S):
        """Until all calls have been made and answered."""
        if not self.results.poll(seconds):
            raise TimeoutError("a load did not come to its end")
        return self.results.recv()

    def stop(self):
        """Makes no more calls, and waits for those that began."""
        self.stopped.set()
        return self.wait()
