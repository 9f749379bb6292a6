# SPDX-License-Identifier: MIT
"""sleepers.py - very many calls at once, each on its connection, and a probe beside them."""

import dataclasses
import multiprocessing
import select
import socket
import time

from client import Connection, invoke, request

PROBE_MS = 5
IDLE_S = 1  # probed before anything is sent
PATIENCE_S = 60
PROCESSES = multiprocessing.get_context("fork")


@dataclasses.dataclass
class Seen:
    """What one run gave."""

    sent_ms: float
    lasted_ms: float
    idle_ms: list
    meanwhile_ms: list


# -- The probe, a process of its own ---------------------------------------------------------------

def probe(port, stop, results):
    """GETs /health until told to stop; sends (when it was due, how long from then), seconds.

    A probe that is late because the one before it took long counts from when it was due: else a
    long pause would be a single slow probe."""
    seen, data = [], request("GET", "/health")
    with Connection(port) as connection:
        due = time.monotonic()
        while not stop.is_set():
            time.sleep(max(0, due - time.monotonic()))
            connection.call(data)
            seen.append((due, time.monotonic() - due))
            due += PROBE_MS / 1000
    results.send(seen)


class Probe:
    """`probe` in a process, and what it saw."""

    def __init__(self, port):
        self.stop = PROCESSES.Event()
        self.results, theirs = PROCESSES.Pipe(duplex=False)
        self.process = PROCESSES.Process(target=probe, args=(port, self.stop, theirs), daemon=True)
        self.process.start()
        theirs.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.join()

    def end(self):
        self.stop.set()
        if not self.results.poll(PATIENCE_S):
            raise TimeoutError("GET /health was not answered")
        return self.results.recv()


# -- The calls -------------------------------------------------------------------------------------

def connect_all(port, count):
    return [socket.create_connection(("127.0.0.1", port), PATIENCE_S) for _ in range(count)]


def wait_all(sockets):
    """Until every call is answered, each with 200. A reply is small: it comes in one piece."""
    waiting, end = {one.fileno(): one for one in sockets}, time.monotonic() + PATIENCE_S
    with select.epoll() as ready:
        for number in waiting:
            ready.register(number, select.EPOLLIN)
        while waiting:
            events = ready.poll(1, len(waiting))
            if not events and time.monotonic() > end:
                raise TimeoutError(f"{len(waiting)} of {len(sockets)} calls were not answered")
            for number, _ in events:
                ready.unregister(number)
                head = waiting.pop(number).recv(4096)
                if not head.startswith(b"HTTP/1.1 200"):
                    raise RuntimeError(f"a call that sleeps got {head[-200:]}")


def call_all(sockets, ms):
    """When the first was sent, when the last was, and when the last was answered."""
    call = invoke("sleep", body=f'{{"ms":{ms}}}'.encode())
    began = time.monotonic()
    for one in sockets:
        one.sendall(call)
    sent = time.monotonic()
    wait_all(sockets)
    return began, sent, time.monotonic()


def run(port, count, ms):
    """`count` calls of sleep at once, probed meanwhile."""
    sockets = []
    try:
        sockets = connect_all(port, count)
        with Probe(port) as watcher:
            time.sleep(IDLE_S)
            began, sent, ended = call_all(sockets, ms)
            seen = watcher.end()
    finally:
        for one in sockets:
            one.close()
    return Seen((sent - began) * 1000, (ended - began) * 1000,
                [1000 * took for due, took in seen if due < began],
                [1000 * took for due, took in seen if began <= due <= ended])
