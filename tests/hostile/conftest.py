# SPDX-License-Identifier: MIT
"""conftest.py - the servers of tests/http, and raw connections to them."""

import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "http"))
from server import Server, starting  # pylint: disable=wrong-import-position

FUNCTIONS = {
    "echo": "return function(params) return params end",
    "takes": "return function() return {} end",
    "spins": """return function(params)
  local stop = os.clock() + params.ms / 1000
  while os.clock() < stop do end
  return {}
end""",
}
READ_TIMEOUT_MS = 2000  # an incomplete request costs a test this long


@pytest.fixture(scope="session", name="target")
def target_server():
    flags = ["--workers", "2", "--read-timeout-ms", str(READ_TIMEOUT_MS)]
    with Server(FUNCTIONS, flags) as running:
        yield running


@pytest.fixture(name="start")
def start_server():
    """start(functions, flags=...) gives a server of the test's own."""
    with starting() as start_one:
        yield start_one


@pytest.fixture(name="unharmed")
def unharmed_target(target):
    """The server, which after the test still answers, with the processes it had before."""
    before = target.children()
    yield target
    assert target.get("/health").text == "OK"
    assert target.result("echo", {"still": "here"})["still"] == "here"
    assert target.children() == before
