# SPDX-License-Identifier: MIT
"""conftest.py - one engine and one image for all tests here; they skip where there can be none."""

import itertools

import pytest

from engine import CAREFUL, TOKEN, Engine, NoEngine


@pytest.fixture(scope="session")
def engine():
    try:
        running = Engine()
    except NoEngine as why:
        pytest.skip(str(why))
    try:
        yield running
    finally:
        running.close()


@pytest.fixture(scope="session")
def image(engine):
    """The image of docker/Dockerfile, built from the sources here."""
    engine.import_base()
    engine.build("faas-server")
    return "faas-server"


numbers = itertools.count(1)


@pytest.fixture
def container(engine, image):
    """container(*flags, env=...) starts one as carefully as the compose file does; its name."""
    names = []

    def start(*flags, env=None, command=()):
        names.append(f"test-{next(numbers)}")
        settings = {"FAAS_ADMIN_TOKEN": TOKEN, **(env or {})}
        words = [word for name, value in settings.items() for word in ("-e", f"{name}={value}")]
        engine.docker("run", "-d", "--name", names[-1], "-p", "127.0.0.1::8088",
                      "--health-interval", "200ms", *CAREFUL, *words, *flags, image, *command)
        return names[-1]

    yield start
    for name in names:
        engine.docker("rm", "-f", name)
