# SPDX-License-Identifier: MIT
"""Every function of tests/hostile/functions, called again and again with deadlines of 20 to 60 ms,
beside healthy calls at a steady rate; idle and mixed in turn. The client has a processor's
priority, so what is measured is the server."""

import hashlib
import json
import pathlib
import random
import statistics
import subprocess
import sys

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "hostile"))
import watch  # pylint: disable=wrong-import-position
from catalogue import all_hostile  # pylint: disable=wrong-import-position
from client import PATIENCE_S, Missing, wrk_command  # pylint: disable=wrong-import-position
from load import Load, invoke  # pylint: disable=wrong-import-position
from server import Server, wait_until  # pylint: disable=wrong-import-position

NAME = "hostile"
CALLS, CALLS_QUICK = 10000, 1200
ROUNDS, ROUNDS_QUICK = 5, 3
# Calls of each function. Then workers have met most of them and keep what they keep (bytecode, a
# heap each), and the front's logs, which have a bound, are nearly full.
WARM_UP, WARM_UP_QUICK = 10, 2
HOSTILE_RATE = 40  # a second
IDLE_S = 4
GROWTH_MOST_KIB = 8 << 10
P99_MOST = 1.5
DEADLINES_MS = (20, 60)
HASH_ROUNDS = 1000
INPUT = b"healthy"


# -- Healthy calls ---------------------------------------------------------------------------------

def digest():
    value = hashlib.sha256(INPUT).digest()
    for _ in range(HASH_ROUNDS - 1):
        value = hashlib.sha256(value).digest()
    return value.hex()


BODY = json.dumps({"rounds": HASH_ROUNDS, "input": INPUT.decode()}).encode()
DIGEST = digest()
# A function of its own: what hostile ones call are others.
FUNCTION = {"healthy": 'return function(p)\n'
                       '  return {hash = require("sha256").iterate(p.input, p.rounds)}\nend'}
HEALTHY = invoke("healthy", BODY)


def pick_healthy():
    return HEALTHY, None


def judge_healthy(_tag, status, body):
    right = status == 200 and json.loads(body)["hash"] == DIGEST
    return "ok" if right else f"{status} {body[:200]!r}"


def capacity(server):
    """Healthy calls a second that the server can serve, or None without wrk."""
    try:
        command = wrk_command(server.port, "/fn/invoke/healthy", 2, 16, BODY.decode())
    except Missing:
        return None
    done = subprocess.run(command, text=True, check=True, stdout=subprocess.PIPE,
                          timeout=PATIENCE_S)
    summary = json.loads(done.stdout.splitlines()[-1])
    return summary["requests"] / summary["seconds"]


# -- Hostile calls ---------------------------------------------------------------------------------

class Attack:
    """All functions in an order that is the same in each run, over and over."""

    def __init__(self, functions):
        self.functions, self.dice, self.left = functions, random.Random(1), []

    def pick(self):
        if not self.left:
            self.left = list(self.functions)
            self.dice.shuffle(self.left)
        one = self.left.pop()
        return invoke(one.name, one.body(), self.dice.randint(*DEADLINES_MS),
                      self.dice.choice(["?start=cold", "?start=warm"])), one

    @staticmethod
    def judge(one, status, body):
        """A call may also be ended before it gets to what it wants."""
        said = json.loads(body)
        complaint = one.complaint(status, said)
        if complaint and (status, said.get("code")) != (504, "deadline"):
            return f"{one.name}: {complaint}"
        return "ok"


def attack(server, functions, count, seed=0):
    """The load of hostile calls; begins at another place for another `seed`."""
    plan = Attack(functions)
    plan.dice.seed(seed)
    return Load(server.port, plan.pick, plan.judge, HOSTILE_RATE, connections=8, count=count)


def settle(server):
    def quiet():
        return all(one["in_flight"] == 0 for one in server.get("/fn/stats").json().values())

    wait_until(quiet, "all calls to end")
    wait_until(lambda: len(server.workers()) == server.workers_wanted, "all workers")


# -- The section -----------------------------------------------------------------------------------

def turn(server, functions, count, rate, seed):
    """One round: (idle, mixed) of the healthy load, hostile, and how busy the processors were."""
    with Load(server.port, pick_healthy, judge_healthy, rate) as load, watch.Busy(server) as calm:
        load.process.join(IDLE_S)
        idle = load.stop()
    with Load(server.port, pick_healthy, judge_healthy, rate) as load, watch.Busy(server) as busy:
        with attack(server, functions, count, seed) as hostile:
            bad = hostile.wait(60 + 20 * count / HOSTILE_RATE)
        mixed = load.stop()
    settle(server)
    return idle, mixed, bad, calm, busy


def rows_of_deaths(server, died, stuck):
    died = watch.deaths(server)[died:]
    others = [f"{who} {how}" for who, how in died
              if who == "front" or how != "signal 9"]
    killed = len(died) - len(others)
    yield {"what": "front or supervisor deaths", "goal": "0",
           "seen": str(sum(who == "front" for who, _ in died)
                       + (server.process.poll() is not None)),
           "met": server.process.poll() is None and not any(w == "front" for w, _ in died)}
    yield {"what": "worker deaths but by the SIGKILL rule", "goal": "0",
           "seen": ", ".join(others) or "0", "met": not others and killed <= len(stuck)}
    yield {"what": "workers killed by the rule (stuck in C)", "goal": "", "met": None,
           "seen": f"{killed} {' '.join(sorted(set(stuck)))}".strip()}


def run(options):
    count, rounds = (CALLS_QUICK, ROUNDS_QUICK) if options.quick else (CALLS, ROUNDS)
    functions = all_hostile()
    texts = FUNCTION | {one.name: one.text for one in all_hostile()}
    with Server(texts, ["--memory-mb", "16"]) as server:
        server.expected_faults = "died"
        server.workers_wanted = len(server.workers())
        served = capacity(server)
        rate = served / 2 if served else 1000
        yield {"what": f"healthy calls a second (SHA-256, {HASH_ROUNDS} times)",
               "goal": "half of what wrk gets", "met": None,
               "seen": f"{rate:.0f} of {served:.0f}" if served else f"{rate} (no wrk)"}
        warm_up = WARM_UP_QUICK if options.quick else WARM_UP
        turn(server, functions, warm_up * len(functions), rate, -1)
        died, stuck = len(watch.deaths(server)), len(watch.ended_by_rule(server))
        memory, front = watch.pss_kib(server), watch.rss_kib(server.front())
        yield from measure(server, functions, (count, rounds, rate))
        yield from rows_of_deaths(server, died, watch.ended_by_rule(server)[stuck:])
        grown, front = watch.pss_kib(server) - memory, watch.rss_kib(server.front()) - front
        yield {"what": "memory growth of all processes (Pss) after warm-up",
               "goal": f"under {GROWTH_MOST_KIB >> 10} MiB",
               "seen": f"{grown / 1024:.2f} MiB, of it the front {front / 1024:.2f}",
               "met": grown < GROWTH_MOST_KIB}


def measure(server, functions, plan):
    count, rounds, rate = plan
    ratios, healthy, hostile = [], [], []
    for number in range(rounds):
        idle, mixed, bad, calm, busy = turn(server, functions, count // rounds, rate, number)
        ratios.append(mixed.p99_ms() / idle.p99_ms())
        healthy += [*idle.calls, *mixed.calls]
        hostile += bad.calls
        yield {"what": f"round {number + 1}: healthy p99, idle to mixed", "goal": "", "met": None,
               "seen": f"{idle.p99_ms():.2f} to {mixed.p99_ms():.2f} ms"}
        yield {"what": "processors, idle", "goal": "", "met": None,
               "seen": calm.describe(idle.cpu_s)}
        yield {"what": "processors, mixed", "goal": "", "met": None,
               "seen": busy.describe(mixed.cpu_s + bad.cpu_s)}
    wrong = sorted({label for _, _, label in hostile if label != "ok"})
    failed = sorted({label for _, _, label in healthy if label != "ok"})
    yield {"what": f"hostile calls of {len(functions)} functions", "goal": "", "met": None,
           "seen": str(len(hostile))}
    yield {"what": "hostile calls with another outcome than theirs", "goal": "0",
           "seen": "; ".join(wrong)[:1000] or "0", "met": not wrong}
    yield {"what": f"errors of {len(healthy)} healthy calls", "goal": "0",
           "seen": "; ".join(failed)[:500] or "0", "met": not failed}
    yield {"what": "healthy p99, mixed to idle, median of rounds", "goal": f"at most {P99_MOST}",
           "seen": f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})",
           "met": statistics.median(ratios) <= P99_MOST}
