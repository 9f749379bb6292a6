# SPDX-License-Identifier: MIT
"""throughput.py - requests a second and processor time a call, beside nginx and libh2o alone."""

import contextlib

from client import Missing, wrk
from figures import missing, progress, ratios, row, table
from servers import BareH2o, Faas, Nginx

CONNECTIONS, POOL, WARM_UP_S = 64, 64, 1
OTHERWISE_MOST = 0.01  # share of calls that may start otherwise than they should


class Contender:
    """One of those that are compared, and what its rounds gave."""

    def __init__(self, name, server, start=None):
        self.name, self.server, self.start = name, server, start
        self.path = "/fn/invoke/noop" if start else "/"
        self.rates, self.cpu_us, self.why = [], [], None

    def prepare(self):
        if self.start == "warm":
            self.server.add_warm(POOL)
        self._run(WARM_UP_S)

    def _run(self, seconds):
        """One run; calls that started in the wrong way spoil it."""
        other = {"warm": "cold", "cold": "warm"}.get(self.start)
        before = self.server.started(other) if other else 0
        summary = wrk(self.server.port, self.path, seconds, CONNECTIONS)
        otherwise = (self.server.started(other) if other else 0) - before
        if otherwise > OTHERWISE_MOST * summary["requests"]:
            raise RuntimeError(f"{otherwise} of {summary['requests']} calls were {other}")
        return summary

    def measure(self, seconds):
        before = self.server.cpu_us()
        summary = self._run(seconds)
        self.cpu_us.append((self.server.cpu_us() - before) / summary["requests"])
        self.rates.append(summary["requests"] / summary["seconds"])


def start_all(stack, contenders):
    """Starts those that can be had; the others keep the reason."""
    for one in contenders:
        try:
            progress(f"requests: starting {one.name}")
            stack.enter_context(one.server)
            one.prepare()
        except Missing as error:
            one.why = str(error)


def rates(contenders):
    for one in contenders:
        yield (missing(one.name, one.why) if one.why
               else row(one.name, one.rates, "requests/s"))


def comparisons(warm, cold, nginx, bare):
    for one, other, least in ((warm, nginx, 1.05), (cold, nginx, 0.7), (warm, bare, None),
                              (cold, bare, None), (nginx, bare, None)):
        name = f"{one.name} / {other.name}"
        why = one.why or other.why
        yield missing(name, why) if why else row(name, ratios(one.rates, other.rates), "times",
                                                 least=least)


def processor_times(contenders):
    for one in contenders:
        if not one.why:
            yield row(f"processor time, {one.name}", one.cpu_us, "us a call")


def measure(quick):
    """The table of requests: each round runs all contenders, one after the other."""
    rounds, seconds = (3, 2) if quick else (7, 4)
    warm = Contender("warm", Faas(env={"OPTIMIZED": "true"}), "warm")
    cold = Contender("cold", Faas(), "cold")
    contenders = [warm, cold, Contender("nginx", Nginx()), Contender("libh2o", BareH2o())]
    with contextlib.ExitStack() as stack:
        start_all(stack, contenders)
        for turn in range(rounds):
            for one in contenders:
                progress(f"requests: round {turn + 1} of {rounds}, {one.name}")
                if not one.why:
                    one.measure(seconds)
    return table("requests: a function that does nothing",
                 f"POST with body {{}}, wrk -t1 -c{CONNECTIONS}, {rounds} rounds of {seconds} s for"
                 " each in turn. Ratios are those of a round. nginx: Debian's, with its Lua module,"
                 " a worker a processor. libh2o: a handler that answers at once, one thread."
                 " Processor time: user and system, all processes of that server, not wrk's.",
                 [*rates(contenders), *comparisons(*contenders), *processor_times(contenders)])
