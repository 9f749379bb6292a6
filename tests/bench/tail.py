# SPDX-License-Identifier: MIT
"""tail.py - how long a call that does nothing takes while half the workers are held."""

import contextlib
import os
import subprocess
import time

from client import Connection, invoke, wrk_command
from figures import percentile, progress, ratios, row, table
from servers import Faas, wait_until

WORKERS = 4 * os.cpu_count()  # as many as by default
HELD_N = 38


def latencies_us(server, seconds):
    """Of calls one after another, on one connection."""
    call, seen = invoke("noop"), []
    with Connection(server.port) as connection:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            began = time.perf_counter_ns()
            connection.call(call)
            seen.append((time.perf_counter_ns() - began) / 1000)
    return seen


@contextlib.contextmanager
def held(server, count, seconds):
    """`count` workers compute Fibonacci numbers, again and again."""
    command = wrk_command(server.port, "/fn/invoke/fibonacci", seconds, count,
                          f'{{"n":{HELD_N}}}')
    holder = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        wait_until(lambda: in_flight(server) == count, f"{count} workers to be held")
        yield
        if holder.poll() is not None:
            raise RuntimeError("the workers were not held until the end")
    finally:
        holder.terminate()
        holder.wait()
    wait_until(lambda: in_flight(server) == 0, "the workers to be free again")


def in_flight(server):
    return server.json("GET", "/fn/stats")["fibonacci"]["in_flight"]


def measure(quick):
    """The table of the tail: idle and held in turn."""
    rounds, seconds = (3, 2) if quick else (5, 4)
    idle, busy, middles = [], [], ([], [])
    with Faas("--workers", str(WORKERS)) as server:
        latencies_us(server, 1)
        for turn in range(rounds):
            progress(f"requests: tail, round {turn + 1} of {rounds}")
            seen = latencies_us(server, seconds)
            with held(server, WORKERS // 2, seconds * 2 + 60):
                under = latencies_us(server, seconds)
            for p99, p50, values in ((idle, middles[0], seen), (busy, middles[1], under)):
                p99.append(percentile(values, .99))
                p50.append(percentile(values, .5))
    return table("requests: the tail while workers are held",
                 f"A cold call that does nothing, one after another on one connection, as its"
                 f" client sees it; {rounds} rounds of {seconds} s idle, then {seconds} s with"
                 f" {WORKERS // 2} of {WORKERS} workers in fibonacci n={HELD_N} all the time.",
                 [row("idle, p50", middles[0], "us"), row("idle, p99", idle, "us"),
                  row("held, p50", middles[1], "us"), row("held, p99", busy, "us"),
                  row("held / idle, p99", ratios(busy, idle), "times", most=3)])
