# SPDX-License-Identifier: MIT
"""footprint.py - what a warm instance holds, and what calls that only sleep do to the rest."""

import resource

import sleepers
from figures import number, percentile, progress, row, table
from servers import Faas

BASE = 32  # instances that are there before: what their workers need once is not counted
INSTANCE_KIB_MOST = 96
WITHIN, HEALTH_MS_MOST = 1.2, 5
OTHER_FILES = 300


def measure_instances(quick):
    """The table of warm instances."""
    rounds, count = 3, 128 if quick else 512
    costs = []
    for turn in range(rounds):
        progress(f"footprint: warm instances, round {turn + 1} of {rounds}")
        with Faas() as server:
            server.add_warm(BASE)
            before = server.memory_kib("Pss")
            server.add_warm(count)
            costs.append((server.memory_kib("Pss") - before) / count)
    return table("footprint: warm instances",
                 f"{rounds} servers: Pss of the family after {count} more instances of a function"
                 f" that does nothing, less before ({BASE} were there), divided.",
                 [row("a warm instance", costs, "KiB", most=INSTANCE_KIB_MOST)])


def most_connections(wanted):
    """As many as descriptors allow, with the limit raised as far as it goes."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard == resource.RLIM_INFINITY:
        hard = wanted + OTHER_FILES
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return min(wanted, hard - OTHER_FILES)


def flags(calls):
    """Settings under which `calls` connections, with a call each, are admitted at once."""
    return ("--workers", "2", "--connections-max", str(calls + 50), "--calls-max",
            str(calls + 50), "--queue-max", str(calls + 50), "--queue-wait-ms", "60000",
            "--read-timeout-ms", "60000")


def measure_sleepers(quick):
    """The table of calls that sleep."""
    rounds, wanted, ms = (3, 2000, 2000) if quick else (3, 10000, 5000)
    calls = most_connections(wanted)
    sent, lasted, idle, meanwhile, slowest = [], [], [], [], []
    for turn in range(rounds):
        progress(f"footprint: {calls:,} calls that sleep, round {turn + 1} of {rounds}")
        with Faas(*flags(calls)) as server:
            seen = sleepers.run(server.port, calls, ms)
        sent.append(seen.sent_ms)
        lasted.append(seen.lasted_ms / ms)
        idle.append(percentile(seen.idle_ms, .99))
        meanwhile.append(percentile(seen.meanwhile_ms, .99))
        slowest.append(max(seen.meanwhile_ms))
    fewer = f"only {number(calls)} of {number(wanted)}: descriptors" if calls < wanted else ""
    return table("footprint: calls that sleep",
                 f"{rounds} servers with two workers: {calls:,} calls of sleep, ms={ms}, sent at"
                 " once on as many connections; GET /health every"
                 f" {sleepers.PROBE_MS} ms on one more, timed from when it was due.",
                 [row(f"first sent to last answered / {ms} ms", lasted, "times", most=WITHIN,
                      note=fewer),
                  row("first sent to last sent", sent, "ms"),
                  row("GET /health, p99, nothing else", idle, "ms"),
                  row("GET /health, p99, meanwhile", meanwhile, "ms", most=HEALTH_MS_MOST),
                  row("GET /health, slowest meanwhile", slowest, "ms")])
