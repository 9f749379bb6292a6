# SPDX-License-Identifier: MIT
"""lifecycle.py - what opening and closing a state costs, or putting a warm one back."""

import re

from client import Connection, invoke
from figures import percentile, progress, row, table
from servers import Faas

POOL, WARM_UP = 64, 1000
PHASE = re.compile(rb"(deploy|undeploy);dur=([\d.]+)")


def phases_us(connection, start, calls):
    """(deploy, undeploy) of calls one after another, as Server-Timing tells them."""
    call, expected, seen = invoke("noop", start), f"\r\nx-start: {start}\r\n".encode(), []
    heads = [connection.call(call) for _ in range(calls)]  # parsed afterwards: that takes time
    for head in heads:
        if expected not in head + b"\r\n":
            raise RuntimeError(f"a {start} call did not start {start}")
        phases = dict(PHASE.findall(head))
        seen.append((float(phases[b"deploy"]) * 1000, float(phases[b"undeploy"]) * 1000))
    return seen


def measure(quick):
    """The table of the life of a state: cold and warm in turn."""
    rounds, calls = (3, 5000) if quick else (7, 20000)
    cold, warm = [], []
    with Faas() as server, Connection(server.port) as connection:
        server.add_warm(POOL)
        for start in ("cold", "warm"):
            phases_us(connection, start, WARM_UP)
        for turn in range(rounds):
            progress(f"lifecycle: round {turn + 1} of {rounds}")
            cold.append(phases_us(connection, "cold", calls))
            warm.append(phases_us(connection, "warm", calls))
    return table("lifecycle", f"{rounds} rounds of {calls:,} cold, then {calls:,} warm calls of a"
                 " function that does nothing, back to back on one keep-alive connection (a plain"
                 " socket); phases from Server-Timing. Cold is deploy (open, libraries, load) and"
                 " undeploy (close); a warm instance's undeploy puts it back.", rows(cold, warm))


def each(batches, share, figure):
    """One percentile a round."""
    return [percentile([figure(*phases) for phases in batch], share) for batch in batches]


def rows(cold, warm):
    return [
        row("cold: deploy and undeploy, p50", each(cold, .5, lambda a, b: a + b), "us", most=15),
        row("cold: deploy and undeploy, p99", each(cold, .99, lambda a, b: a + b), "us", most=60),
        row("cold: deploy alone, p50", each(cold, .5, lambda a, b: a), "us"),
        row("cold: undeploy alone, p50", each(cold, .5, lambda a, b: b), "us"),
        row("warm: undeploy, p50", each(warm, .5, lambda a, b: b), "us", most=2),
        row("warm: undeploy, p99", each(warm, .99, lambda a, b: b), "us"),
        row("warm: deploy, p50", each(warm, .5, lambda a, b: a), "us"),
    ]
