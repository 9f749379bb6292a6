# SPDX-License-Identifier: MIT
"""steps.py - the ten steps: what is done, the same for curl, and what was measured."""

import collections
import re

from client import PHASES, function_of, median, need, phase_of, wait_until
from compare import FINE_HZ, SMALL, Comparison
from words import amount, command, figure, line, pairs, percent, ratio, say, table, title

FUNCTIONS = ("fibonacci", "transform", "hash", "sort", "sleep", "matrix", "regex", "compress",
             "primes", "contention", "fanout")
EACH = 5  # calls of each function in step 2
BURSTS = (1, 10, 100, 1000)
SHOWN_BURST = 10
POOL, POOLED = 64, 20  # instances; calls of them
TOPS = {"cpu": 6, "wall": 3, "alloc": 4, "mutex": 1}  # rows of each type of profile
TREE_LEAST, TREE_DEEP, BAR = 0.03, 6, 24
TRANSFORMS, TRANSFORMED = 5, 20  # bursts; calls in one, which have to wait for each other
UPLOAD_S = 30
LINE = re.compile(r"\.lua:\d+ ")


def line_of(stack):
    """The innermost line of Lua, else the phase; None of what is no function's."""
    lines = [frame for frame in stack if LINE.search(frame)]
    return function_of(stack) and (function_of(stack), lines[-1] if lines else phase_of(stack))


class Steps:
    """The steps in order; step 8 compares `count` calls."""

    def __init__(self, server, client, count):
        self.server, self.client = server, client
        self.comparison = Comparison(client, count)
        self.alone = {}  # ms that a call of a function takes, when it is alone; of these its run
        self.run_ms = {}
        self.pool = None  # how many warm instances of hash there were, while there are more
        self.before = {}

    def run(self):
        for number, (text, step) in enumerate((
                ("Start", self.start), ("Cold traffic over all functions", self.cold),
                ("Contention: who waits for a lock", self.contention),
                ("Burst: many calls at once", self.burst),
                ("Fanout: calls that make calls", self.fanout),
                ("Wall time and processor time", self.wall), ("A warm pool", self.warm),
                ("Cold and warm compared", self.comparison.run),
                ("What the profiles say", self.profiles)), 1):
            title(number, text)
            step()

    # -- Steps -------------------------------------------------------------------------------------

    def start(self):
        say("A supervisor, a front that speaks HTTP, and workers that run Lua: each a process of"
            " its own. All of them take samples of themselves from now on.")
        command(self.server.shown_command)
        listed = self.client.get("/fn/list", shown=True)["functions"]
        rates = self.client.get("/debug/profiling", shown=True)
        missing = sorted(set(FUNCTIONS) - set(listed))
        need(not missing, f"the server lacks the functions {', '.join(missing)}")
        self.seen = {kind: self.client.flame(kind) for kind in TOPS}
        self.seen_locks = self.client.flame("mutex", "contention")
        self.before = self.client.metrics()
        self.before_calls = self.client.calls()
        build = next(name for name in self.before if name.startswith("faas_build_info"))
        line()
        pairs([
            ("address", self.client.shown_url),
            ("version", " ".join(re.findall(r'"([^"]+)"', build))),
            ("ready", self.server.ready_words()),
            ("workers", f"{self.before['faas_workers']:.0f}"),
            ("functions", f"{len(listed)}"),
            ("samples", f"processor time: {rates['cpu_hz']} a second of it; wall time:"
             f" {rates['wall_hz']} a second;"),
            ("", f"one each {rates['alloc_bytes'] / 1024:.0f} KiB allocated, and each"
             f" {rates['lock_ns'] / 1e6:g} ms of waiting for locks"),
        ])
        off = [name for name, rate in rates.items() if not rate]
        need(not off, f"the server takes no samples where /debug/profiling has 0: {', '.join(off)}")
        self.sample_ms = f"{1000 / rates['cpu_hz']:g} ms"

    def cold(self):
        say(f"Each of the eleven functions, {EACH} times. Cold: each call has a Lua state of its"
            " own, which is opened, gets its libraries, loads the function, runs it and is closed."
            " Every reply tells how long that took (Server-Timing): deploy, exec, undeploy. In"
            " profiles deploy is newstate, libraries and load, and undeploy is close.")
        rows, shares, ends = [], {}, {}
        for name in FUNCTIONS:
            calls = [self.client.invoke(name, shown=name == "hash" and i == 0)
                     for i in range(EACH)]
            deploy, run, undeploy, self.alone[name] = (
                median([getattr(call, part) for call in calls])
                for part in ("deploy", "exec", "undeploy", "latency_ms"))
            shares[name], ends[name] = (deploy + undeploy) / self.alone[name], undeploy
            self.run_ms[name] = run
            rows.append((name, EACH, figure(self.alone[name]), figure(1000 * deploy), figure(run),
                         figure(1000 * undeploy), percent(shares[name], 1)))
        table(("function", "calls", "latency ms", "deploy us", "exec ms", "undeploy us",
               "(deploy + undeploy) / latency"), rows)
        most, longest = max(shares, key=shares.get), max(ends, key=ends.get)
        say(f"Medians. Start and end weigh most for {most}: {percent(shares[most], 1)} of its"
            f" latency. What a function has made is closed with its state: {longest} takes longest"
            f" to end, {figure(1000 * ends[longest])} us.")

    def contention(self):
        say("One call, in which eight threads want the same mutex. A profile of processor time"
            " does not show that, for who waits uses none. The lock profile does: how long, and"
            " which line waited.")
        before = self.client.flame("mutex", "contention")
        call = self.client.invoke("contention", {"threads": 8, "iterations": 3000}, shown=True)
        after = self.client.flame("mutex", "contention", shown=True)
        locks = after - before
        need(locks.total > 0, "eight threads fought for a mutex, and the lock profile has nothing")
        stack, value = locks.largest()[0]
        line()
        pairs([
            ("the call", f"{figure(call.latency_ms)} ms; {call.result['waits']} waits,"
             f" {figure(call.result['waited_ms'])} ms of waiting, all threads together"),
            ("lock profile", f"{amount(locks.total, locks.unit)} by this call;"
             f" {amount((after - self.seen_locks).total, locks.unit)} with those of step 2"),
            ("where", f"{amount(value, locks.unit)} at {' > '.join(stack[3:])}"),
        ])

    def burst(self):
        say("So many calls of hash in one request, spread over the workers. The last columns are"
            f" what continuous profiling lives on: a sample comes each {self.sample_ms} of"
            " processor time, so one short call is mostly seen by none. But samples of all calls"
            " add up, by function.")
        rows, alone, run_us = [], self.alone["hash"], 1000 * self.run_ms["hash"]
        for count in BURSTS:
            before = self.client.flame("cpu", "hash")
            together = self.client.burst("hash", count, shown=count == SHOWN_BURST)["total_ms"]
            seen = self.client.flame("cpu", "hash") - before
            mean_us = seen.per_call(seen.total) / 1e3
            rows.append((count, figure(together), figure(count * alone),
                         f"{1000 * count / together:,.0f}", figure(seen.total / 1e6),
                         figure(mean_us) if mean_us else "not seen"))
        table(("calls at once", "together ms", "one by one ms *", "calls/s", "in profile, ms",
               "a call, us"), rows, texts=0)
        say(f"* The median of step 2, {figure(alone)} ms, so many times. Its replies say"
            f" {figure(run_us)} us of exec; by the profile, a call of the last row took"
            f" {ratio(mean_us, run_us)} times that. All of them succeeded.")

    def fanout(self):
        say("A function calls others side by side (ctx.invoke_all), and these may do so again."
            " A parent that waits holds its state, but no worker. Its wall profile has the line"
            " that waited.")
        wall = self.client.flame("wall", "fanout")
        sleepers = self.client.invoke("fanout", {"count": 5, "function": "sleep",
                                                 "params": {"ms": 100}}, shown=True)
        before, _ = self.client.calls()
        nested = self.client.invoke("fanout", {"count": 4, "function": "fanout",
                                               "params": {"count": 3}}, shown=True)
        after, _ = self.client.calls()
        wall = self.client.flame("wall", "fanout") - wall
        waits = [(name, value) for name, value in wall.largest(lambda stack: stack[-2:])]
        need(waits, "a parent waited for its children, and the wall profile has nothing of it")
        line()
        pairs([
            ("5 sleeps of 100 ms", f"{figure(sleepers.latency_ms)} ms together; one after another"
             " they would sleep 500 ms"),
            ("4 fanouts of 3 hashes", f"{after - before} calls by one request, in"
             f" {figure(nested.latency_ms)} ms"),
            ("wall profile", f"{amount(waits[0][1], wall.unit)} at {' > '.join(waits[0][0])}"),
        ])

    def wall(self):
        say("A hundred calls that sleep for half a second each, at once. To their callers they"
            " last long; processors and workers they hardly need. That is why there are two"
            " profiles: what it takes a caller (wall), and what it costs you (cpu).")
        walls, costs = self.client.flame("wall", "sleep"), self.client.flame("cpu", "sleep")
        together = self.client.burst("sleep", 100, {"ms": 500}, shown=True)["total_ms"]
        walls = self.client.flame("wall", "sleep", shown=True) - walls
        costs = self.client.flame("cpu", "sleep", shown=True) - costs
        need(walls.total > 0, "a hundred calls slept, and the wall profile has nothing of it")
        line()
        pairs([
            ("took", f"{figure(together)} ms, on {self.before['faas_workers']:.0f} workers"),
            ("wall profile", f"{amount(walls.total, walls.unit)} in {walls.calls} calls, at"
             f" {' > '.join(walls.largest()[0][0][3:])}"),
            ("cpu profile", f"{amount(costs.total, costs.unit)}, of that"
             f" 1/{walls.total / costs.total:,.0f}" if costs.total else
             f"0: all hundred together came to no sample, which are {self.sample_ms} apart"),
        ])

    def warm(self):
        say(f"{POOL} states of hash are opened ahead. A warm call borrows one, and puts it back to"
            " its first image, byte for byte, when it ends: nothing of a call is left for the"
            " next. X-Start tells which kind a call was.")
        self.pool = self.client.get("/fn/warmpool").get("hash", {}).get("pool_size", 0)
        made = self.client.ask("POST", f"/fn/warmpool/hash?size={POOL}", shown=True).json()
        cold = self.client.invoke("hash", SMALL, "cold")
        calls = [self.client.invoke("hash", SMALL, "warm", shown=i == 0) for i in range(POOLED)]
        starts = collections.Counter(call.start for call in calls)
        pool = self.client.get("/fn/warmpool", shown=True)["hash"]
        need(starts["warm"] and pool["hits"], f"no call started warm: {dict(starts)}, {pool}")
        line()
        pairs([
            ("pool", f"{made['pool_size']} instances, {pool['idle']} idle; {pool['hits']} hits,"
             f" {pool['misses']} misses"),
            ("X-Start", ", ".join(f"{start}: {count} calls" for start, count in starts.items())),
            *((f"{call.start}, us", "   ".join(
                f"{phase} {figure(1000 * getattr(call, phase))}" for phase in PHASES))
              for call in (cold, calls[-1])),
        ])

    # -- Profiles ----------------------------------------------------------------------------------

    def profiles(self):
        calls = TRANSFORMS * TRANSFORMED
        say(f"First {calls} calls of transform, {TRANSFORMED} at once: it builds 20,000 rows in Lua"
            " and counts some of them. Then all that was sampled since step 1, by line of Lua: what"
            " it took itself, and in C on its behalf. Where no line runs, it is the phase.")
        before = self.client.flame("cpu", "transform")
        for i in range(TRANSFORMS):
            self.client.burst("transform", TRANSFORMED, {"size": 20000}, shown=i == 0)
        transform = self.client.flame("cpu", "transform") - before
        rows = []
        for kind, most in TOPS.items():
            seen = self.client.flame(kind, shown=True) - self.seen[kind]
            for i, ((name, where), value) in enumerate(seen.largest(line_of)[:most]):
                rows.append(("" if i else kind, name, where, amount(value, seen.unit),
                             percent(value, seen.total)))
            rest = seen.total - sum(value for _, value in seen.largest(line_of))
            if rest:
                rows.append(("", "(none)", "the server's own work", amount(rest, seen.unit),
                             percent(rest, seen.total)))
        table(("profile", "function", "line, or phase", "took", "of all"), rows, texts=3)
        say(f"Those {calls} calls of transform, from the phases down to lines and what these did in"
            " C; a flame graph, as text:")
        self.tree(transform)
        rows = self.cost_of_profiling()
        pairs(rows + (self.pushes() if "pyroscope" in self.server.services else []))

    def tree(self, seen):
        """A flame graph as text: what is below a frame is set in further."""
        sums = collections.Counter()
        for stack, value in seen.values.items():
            for deep in range(2, min(len(stack), 2 + TREE_DEEP) + 1):
                sums[stack[1:deep]] += value
        line()

        def show(above):
            below = [stack for stack in sums if stack[:-1] == above]
            for stack in sorted(below, key=sums.get, reverse=True):
                share = sums[stack] / seen.total
                if share >= TREE_LEAST:
                    bar = "#" * max(1, round(BAR * share))
                    line(f"    {bar:{BAR}} {percent(share, 1):>6}"
                         f"  {'  ' * (len(stack) - 1)}{stack[-1]}")
                    show(stack)

        show(())
        line()

    def cost_of_profiling(self):
        after = self.client.metrics()
        spent, handlers = (after[name] - self.before[name] for name in (
            "process_cpu_seconds_total", "faas_profile_handler_seconds_total"))
        cpu = self.client.flame("cpu") - self.seen["cpu"]
        return [
            ("is it all?", f"{cpu.total / 1e9:.2f} s of processor time are in the profile, the"
             f" kernel counted {spent:.2f} s"),
            ("its price", f"{1000 * handlers:.0f} ms of these in the profiler's signal handlers:"
             f" {percent(handlers, spent)}"),
            ("", f"(with up to {FINE_HZ} samples a second in a part of step 8)"),
        ]

    def pushes(self):
        """What came until now is in the upload that is sent next."""
        name = "faas_profile_push_uploads_total"
        before = self.client.metrics()[name]
        wait_until(lambda: self.client.metrics()[name] > before, UPLOAD_S, 0.2)
        after = self.client.metrics()
        return [("uploads", f"Pyroscope took {after[name]:.0f}:"
                 f" {amount(after['faas_profile_push_bytes_total'], 'bytes')}" if after[name] else
                 "Pyroscope has taken none yet")]

    # -- The end -----------------------------------------------------------------------------------

    def tidy(self, shown=False):
        """Leaves the server as it was before; also after a failure."""
        self.comparison.restore_rates()
        if self.pool is not None:
            self.client.ask("DELETE", "/fn/warmpool/hash", shown=shown)
            if self.pool:
                self.client.ask("POST", f"/fn/warmpool/hash?size={self.pool}", shown=shown)
            self.pool = None

    def show_end(self):
        ended, failed = (after - before for after, before in
                         zip(self.client.calls(), self.before_calls))
        need(not failed, f"{failed} of {ended} calls failed")
        say(f"{ended:,} calls, none failed. Cold and warm, for hash with 10 rounds:")
        self.comparison.show_end()
