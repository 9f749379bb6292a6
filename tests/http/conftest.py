# SPDX-License-Identifier: MIT
"""conftest.py - servers for tests: one with default settings for all, others on demand."""

import pytest

from server import Server, starting


@pytest.fixture(scope="session")
def server():
    """Default settings and the built-in functions alone; tests leave no trace in it but counts."""
    with Server() as running:
        yield running


@pytest.fixture
def start():
    """start(functions, flags=..., env=...) gives a server that is stopped after the test."""
    with starting() as start_one:
        yield start_one
