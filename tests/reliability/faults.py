# SPDX-License-Identifier: MIT
"""What the system gives fails: allocations, forks, descriptors, the log's disk. For the first two
tests/hostile/failing.c is preloaded. A request may be answered well, be refused, or be cut off; a wrong
answer, or none, is a failure, and so is a server that does not recover."""

import os
import pathlib
import resource
import signal
import sys
import time

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "hostile"))
import failing  # pylint: disable=wrong-import-position
import watch  # pylint: disable=wrong-import-position
from load import Load, invoke  # pylint: disable=wrong-import-position
from server import Server, wait_until  # pylint: disable=wrong-import-position

NAME = "faults"
FIRSTS, FIRSTS_QUICK = 300, 30
EVERYS = (1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144, 233)
STARVED_S = 2
BUSY_MOST = 20  # per cent of a processor for a front that can accept nobody


def row_of_sweep(server, orders, what, find_pid, points):
    wrong, failed = failing.sweep(server, orders, find_pid, points)
    return {"what": f"{what}: {len(points)} times, {failed} allocations failed",
            "goal": "no wrong answer, recovers", "seen": "; ".join(wrong)[:600] or "none wrong",
            "met": not wrong and failed > 0}


def rows_of_memory(server, orders, quick):
    firsts = [(first, 0) for first in range(1, (FIRSTS_QUICK if quick else FIRSTS) + 1)]
    everys = [(every, every) for every in EVERYS]
    for name, find_pid in (("front", Server.front), ("worker", failing.a_worker)):
        yield row_of_sweep(server, orders, f"{name}, the n-th allocation", find_pid, firsts)
        yield row_of_sweep(server, orders, f"{name}, every n-th allocation", find_pid, everys)


def row_of_forks(server, orders, quick):
    times, began = (3 if quick else 20), time.monotonic()
    for _ in range(times):
        wait_until(lambda: len(server.workers()) == 2, "two workers")
        orders.fail_forks(2)
        os.kill(failing.a_worker(server), signal.SIGKILL)
        wait_until(lambda: orders.get(failing.FORKS) == 0, "forks to fail")
    failing.recovers(server)
    return {"what": f"{times} workers killed, two forks failing after each", "goal": "recovers",
            "seen": f"recovered, {time.monotonic() - began:.1f} s in all", "met": True}


def ticks_s(pid):
    text = pathlib.Path(f"/proc/{pid}/stat").read_text()
    return sum(map(int, text[text.rindex(")") + 2:].split()[11:13])) / watch.TICKS


def rows_of_descriptors(server):
    front = server.front()
    server.result("echo", failing.BODY)
    hard = resource.prlimit(front, resource.RLIMIT_NOFILE)[1]
    resource.prlimit(front, resource.RLIMIT_NOFILE, (len(os.listdir(f"/proc/{front}/fd")), hard))
    newcomers = Load(server.port, lambda: (invoke("echo"), None), lambda _, status, __: str(status),
                     100, connections=20, count=20)
    with newcomers:
        used, end, served = ticks_s(front), time.monotonic() + STARVED_S, 0
        while time.monotonic() < end:
            served += server.invoke("echo", {}).status_code == 200
            time.sleep(0.02)
        used = 100 * (ticks_s(front) - used) / STARVED_S
        resource.prlimit(front, resource.RLIMIT_NOFILE, (hard, hard))
        counts = newcomers.wait().counts()
    yield {"what": "front out of descriptors: known connections", "goal": "are served",
           "seen": f"{served} calls", "met": served > 0}
    yield {"what": "20 new connections, once there are some again", "goal": "all are served",
           "seen": ", ".join(f"{key}: {n}" for key, n in counts.items()),
           "met": counts == {"200": 20}}
    yield {"what": "front meanwhile", "goal": f"at most {BUSY_MOST} % busy",
           "seen": f"{used:.0f} %", "met": used <= BUSY_MOST}


def row_of_log(quick):
    """A log that nobody reads, then one that nobody can read any more."""
    calls = 20 if quick else 200
    functions = {"logs": """return function(p, ctx)
  for _ = 1, 60 do ctx.log("info", ("x"):rep(1000)) end
  return {n = p.n}
end"""}
    with Server(functions, ["--workers", "2"], log_is_pipe=True) as server:
        os.kill(server.reader.pid, signal.SIGSTOP)
        right = sum(server.result("logs", {"n": n})["n"] == n for n in range(calls))
        os.kill(server.reader.pid, signal.SIGCONT)
        server.close_log()
        right += sum(server.result("logs", {"n": n})["n"] == n for n in range(calls))
    return {"what": f"{2 * calls} calls that log 60 KiB to a pipe that is full, then closed",
            "goal": "all well", "seen": f"{right} well", "met": right == 2 * calls}


def run(options):
    if not failing.SANITIZED:
        with failing.failing_server(failing.FUNCTIONS, ["--workers", "2"]) as (server, orders):
            yield from rows_of_memory(server, orders, options.quick)
            yield row_of_forks(server, orders, options.quick)
    with Server(failing.FUNCTIONS, ["--workers", "2"]) as server:
        yield from rows_of_descriptors(server)
    yield row_of_log(options.quick)
