# SPDX-License-Identifier: MIT
"""Four times the calls that the server can take, and a flooded function beside another one.

The peak is what a few clients get that always have a call under way, before and after. Calls that
are too many are refused; how long that takes is counted from when the call was due."""

import json
import time

from client import Connection, invoke as call
from figures import percentile
from load import Load, invoke
from server import Server

NAME = "overload"
SECONDS, QUICK_S, PEAK_S = 60, 10, 10
CALL_MS = 20  # of computing: the clients shall not be what is measured
TIMES = 4
CLIENTS, CONNECTIONS = 16, 900
OTHER_RATE = 20
GOODPUT, REFUSED_MS = 0.9, 10
FUNCTIONS = {name: """
local sha256 = require("sha256")
return function(params)
  return {hex = sha256.iterate("x", params.rounds)}
end""" for name in ("works", "other")}


def rounds_of(server):
    """How many rounds of hashing take CALL_MS."""
    with Connection(server.port) as one:
        rounds, took = 1000, 0
        while took < CALL_MS:
            rounds *= 2
            began = time.monotonic()
            one.call(call("works", body=json.dumps({"rounds": rounds}).encode()))
            took = 1000 * (time.monotonic() - began)
    return int(rounds * CALL_MS / took)


class Calls:
    """Calls of one function, each with the same work."""

    def __init__(self, function, rounds):
        self.data = invoke(function, json.dumps({"rounds": rounds}).encode())

    def pick(self):
        return self.data, None

    @staticmethod
    def judge(_, status, body):
        return "ok" if status == 200 else json.loads(body)["code"]


def run_load(server, calls, rate, seconds, connections):
    """What calls came to that were due within these seconds, and when the first one was."""
    with Load(server.port, calls.pick, calls.judge, rate, connections) as load:
        began = time.monotonic()
        time.sleep(seconds)
        return load.stop(), began


def goodput(seen, began, seconds):
    """Good replies a second, of those that came within these seconds."""
    ends = [due + took for due, took, label in seen.calls if label == "ok"]
    return sum(began <= end < began + seconds for end in ends) / seconds


def peak_of(server, calls, seconds):
    return goodput(*run_load(server, calls, 2 * 2000 / CALL_MS, seconds, CLIENTS), seconds)


def named(counts):
    return ", ".join(f"{label}: {count}" for label, count in sorted(counts.items()))


def rows_of_goodput(server, calls, seconds):
    before = peak_of(server, calls, PEAK_S)
    seen, began = run_load(server, calls, TIMES * before, seconds, CONNECTIONS)
    good = goodput(seen, began, seconds)
    after = peak_of(server, calls, PEAK_S)
    counts = seen.counts()
    refused = [took for label in counts if label not in ("ok", "lost")
               for took in seen.took_ms(label)]
    ratio = good / ((before + after) / 2)
    yield {"what": "peak before, after", "goal": "", "met": None,
           "seen": f"{before:.0f}, {after:.0f} calls/s"}
    yield {"what": f"{TIMES} times that for {seconds} s: goodput, to the peak",
           "goal": f"{GOODPUT} or more", "seen": f"{ratio:.2f} ({good:.0f} calls/s)",
           "met": ratio >= GOODPUT}
    p99 = percentile(refused, .99)
    yield {"what": "refusals answered within, p99", "goal": f"{REFUSED_MS} ms",
           "seen": f"{p99:.1f} ms of {len(refused)}", "met": p99 <= REFUSED_MS}
    yield {"what": "what the calls came to", "goal": "ok or queue_full",
           "seen": named(counts), "met": not set(counts) - {"ok", "queue_full"}}
    yield {"what": "good calls waited and ran for, p50, p99", "goal": "", "met": None,
           "seen": f"{percentile(seen.took_ms(), .5):.0f}, {seen.p99_ms():.0f} ms"}


def rows_of_fairness(server, calls, rounds, seconds):
    """`works` is flooded; `other` gets a few calls a second."""
    other = Calls("other", rounds)
    alone, _ = run_load(server, other, OTHER_RATE, seconds, CLIENTS)
    with Load(server.port, calls.pick, calls.judge, TIMES * 2000 / CALL_MS, CONNECTIONS) as flood:
        beside, _ = run_load(server, other, OTHER_RATE, seconds, CLIENTS)
        flood.stop()
    counts = beside.counts()
    yield {"what": f"another function beside the flood, {OTHER_RATE} calls/s", "goal": "all served",
           "seen": named(counts), "met": set(counts) == {"ok"}}
    yield {"what": "its p50, p99, alone and beside", "goal": "", "met": None,
           "seen": ", ".join(f"{percentile(one.took_ms(), .5):.0f}, {one.p99_ms():.0f} ms"
                             for one in (alone, beside))}


def run(options):
    seconds = QUICK_S if options.quick else SECONDS
    with Server(FUNCTIONS) as server:
        rounds = rounds_of(server)
        calls = Calls("works", rounds)
        yield from rows_of_goodput(server, calls, seconds)
        yield from rows_of_fairness(server, calls, rounds, min(seconds, 20))
