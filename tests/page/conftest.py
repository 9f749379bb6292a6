# SPDX-License-Identifier: MIT
"""conftest.py - a browser, and servers for it."""

import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "http"))
from browser import Browser  # pylint: disable=wrong-import-position
from shown import FUNCTIONS  # pylint: disable=wrong-import-position
from server import Server, starting  # pylint: disable=wrong-import-position


@pytest.fixture(scope="session", name="chromium")
def one_chromium():
    """Starting it takes longer than most tests."""
    running = Browser()
    yield running
    running.close()


@pytest.fixture(name="browser")
def clean_browser(chromium):
    """As new. After the test nothing was refused by the page's policy, and no script failed."""
    chromium.reset()
    yield chromium
    assert not chromium.complaints()


@pytest.fixture(name="start")
def start_server():
    """start(functions, flags=...) gives a server of the test's own."""
    with starting() as start_one:
        yield start_one


@pytest.fixture(scope="session", name="server")
def page_server():
    with Server(FUNCTIONS, ["--workers", "4", "--body-max", "4096", "--log-level", "debug"]) as one:
        yield one


@pytest.fixture(scope="session", name="busy")
def server_with_data(server):
    """The same, after calls of all kinds."""
    for name in ("fibonacci", "transform", "sort", "matrix", "compress", "primes", "fanout",
                 "sleep", "chatty", "hostile"):
        server.result(name)
    server.result("contention", {"threads": 8, "iterations": 20000})  # waits for long enough
    server.post("/fn/warmpool/hash?size=16")
    for start in ("cold", "warm"):
        for _ in range(10):
            server.post(f"/fn/burst/hash?count=200&start={start}", {"rounds": 200})
    yield server
    server.request("DELETE", "/fn/warmpool/hash")
