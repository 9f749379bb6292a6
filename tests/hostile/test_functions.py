# SPDX-License-Identifier: MIT
"""test_functions.py - each hostile function gets what its first line says, and hurts nobody."""

import pytest

from catalogue import all_hostile
from server import SIGNALS_COME_AT_ONCE, Server, wait_until

DEADLINE_MS, LONG_MS = 50, 10000  # of calls that have to reach it, and of others
HOSTILE = {one.name: one for one in all_hostile()}
LOADED = [one for one in HOSTILE.values() if one.code != "function_broken"]


@pytest.fixture(scope="module", name="own")
def own_server():
    functions = {one.name: one.text for one in HOSTILE.values()}
    flags = ["--workers", "2", "--memory-mb", "16"]
    functions["healthy"] = "return function(p) return {sum = p.a + p.b} end"
    with Server(functions, flags) as running:
        yield running


def test_there_are_enough():
    assert len(HOSTILE) >= 60


def call(own, one, start):
    before = own.children()
    timeout_ms = DEADLINE_MS if one.status == 504 else LONG_MS
    reply = own.invoke(one.name, {}, start, headers={"X-Timeout-Ms": str(timeout_ms)})
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
def unharmed_server(own):
    wait_until(lambda: len(own.workers()) == 2, "two workers")
    return own


@pytest.mark.parametrize("one", HOSTILE.values(), ids=HOSTILE)
def test_cold(unharmed, one):
    for _ in range(2 if one.status == 200 else 1):  # twice, to find what the first left
        call(unharmed, one, "cold")


@pytest.mark.skipif(not SIGNALS_COME_AT_ONCE, reason="time: loops end with their worker there")
@pytest.mark.parametrize("one", LOADED, ids=lambda one: one.name)
def test_warm(unharmed, one):
    assert unharmed.post(f"/fn/warmpool/{one.name}?size=2").status_code == 200
    for _ in range(4 if one.status == 200 else 1):
        call(unharmed, one, "warm")
    assert unharmed.request("DELETE", f"/fn/warmpool/{one.name}").status_code == 200
