# SPDX-License-Identifier: MIT
"""test_access.py - tokens: who has to show one, and where the server listens without."""

import pathlib
import re
import socket

import pytest

from server import BINARY, Server, expect_error
from test_startup import run

ADMIN, INVOKE = "a" * 31 + "!", "~" * 255  # as short and as long as may be
ECHO = {"echo": "return function(params) return params end"}

OPEN = [("GET", "/health"), ("GET", "/ready"), ("GET", "/metrics"), ("GET", "/fn/list"),
        ("GET", "/fn/stats"), ("GET", "/fn/warmpool")]
CALLS = [("POST", "/fn/invoke/echo"), ("POST", "/fn/burst/echo?count=2"), ("POST", "/fn/chain")]
CHANGES = [("POST", "/fn/warmpool/echo?size=1"), ("DELETE", "/fn/warmpool/echo"),
           ("PUT", "/debug/profiling"), ("GET", "/debug/profiling"),
           ("GET", "/debug/pprof/"), ("GET", "/debug/pprof/allocs"), ("GET", "/fn/logs/echo"),
           ("GET", "/debug/flame")]
BODIES = {"/fn/chain": '{"chain":["echo"]}'}


@pytest.fixture(scope="module", name="guarded")
def guarded_server():
    env = {"FAAS_ADMIN_TOKEN": ADMIN, "FAAS_INVOKE_TOKEN": INVOKE}
    with Server(ECHO, ["--workers", "1"], env) as running:
        yield running


def ask(server, method, path, **headers):
    return server.request(method, path, data=BODIES.get(path), headers=headers)


def ask_with(server, method, path, token):
    return ask(server, method, path, Authorization=f"Bearer {token}")


def expect_refused(reply):
    body = expect_error(reply, 401, "unauthorized", "Authorization: Bearer")
    assert reply.headers["www-authenticate"] == "Bearer"
    assert ADMIN not in reply.text and INVOKE not in reply.text
    return body["error"]


@pytest.mark.parametrize("method, path", OPEN)
def test_what_only_tells_is_open(guarded, method, path):
    assert ask(guarded, method, path).status_code == 200


@pytest.mark.parametrize("method, path", CALLS)
def test_calls_need_either_token(guarded, method, path):
    assert "FAAS_INVOKE_TOKEN" in expect_refused(ask(guarded, method, path))
    for token in (ADMIN, INVOKE):
        assert ask_with(guarded, method, path, token).status_code == 200


@pytest.mark.parametrize("method, path", CHANGES)
def test_changes_need_the_admin_token(guarded, method, path):
    assert "FAAS_ADMIN_TOKEN" in expect_refused(ask(guarded, method, path))
    expect_refused(ask_with(guarded, method, path, INVOKE))
    assert ask_with(guarded, method, path, ADMIN).status_code == 200


@pytest.mark.parametrize("value", [
    "", "Bearer", "Bearer ", ADMIN, f"Basic {ADMIN}", f"Bearer{ADMIN}", f"Bearer {ADMIN[:-1]}",
    f"Bearer {ADMIN}x", f"Bearer {ADMIN[:-1]}x", f"Bearer x{ADMIN[1:]}", f"Bearer {ADMIN.upper()}",
    f"Bearer {ADMIN} {ADMIN}", f"Bearer {INVOKE}x", "Bearer " + "x" * 10000,
])
def test_what_is_not_quite_the_token_is_refused(guarded, value):
    for method, path in CALLS + CHANGES:
        expect_refused(ask(guarded, method, path, Authorization=value))


def test_scheme_is_read_as_http_has_it(guarded):
    reply = ask(guarded, "POST", "/fn/invoke/echo", Authorization=f"bearer  {ADMIN}")
    assert reply.status_code == 200


def test_calls_are_open_with_an_admin_token_alone(start):
    server = start(ECHO, ["--workers", "1"], {"FAAS_ADMIN_TOKEN": ADMIN})
    assert [ask(server, *call).status_code for call in CALLS] == [200] * 3
    expect_refused(ask(server, *CHANGES[0]))


def test_admin_token_is_not_asked_for_on_loopback_with_an_invoke_token_alone(start):
    server = start(ECHO, ["--workers", "1"], {"FAAS_INVOKE_TOKEN": INVOKE})
    assert [ask(server, *change).status_code for change in CHANGES] == [200] * len(CHANGES)
    expect_refused(ask(server, *CALLS[0]))
    assert ask_with(server, *CALLS[0], INVOKE).status_code == 200


# -- Pages of other sites --------------------------------------------------------------------------

@pytest.fixture(scope="module", name="plain")
def plain_server():
    with Server(ECHO, ["--workers", "1"]) as running:
        yield running


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:1", "127.0.0.1:80", "127.9.9.9",
                                  "[::1]:8088", "[::1]"])
def test_changes_are_open_to_programs_of_this_machine(plain, host):
    for method, path in CHANGES:
        assert ask(plain, method, path, Host=host).status_code == 200
        origin = ask(plain, method, path, Host=host, Origin=f"http://{host}")
        assert origin.status_code == 200


@pytest.mark.parametrize("headers", [
    {"Host": "evil.example"}, {"Host": "evil.example:8088"}, {"Host": "localhost.evil.example"},
    {"Host": "128.0.0.1"}, {"Host": "127.0.0.1.evil.example"}, {"Host": "[::2]"}, {"Host": "[::1"},
    {"Host": "localhost", "Origin": "http://evil.example"},
    {"Host": "localhost", "Origin": "null"}, {"Host": "localhost", "Origin": ""},
    {"Host": "localhost", "Origin": "http://localhost:3000"},
])
def test_changes_are_not_for_pages_of_other_sites(plain, headers):
    for method, path in CHANGES:
        expect_error(ask(plain, method, path, **headers), 403, "forbidden", "admin token")
    assert ask(plain, "GET", "/fn/warmpool", **headers).status_code == 200


# -- Where it listens ------------------------------------------------------------------------------

@pytest.mark.parametrize("listen", [":0", "0.0.0.0:0", "[::]:0"])
def test_elsewhere_needs_an_admin_token(listen):
    status, _, complaint = run("--listen", listen, env={"FAAS_INVOKE_TOKEN": INVOKE})
    assert status == 1
    assert "FAAS_ADMIN_TOKEN" in complaint and "32" in complaint and "loopback" in complaint


def test_elsewhere_is_served_with_one(start):
    with socket.create_server(("127.0.0.1", 0)) as chosen:
        port = chosen.getsockname()[1]
    server = start(ECHO, ["--listen", f"0.0.0.0:{port}"], {"FAAS_ADMIN_TOKEN": ADMIN},
                   url=f"http://127.0.0.1:{port}")
    assert ask(server, *CALLS[0]).status_code == 200
    assert ask_with(server, *CHANGES[0], ADMIN).status_code == 200
    expect_refused(ask(server, *CHANGES[0], Host="localhost"))


def test_elsewhere_is_served_with_local_clients_alone(start):
    """A container's port that is published on loopback: what a browser says of it still counts."""
    server = start(ECHO, env={"FAAS_LOCAL_CLIENTS": "true"}, listen="0.0.0.0:0")
    for method, path in CHANGES:
        assert ask(server, method, path, Host="localhost:8088").status_code == 200
        for headers in ({"Host": "faas-server:8088"}, {"Origin": "http://evil.example"}):
            expect_error(ask(server, method, path, **headers), 403, "forbidden", "admin token")


def test_admin_token_is_needed_with_local_clients_too(start):
    server = start(ECHO, ["--local-clients"], {"FAAS_ADMIN_TOKEN": ADMIN}, listen="0.0.0.0:0")
    expect_refused(ask(server, *CHANGES[0], Host="localhost"))
    assert ask_with(server, *CHANGES[0], ADMIN).status_code == 200


@pytest.mark.parametrize("token", ["x" * 31, "x" * 256, "x" * 31 + " ", "x" * 31 + "é"])
@pytest.mark.parametrize("name", ["FAAS_ADMIN_TOKEN", "FAAS_INVOKE_TOKEN"])
def test_token_that_is_none_ends_it_with_2_and_a_sentence(name, token):
    status, said, complaint = run(env={name: token})
    assert (status, said) == (2, "")
    assert name in complaint and "32" in complaint and token not in complaint


# -- Secrecy ---------------------------------------------------------------------------------------

def holds(pid, text):
    """Whether the memory of a process that it may write has the text."""
    with open(f"/proc/{pid}/mem", "rb", 0) as memory:
        for line in pathlib.Path(f"/proc/{pid}/maps").read_text().splitlines():
            first, last, rights, name = re.match(r"(\w+)-(\w+) (\S+) \S+ \S+ \S+ *(.*)",
                                                 line).groups()
            if rights.startswith("rw") and int(last, 16) - int(first, 16) < 1 << 28:
                try:
                    memory.seek(int(first, 16))
                    if text.encode() in memory.read(int(last, 16) - int(first, 16)):
                        return True
                except OSError:
                    assert name.startswith("[v"), line
    return False


@pytest.mark.skipif("/release/" not in BINARY, reason="sanitizers keep the environment's texts")
def test_workers_have_no_token(guarded):
    assert guarded.result("echo", {"a": 1}, headers={"Authorization": f"Bearer {INVOKE}"})
    assert holds(guarded.front(), ADMIN) and holds(guarded.front(), INVOKE)
    for pid in guarded.workers().values():
        assert not holds(pid, ADMIN) and not holds(pid, INVOKE)
        assert "TOKEN=" + ADMIN[:3] not in pathlib.Path(f"/proc/{pid}/environ").read_text()
