# SPDX-License-Identifier: MIT
"""SIGKILL for workers chosen at random, under load; then for the front, and for the supervisor.

Each call is answered: one that was inside a killed worker with 502, all others well. After each
kill the next one waits until the worker's successor is there."""

import json
import os
import random
import signal
import time

from client import Connection, request
from figures import percentile
from load import Load, invoke
from server import Server, wait_until

NAME = "kills"
KILLS, KILLS_QUICK = 1000, 100
WORKERS = 4
CONNECTIONS = 32
RATE = 800  # calls a second; one in SLEEPERS sleeps, so that workers have parked calls
SLEEPERS, SLEEP_MS = 8, 20
FRONT_S, FRONT_QUICK_S, FRONT_EVERY_S = 10, 3, 0.1
RESPAWN_MOST_S = 10
STEADY_LOOKS = 30
HEALTH = request("GET", "/health")
FUNCTIONS = {"works": "return function(p, ctx) if p.ms then ctx.sleep(p.ms) end\n"
                      "  return {twice = 2 * p.n} end"}


class Calls:
    """Numbered calls of `works`; each reply has to fit its number."""

    def __init__(self):
        self.number = 0

    def pick(self):
        self.number += 1
        params = {"n": self.number}
        if self.number % SLEEPERS == 0:
            params["ms"] = SLEEP_MS
        return invoke("works", json.dumps(params).encode()), self.number

    @staticmethod
    def judge(number, status, body):
        said = json.loads(body)
        if status == 200 and said["twice"] == 2 * number:
            return "ok"
        return said["code"] if status == 502 else f"{status} {body[:200]!r}"


def load(server, count=None):
    calls = Calls()
    return Load(server.port, calls.pick, calls.judge, RATE, CONNECTIONS, count)


# -- Workers ---------------------------------------------------------------------------------------

def in_flight(server):
    return server.stats("works")["in_flight"]


def kill_worker(server, dice):
    """Kills one; seconds until its successor runs."""
    name, pid = dice.choice(sorted(server.workers().items()))
    began = time.monotonic()
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: server.workers().get(name) not in (None, pid), f"a new {name}",
               RESPAWN_MOST_S)
    return time.monotonic() - began


def kill_workers(server, count):
    """(what became of the calls, seconds to each successor)."""
    dice, took = random.Random(1), []
    with load(server) as calls:
        wait_until(lambda: server.stats("works")["invocations"] > 100, "the load")
        for _ in range(count):
            took.append(kill_worker(server, dice))
            wait_until(lambda: len(server.workers()) == WORKERS, "all workers")
        return calls.stop(), took


def rows_of_workers(server, count):
    seen, took = kill_workers(server, count)
    counts = seen.counts()
    crashed, ok = counts.pop("worker_crashed", 0), counts.pop("ok", 0)
    yield {"what": f"{count} workers killed: calls that failed otherwise", "goal": "0",
           "seen": ", ".join(f"{label}: {n}" for label, n in counts.items())
                   or f"0 of {ok + crashed}", "met": not counts}
    yield {"what": "connections lost meanwhile", "goal": "0", "seen": str(counts["lost"]),
           "met": not counts["lost"]}
    yield {"what": "calls answered with 502 worker_crashed", "goal": "", "met": None,
           "seen": f"{crashed}, {crashed / count:.2f} a kill"}
    yield {"what": "until a killed worker's successor runs, p50, p99", "goal": "", "met": None,
           "seen": f"{1000 * percentile(took, .5):.1f}, {1000 * percentile(took, .99):.1f} ms"}


# -- Workers whose calls are counted ---------------------------------------------------------------

def steady(server):
    """How many calls are in flight, once that no longer changes."""
    seen = [-1]

    def same():
        seen.append(in_flight(server))
        return len(seen) > STEADY_LOOKS and len(set(seen[-STEADY_LOOKS:])) == 1

    wait_until(same, "the other workers to end their calls")
    return seen[-1]


def stop_and_kill(server, dice):
    """(calls inside a stopped worker, 502s when it is killed, other failures)."""
    pid = dice.choice(sorted(server.workers().values()))
    with load(server, count=RATE // 4) as calls:
        wait_until(lambda: in_flight(server), "the load")
        os.kill(pid, signal.SIGSTOP)
        inside = steady(server)
        os.kill(pid, signal.SIGKILL)
        counts = calls.wait().counts()
    wait_until(lambda: pid not in server.workers().values()
               and len(server.workers()) == WORKERS, "all workers")
    return inside, counts.pop("worker_crashed", 0), sum(counts.values()) - counts["ok"]


def rows_of_stopped(server, count):
    dice = random.Random(2)
    seen = [stop_and_kill(server, dice) for _ in range(count)]
    inside, crashed, others = map(sum, zip(*seen))
    yield {"what": f"{count} workers stopped, then killed: calls inside, lost", "goal": "not more",
           "seen": f"{inside}, {crashed}; others {others}",
           "met": not others and all(lost <= had for had, lost, _ in seen)}


# -- Front and supervisor --------------------------------------------------------------------------

def first_answer(server):
    """Seconds until a new connection gets a good reply."""
    began = time.monotonic()

    def answered():
        try:
            with Connection(server.port) as one:
                return one.ask(HEALTH)[0] == 200
        except OSError:
            return False

    wait_until(answered, "the next front")
    return time.monotonic() - began


def rows_of_front(server, seconds):
    took, end = [], time.monotonic() + seconds
    while time.monotonic() < end:
        due = time.monotonic() + FRONT_EVERY_S
        os.kill(server.front(), signal.SIGKILL)
        took.append(first_answer(server))
        time.sleep(max(0, due - time.monotonic()))
    yield {"what": f"front killed every {FRONT_EVERY_S} s, {len(took)} times: served again",
           "goal": "always", "seen": f"p50 {1000 * percentile(took, .5):.1f}, longest"
           f" {1000 * max(took):.1f} ms", "met": True}
    with load(server, count=RATE) as calls:
        counts = calls.wait().counts()
    yield {"what": "calls after that", "goal": "all well", "met": set(counts) == {"ok"},
           "seen": ", ".join(f"{label}: {n}" for label, n in counts.items())}


def row_of_supervisor(server):
    began = time.monotonic()
    os.kill(server.pid, signal.SIGKILL)
    server.wait_ended(-signal.SIGKILL)
    return {"what": "supervisor killed: front and workers end", "goal": "all",
            "seen": f"all, in {1000 * (time.monotonic() - began):.0f} ms", "met": True}


def run(options):
    count, exact = (KILLS_QUICK, 10) if options.quick else (KILLS, 50)
    with Server(FUNCTIONS, ["--workers", str(WORKERS)]) as server:
        server.expected_faults = "died"
        yield from rows_of_workers(server, count)
        yield from rows_of_stopped(server, exact)
        yield from rows_of_front(server, FRONT_QUICK_S if options.quick else FRONT_S)
        yield row_of_supervisor(server)
