# SPDX-License-Identifier: MIT
"""test_functions.py - each hostile function gets what its first line says, and hurts nobody."""

import contextlib
import select

import pytest

from catalogue import all_hostile
from server import SIGNALS_COME_AT_ONCE, Server, wait_until

DEADLINE_MS, LONG_MS = 50, 10000  # of calls that have to reach it, and of others
HOSTILE = {one.name: one for one in all_hostile()}
LOADED = [one for one in HOSTILE.values() if one.code != "function_broken"]


PARKED = 4  # sleeping calls: some in each worker
SLEEPS = """return {timeout_ms = 600000, handler = function(params, ctx)
  ctx.sleep(600000)
end}"""


@pytest.fixture(scope="module", name="own")
def own_server():
    functions = {one.name: one.text for one in HOSTILE.values()}
    flags = ["--workers", "2", "--memory-mb", "16"]
    functions["healthy"] = "return function(p) return {sum = p.a + p.b} end"
    functions["sleeps"] = SLEEPS
    with Server(functions, flags) as running:
        yield running


class Parked:
    """Calls that sleep in the workers all the while."""

    def __init__(self, server, count):
        self.server, self.count = server, count
        self.connections = []

    def fill(self):
        """Starts as many as are missing."""
        while len(self.connections) < self.count:
            self.connections.append(self.server.connect())
            self.connections[-1].sendall(b"POST /fn/invoke/sleeps HTTP/1.1\r\nhost: a\r\n"
                                         b"content-length: 0\r\n\r\n")
        self.server.wait_in_flight("sleeps", self.count)

    def take_replies(self):
        """The replies of those that have ended, which none should."""
        ended, _, _ = select.select(self.connections, [], [], 0)
        replies = [connection.recv(4096) for connection in ended]
        for connection in ended:
            connection.close()
        self.connections = [one for one in self.connections if one not in ended]
        return replies

    def close(self):
        for connection in self.connections:
            connection.close()


@pytest.fixture(scope="module", name="parked")
def parked_calls(own):
    with contextlib.closing(Parked(own, PARKED)) as calls:
        yield calls


def test_there_are_enough():
    assert len(HOSTILE) >= 60


def call(own, one, start):
    before = own.children()
    timeout_ms = DEADLINE_MS if one.status == 504 else LONG_MS
    reply = own.invoke(one.name, one.params, start, headers={"X-Timeout-Ms": str(timeout_ms)})
    complaint = one.complaint(reply.status_code, reply.json())
    assert complaint is None, complaint
    assert reply.headers["x-call-id"]
    assert own.result("healthy", {"a": 1, "b": 2})["sum"] == 3
    assert spared(own, before)


def spared(own, before):
    """Whether front and workers are those of before. Where signals come late, loops are ended with
    their worker."""
    if SIGNALS_COME_AT_ONCE:
        return own.children() == before
    return own.children()["faas-front"] == before["faas-front"]


@pytest.fixture(name="unharmed")
def unharmed_server(own, parked):
    """The server. After the test, the calls parked in its workers still sleep."""
    wait_until(lambda: len(own.workers()) == 2, "two workers")
    parked.fill()
    yield own
    replies = parked.take_replies()
    assert not replies or not SIGNALS_COME_AT_ONCE, replies


@pytest.mark.parametrize("one", HOSTILE.values(), ids=HOSTILE)
def test_cold(unharmed, one):
    for _ in range(2 if one.status == 200 else 1):  # twice, to find what the first left
        call(unharmed, one, "cold")


@pytest.mark.skipif(not SIGNALS_COME_AT_ONCE, reason="time: loops end with their worker there")
@pytest.mark.parametrize("one", LOADED, ids=lambda one: one.name)
def test_warm(unharmed, one):
    def pool():
        return unharmed.get("/fn/warmpool").json()[one.name]

    assert unharmed.post(f"/fn/warmpool/{one.name}?size=2").status_code == 200
    for _ in range(4 if one.status == 200 else 2):
        call(unharmed, one, "warm")
    wait_until(lambda: pool()["pool_size"] == 2, f"the pool to be whole again: {pool()}")
    assert unharmed.request("DELETE", f"/fn/warmpool/{one.name}").status_code == 200
