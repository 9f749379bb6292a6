# SPDX-License-Identifier: MIT
"""overhead.py - what profiling costs: calls of a server with it, beside those of one without."""

import contextlib
import json
import math
import statistics
import time

from client import Connection, invoke, request
from figures import SURE, change, percentile, progress, ratios, table
from servers import Faas

# A call lasts 0.1 to 4 ms, and is as much work each time.
FUNCTIONS = {
    "fibonacci": {"n": 28}, "transform": {"size": 1000}, "hash": {"rounds": 10000, "input": "x"},
    "sort": {"size": 5000}, "sleep": {"ms": 2}, "matrix": {"dim": 120}, "regex": {"count": 5000},
    "compress": {"size": 50000}, "primes": {"limit": 200000},
    "contention": {"threads": 4, "iterations": 200}, "fanout": {"count": 3, "function": "hash"},
}
LOAD = 250  # calls at once that do nothing: all that a server can take
CALLS = {name: invoke(name, "cold", json.dumps(params).encode())
         for name, params in FUNCTIONS.items()} | {
             f"{LOAD} no-ops, {start}":
                 request("POST", f"/fn/burst/noop?count={LOAD}&start={start}")
             for start in ("cold", "warm")}
OFF = ("--profile-cpu-hz", "0", "--profile-wall-hz", "0", "--profile-alloc-bytes", "0",
       "--profile-lock-ns", "0")
SIDES = ("off", "on")
BLOCK_MS = 10  # what slows the machine for longer slows both sides
WARM_UP = 10
SHOWN = ("avg", "p50", "p95", "p99")
CHANGES = {"avg": "avg %", "p50": "p50 %", "cpu_us": "processor %"}
GOAL_MOST = 1  # per cent
POOL = 64


def in_turn(turn):
    """off, on; on, off; and so on: what drifts meets both sides alike."""
    return SIDES[::-1] if turn % 2 else SIDES


def rotated(names, turn):
    """Each comes first once: a server that was just started is slower."""
    return names[turn % len(names):] + names[:turn % len(names)]


@contextlib.contextmanager
def two_servers(turn):
    """Of each side one, started in turn."""
    servers = {"off": Faas(*OFF), "on": Faas()}
    with contextlib.ExitStack() as stack:
        for side in in_turn(turn):
            stack.enter_context(servers[side])
        yield servers


def latencies_ms(connection, call, count):
    seen = []
    for _ in range(count):
        began = time.perf_counter_ns()
        connection.call(call)
        seen.append((time.perf_counter_ns() - began) / 1e6)
    return seen


def one_round(servers, call, turns, order):
    """Of each turn, and in it of each side: the latencies, and the processor time of a call."""
    made = []
    with contextlib.ExitStack() as stack:
        connections = {side: stack.enter_context(Connection(server.port))
                       for side, server in servers.items()}
        usual_ms = statistics.median(one for connection in connections.values()
                                     for one in latencies_ms(connection, call, WARM_UP))
        count = math.ceil(BLOCK_MS / usual_ms)
        for _ in range(turns):
            before = {side: server.cpu_us() for side, server in servers.items()}
            latencies = {side: [] for side in SIDES}
            for side in (*order, *reversed(order)):
                latencies[side] += latencies_ms(connections[side], call, count)
            # Of all of the turn: samples are looked at when the calls that they are of are over.
            made.append({side: {"latencies": latencies[side], "cpu_us":
                                (server.cpu_us() - before[side]) / len(latencies[side])}
                         for side, server in servers.items()})
    return made


def figures_of(latencies):
    return {"avg": statistics.mean(latencies),
            **{key: percentile(latencies, int(key[1:]) / 100) for key in SHOWN[1:]}}


def changes_of(turns):
    """Of each figure whose change is told, with to without: for latencies the median of a round's
    turns, as a call that has to wait says nothing; for processor time the whole round, as some of
    what profiling takes comes less often than turns do."""
    off, on = ([turn[side] | figures_of(turn[side]["latencies"]) for turn in turns]
               for side in SIDES)
    return {key: statistics.median(ratios([one[key] for one in on], [one[key] for one in off]))
            for key in ("avg", "p50")} | {
                "cpu_us": sum(one["cpu_us"] for one in on) / sum(one["cpu_us"] for one in off)}


def function_row(name, rounds):
    """All calls of a function, and the changes of its rounds."""
    row, changes = {"name": name}, [changes_of(turns) for turns in rounds]
    for side in SIDES:
        latencies = [one for turns in rounds for turn in turns for one in turn[side]["latencies"]]
        row["calls"] = len(latencies)
        row |= {f"{side} {key}": round(value, 4) for key, value in figures_of(latencies).items()}
    return row | {name: change([one[key] for one in changes]) for key, name in CHANGES.items()}


def together_row(seen):
    """The geometric mean of all built-in functions, round by round."""
    rounds = [[changes_of(turns) for turns in made]
              for made in zip(*(seen[name] for name in FUNCTIONS))]
    changes = {name: change([statistics.geometric_mean(one[key] for one in made)
                             for made in rounds]) for key, name in CHANGES.items()}
    return {"name": "functions together", **changes, "goal": f"at most {GOAL_MOST} per cent",
            "met": all(one["median"] <= GOAL_MOST for one in changes.values())}


def measure(quick):
    """The table of the eleven functions: what a call takes without profiling and with it."""
    rounds, turns = (6, 6) if quick else (26, 14)
    seen = {name: [] for name in CALLS}
    for turn in range(rounds):
        progress(f"overhead: round {turn + 1} of {rounds}")
        with two_servers(turn) as servers:
            for server in servers.values():
                server.add_warm(POOL)
            for name in rotated(list(seen), turn):
                seen[name].append(one_round(servers, CALLS[name], turns, in_turn(turn)))
    return table("overhead: each function, all four types off and on",
                 "Milliseconds of a cold call as its client sees it, one after another on one"
                 " connection; processor time of all processes of the server, while they wait"
                 f" too. {rounds} rounds, each with two servers started anew, which take turns,"
                 f" {turns} a function: {BLOCK_MS} ms off, on, on, off. A change is the median of"
                 " the rounds; a round's is that of its turns, of processor time that of all of"
                 f" them together. In parentheses is its {100 * SURE:.0f} per cent confidence"
                 " interval. Functions together: geometric mean; goal: each of the three at most"
                 f" {GOAL_MOST} per cent. No-ops: all at once, by one request.",
                 [*(function_row(*one) for one in seen.items()), together_row(seen)],
                 columns=[*(f"{side} {key}" for side in SIDES for key in SHOWN),
                          *CHANGES.values()])
