# SPDX-License-Identifier: MIT
"""compare.py - cold starts and warm ones: their times one by one, and what they cost in bursts."""

from client import need, percentile, phase_of
from words import figure, ratio, say, table

PART = 500  # calls in one burst
ONE_BY_ONE = 50  # of so many calls that are compared, one is made alone
FINE_HZ = 1000
ENOUGH = 100000  # calls of each kind, for some samples in each phase
SMALL = {"rounds": 10}  # for hash: next to nothing to run, so that start and end are seen
PERCENTILES = (0.5, 0.95, 0.99)
ONLY_COLD = ["newstate", "libraries", "load", "close"]
ORDER = ["newstate", "libraries", "load", "parameters", "run", "result", "close", "reset"]


def startup_us(call):
    return 1000 * (call.deploy + call.undeploy)


def latency_us(call):
    return 1000 * call.latency_ms


class Comparison:
    """Of `count` calls of each kind. `run()` needs a warm pool of hash."""

    def __init__(self, client, count):
        self.client = client
        self.alone, self.bursts = max(20, count // ONE_BY_ONE), max(1, count // PART)
        self.calls = {"cold": [], "warm": []}
        self.costs = {}  # by start: a profile
        self.rates = None  # of the profiler, while they are others than before

    def run(self):
        say(f"hash with 10 rounds, which runs next to nothing: what is left is the start. First"
            f" {self.alone:,} calls of each kind, by turns and one by one, for their times.")
        for i in range(self.alone):
            for start, made in self.calls.items():
                made.append(self.client.invoke("hash", SMALL, start, shown=i == 0))
        wrong = [call for start, made in self.calls.items() for call in made if call.start != start]
        need(not wrong, f"{len(wrong)} calls did not start as they were asked to")
        self.show_times()
        say(f"Then {self.bursts * PART:,} of each kind in bursts, for where their processor time"
            " goes: that of the workers, by phase (loop: a call is taken, its reply sent)."
            " For so long, samples are taken as often as the kernel's ticks allow, up to"
            f" {FINE_HZ} times a second of processor time.")
        self.rates = self.client.get("/debug/profiling")
        self.client.ask("PUT", "/debug/profiling", {"cpu_hz": FINE_HZ}, shown=True)
        self.costs = {start: self.cost(start) for start in self.calls}
        self.restore_rates()
        self.show_costs()

    def cost(self, start):
        before = self.client.flame("cpu", "hash", start)
        for i in range(self.bursts):
            self.client.burst("hash", PART, SMALL, start, shown=i == 0)
        seen = self.client.flame("cpu", "hash", start) - before
        need(seen.calls == self.bursts * PART, f"{seen.calls} calls of hash started {start}, of"
             f" {self.bursts * PART}: something else calls it, too")
        return seen

    def restore_rates(self):
        """Has the profiler as it was."""
        if self.rates:
            rates, self.rates = self.rates, None
            self.client.ask("PUT", "/debug/profiling", rates)

    # -- Tables ------------------------------------------------------------------------------------

    def row(self, name, time_us, share):
        cold, warm = (percentile([time_us(call) for call in made], share)
                      for made in self.calls.values())
        return name, figure(cold), figure(warm), ratio(cold, warm)

    def show_times(self):
        table(("us", "cold", "warm", "cold to warm"),
              [self.row(f"{name}, p{100 * share:.0f}", time_us, share)
               for name, time_us in (("deploy + undeploy", startup_us), ("latency", latency_us))
               for share in PERCENTILES])

    def show_costs(self):
        sums = [dict(seen.largest(phase_of)) for seen in self.costs.values()]
        names = ORDER + sorted(set().union(*sums) - set(ORDER))
        rows = [(name, *(figure(seen.per_call(one[name]) / 1e3) if name in one else "-"
                         for seen, one in zip(self.costs.values(), sums))) for name in names]
        rows.append(("all", *(figure(mean) for mean in self.means_us())))
        table(("us of processor time a call", "cold", "warm"), rows)
        if self.bursts * PART < ENOUGH:
            say(f"Of so few calls there are few samples: by phase this is rough. --calls {ENOUGH}"
                " has more.")
            return
        cold, warm = ({name: seen.per_call(value) / 1e3 for name, value in one.items()}
                      for seen, one in zip(self.costs.values(), sums))
        saved = sum(cold.get(name, 0) for name in ONLY_COLD)
        say(f"A warm start leaves out {', '.join(ONLY_COLD)}: {figure(saved)} us of the"
            f" {figure(self.means_us()[0])} us of a cold call. It pays reset:"
            f" {figure(warm.get('reset', 0))} us.")

    def means_us(self):
        return [seen.per_call(seen.total) / 1e3 for seen in self.costs.values()]

    def show_end(self):
        means = self.means_us()
        table(("us a call", "cold", "warm", "cold to warm"), [
            self.row("deploy + undeploy, p50", startup_us, 0.5),
            self.row("deploy + undeploy, p99", startup_us, 0.99),
            self.row("latency, p50", latency_us, 0.5),
            ("processor time of workers, mean", *map(figure, means), ratio(*means))])
