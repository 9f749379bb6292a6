# SPDX-License-Identifier: MIT
"""test_faults.py - no memory, no descriptors, no processes, no room for the log."""

import os
import pathlib
import resource
import signal
import socket

import pytest

import failing
from server import Background, Server, expect_error, wait_until

ECHO = {"echo": "return function(p) return p end"}
needs_plain = pytest.mark.skipif(failing.SANITIZED, reason="has an allocator of its own")


# -- Memory ----------------------------------------------------------------------------------------

@pytest.fixture(scope="module", name="failing_one")
def failing_server():
    with failing.failing_server(failing.FUNCTIONS, ["--workers", "2"]) as (server, orders):
        yield server, orders


ONCE = [(first, 0) for first in (1, 2, 5, 8, 13, 21, 34)]
OFTEN = [(every, every) for every in (1, 7, 30, 100)]


@needs_plain
@pytest.mark.parametrize("find_pid", [Server.front, failing.a_worker])
def test_without_memory_it_refuses_or_ends_and_recovers(failing_one, find_pid):
    server, orders = failing_one
    wrong, failed = failing.sweep(server, orders, find_pid, ONCE + OFTEN)
    assert not wrong and failed >= len(OFTEN)


@needs_plain
def test_failed_forks_are_tried_again(failing_one):
    server, orders = failing_one
    wait_until(lambda: len(server.workers()) == 2, "two workers")
    before = server.workers()
    orders.fail_forks(3)
    os.kill(failing.a_worker(server), signal.SIGKILL)
    assert server.result("echo", {"n": 1})["n"] == 1
    wait_until(lambda: orders.get(failing.FORKS) == 0, "forks to fail")
    wait_until(lambda: len(server.workers()) == 2 and server.workers() != before, "a new worker")


@needs_plain
def test_front_comes_back_when_its_fork_failed(failing_one):
    server, orders = failing_one
    orders.fail_forks(2)
    os.kill(server.front(), signal.SIGKILL)
    failing.recovers(server)
    assert orders.get(failing.FORKS) == 0


# -- Descriptors -----------------------------------------------------------------------------------

def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def limit_files(pid, most):
    hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)[1]
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (most or hard, hard))


def test_front_without_descriptors_serves_who_is_there_and_loses_nothing(start):
    server = start(ECHO, ["--workers", "2"])
    assert server.result("echo", {"n": 1})["n"] == 1  # on a connection that is kept
    before = server.children()
    limit_files(server.front(), descriptors(server.front()))
    newcomer = Background(server, "echo", {"n": 2})
    server.write("late", "return function() return {late = true} end")
    for _ in range(100):
        assert server.result("echo", {"n": 1})["n"] == 1
    names = server.get("/fn/list").json()["functions"]
    assert "echo" in names and "hash" in names
    assert not newcomer.is_done()
    limit_files(server.front(), None)
    assert newcomer.reply().json()["n"] == 2
    wait_until(lambda: server.invoke("late").status_code == 200, "the file to be read")
    assert server.children() == before


def test_worker_is_replaced_though_front_has_no_descriptors(start):
    server = start(ECHO, ["--workers", "1"])
    server.result("echo", {})
    limit_files(server.front(), descriptors(server.front()))
    worker = server.worker()
    os.kill(worker, signal.SIGKILL)
    wait_until(lambda: server.workers() and server.worker() != worker, "a new worker")
    assert server.result("echo", {"n": 1})["n"] == 1
    limit_files(server.front(), None)


# -- The log ---------------------------------------------------------------------------------------

class Deaf(Server):
    """Its log is a disk that is full."""

    log_path = property(lambda self: pathlib.Path("/dev/full"), lambda self, path: None)

    def log(self):
        return ""


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


LOGS = {"logs": """return function(p, ctx)
  for _ = 1, 60 do ctx.log("info", ("x"):rep(1000)) end
  return {n = p.n}
end"""}


def test_log_on_a_full_disk_costs_nothing_but_the_log():
    port = free_port()
    with Deaf(LOGS, ["--workers", "1", "--listen", f"127.0.0.1:{port}"],
              url=f"http://127.0.0.1:{port}") as server:
        for n in range(10):
            assert server.result("logs", {"n": n})["n"] == n
        worker = server.worker()
        os.kill(worker, signal.SIGKILL)
        wait_until(lambda: server.workers() and server.worker() != worker, "a new worker")
        assert server.result("logs", {"n": 1})["n"] == 1


def test_log_that_nobody_reads_holds_up_nobody(start):
    server = start(LOGS, ["--workers", "2"], log_is_pipe=True)
    os.kill(server.reader.pid, signal.SIGSTOP)
    for n in range(10):  # ten times what a pipe holds
        assert server.result("logs", {"n": n})["n"] == n
    assert server.get("/health").text == "OK"
    os.kill(server.reader.pid, signal.SIGCONT)
    server.invoke("logs", {"n": 1})
    server.wait_log("function=logs")


# -- Kills in a row --------------------------------------------------------------------------------

HOLD = """return function(p, ctx)
  ctx.log("info", "holding")
  ctx.sleep(p.ms)
  return {}
end"""


def test_kills_in_a_row_cost_only_what_was_inside(start):
    server = start({"hold": HOLD}, ["--workers", "2"])
    for turn in range(1, 6):
        wait_until(lambda: len(server.workers()) == 2, "two workers")
        calls = [Background(server, "hold", {"ms": 60000}) for _ in range(2)]
        # those that have not begun would begin in the next worker
        wait_until(lambda: server.log().count("holding") == 2 * turn, "calls to begin")
        for pid in server.workers().values():
            os.kill(pid, signal.SIGKILL)
        for call in calls:
            expect_error(call.reply(), 502, "worker_crashed", "signal 9", "hold")
        # what crashed its worker three times is served again when its file has changed
        server.write("hold", f"{HOLD} -- {turn}")
        wait_until(lambda: server.detail("hold")["status"] == "ok", "the file to be read")
