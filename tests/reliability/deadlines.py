# SPDX-License-Identifier: MIT
"""Calls that never end by themselves, of every such function in tests/hostile/functions: how long
after its deadline each is answered, seen from the client; one at a time, then several at once."""

import json
import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "hostile"))
import watch  # pylint: disable=wrong-import-position
from catalogue import all_hostile  # pylint: disable=wrong-import-position
from figures import percentile  # pylint: disable=wrong-import-position
from load import Load, invoke  # pylint: disable=wrong-import-position
from server import Server  # pylint: disable=wrong-import-position

NAME = "deadlines"
CALLS, CALLS_QUICK = 2000, 400
DEADLINE_MS, LATE_MOST_MS = 50, 10
CONNECTIONS = 16


class Late:
    """Each function in turn, with the deadline."""

    def __init__(self, functions):
        self.functions, self.number = functions, 0

    def pick(self):
        one = self.functions[self.number % len(self.functions)]
        self.number += 1
        return invoke(one.name, one.body(), timeout_ms=DEADLINE_MS), one.name

    @staticmethod
    def judge(name, status, body):
        code = json.loads(body).get("code")
        return "ok" if (status, code) == (504, "deadline") else f"{name}: {status} {code}"


def rows_of(server, functions, at_once, count):
    plan = Late(functions)
    rate = at_once * 1000 / (DEADLINE_MS + LATE_MOST_MS)
    with Load(server.port, plan.pick, plan.judge, rate, CONNECTIONS, count) as load:
        seen = load.wait(60 + 4 * count / rate)
    late = [took - DEADLINE_MS for took in seen.took_ms()]
    others = sorted(set(seen.counts()) - {"ok"})
    what = "one call at a time" if at_once == 1 else f"some {at_once} calls at once"
    yield {"what": f"{what}, {len(late)} of {len(functions)} functions: late by, p50", "goal": "",
           "seen": f"{percentile(late, .5):.2f} ms", "met": None}
    p99 = percentile(late, .99)
    yield {"what": "p99 (longest)", "goal": f"{LATE_MOST_MS} ms", "met": p99 <= LATE_MOST_MS,
           "seen": f"{p99:.2f} ({max(late):.2f}) ms"}
    yield {"what": "other outcomes than 504 deadline", "goal": "0",
           "seen": "; ".join(others)[:500] or "0", "met": not others}


def run(options):
    count = CALLS_QUICK if options.quick else CALLS
    functions = [one for one in all_hostile() if one.status == 504]
    with Server({one.name: one.text for one in functions}, ["--memory-mb", "16"]) as server:
        server.expected_faults = "worker died"
        for at_once in (1, 4):
            yield from rows_of(server, functions, at_once, count)
        stuck = watch.ended_by_rule(server)
        yield {"what": "workers killed, as they were stuck in C", "goal": "0",
               "seen": f"{len(stuck)} {' '.join(sorted(set(stuck)))}".strip(), "met": not stuck}
